"""Benchmarks in a run: `train.py validate` asks and grades them on the tiny model."""

import pytest

from cogito_pl.rewards import Reward, RewardConfig
from tests.modules.training import data, sft, trainer

CONFIG = """
trainer: {{accelerator: cpu, default_root_dir: {folder}, callbacks: [{{class_path: callbacks.RolloutTable}}]}}
model:
  class_path: cogito_pl.modules.SFTModule
  init_args:
    policy: {{name: {model}}}
    evaluation: {{max_tokens: 3, temperature: 0}}
    reward: {{per_source: {{chartqa: {{chart: relaxed}}}}}}
data:
  benchmarks:
    - {{class_path: MathVista, init_args: {{root: {root}}}}}
    - {{class_path: ChartQA, init_args: {{root: {root}, limit: 3}}}}
    - {{class_path: ChartQA, init_args: {{root: {root}, limit: 3, name: strict, instruction: Be brief.}}}}
    - {{class_path: AIME24, init_args: {{root: {root}, samples: 2, sampling: {{temperature: 0.9}}}}}}
"""


@pytest.fixture(scope="module")
def root(copies):
    for name in ("mathvista", "chartqa"):
        copies(name)
    return copies("aime24")


def test_benchmarks_are_asked_and_graded_beside_each_other(run_cli, tiny_folder, tmp_path, root):
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG.format(folder=tmp_path, model=tiny_folder, root=root))
    cli = run_cli("validate", "--config", config)
    metrics = cli.trainer.callback_metrics
    names = cli.datamodule.validation_names
    assert names == ["mathvista", "chartqa", "strict", "aime24"]
    assert {f"val/{name}/accuracy" for name in names} <= metrics.keys()
    lines = next(tmp_path.rglob("validation.rank0.jsonl")).read_text().splitlines()
    assert len(lines) == 5 + 3 + 3 + 2 * 2
    vista, chart, strict, aime = cli.datamodule.validation_problems
    assert (chart[0].question, strict[0].question) == (
        "<image>\nWhat value?\nAnswer the question with a single word.",
        "<image>\nWhat value?\nBe brief.",
    )
    score = cli.model.reward.score
    integers = score([r"\boxed{3.7}", r"\boxed{4}"], [vista[1], vista[1]])
    assert integers.terms["accuracy"] == [1.0, 0.0]  # by MathVista's own rule
    commas = score(["<answer>1,000</answer>"] * 2, [chart[2], strict[2]])
    assert commas.terms["accuracy"] == [1.0, 0.0]  # the settings of a source go before the benchmark's
    cli.model.reward.close()
    assert cli.datamodule.validation_sources[3].samples == 2
    assert (cli.datamodule.validation_sources[3].sampling.temperature, aime[0].kind) == (0.9, "number")


def test_missing_data_are_named_with_the_command_that_fetches_them(tiny_folder, tmp_path, root):
    from cogito_pl.evaluation.benchmarks import GPQADiamond, MathVista, ScienceQA

    def run(*benchmarks):
        trainer(tmp_path).validate(sft(tiny_folder), data(tmp_path, benchmarks=benchmarks), verbose=False)

    with pytest.raises(FileNotFoundError, match=r"gpqa_diamond: .*does not exist; .*must grant you access"):
        run(GPQADiamond(root=str(tmp_path)))
    fetch = "hf download --repo-type dataset lmms-lab/ScienceQA --local-dir"
    with pytest.raises(FileNotFoundError, match=f"{fetch} {tmp_path}/lmms-lab/ScienceQA"):
        run(ScienceQA(root=str(tmp_path)))
    with pytest.raises(ValueError, match=r"lacks the columns pid, query, .* it has type, question, answer, image"):
        run(MathVista(path=f"{root}/lmms-lab/ChartQA/data/test-00000-of-00001.parquet"))


def test_a_benchmark_twice_needs_two_names(tiny_folder, tmp_path, root):
    from cogito_pl.evaluation.benchmarks import ChartQA

    twice = [ChartQA(root=str(root)), ChartQA(root=str(root))]
    with pytest.raises(ValueError, match=r"several sources of one name \['chartqa', 'chartqa'\]"):
        trainer(tmp_path).validate(sft(tiny_folder), data(tmp_path, benchmarks=twice), verbose=False)


def test_a_second_module_on_the_same_data_grades_the_benchmark_too(tiny_folder, tmp_path, root):
    from cogito_pl.evaluation.benchmarks import MathVista

    held, modules = (
        data(tmp_path, benchmarks=[MathVista(root=str(root), limit=2)]),
        [sft(tiny_folder), sft(tiny_folder)],
    )
    for module in modules:
        trainer(tmp_path).validate(module, held, verbose=False)
    assert modules[1].reward.rejection(held.validation_problems[0][1]) is None


def test_mmvet_without_a_judge_ends_a_run_before_it_begins(tmp_path):
    from cogito_pl.evaluation.benchmarks import MMVet

    with pytest.raises(ValueError, match="mmvet is graded by a judge alone"):
        data(tmp_path, benchmarks=[MMVet()])


def test_a_run_without_anything_to_validate_on_names_both_settings(run_cli, tiny_folder):
    model = ("--model", "cogito_pl.modules.SFTModule", "--model.init_args.policy.name", tiny_folder)
    with pytest.raises(ValueError, match=r"data.validation is empty; .* or set data.benchmarks"):
        run_cli("validate", *model)


def test_a_papers_own_reward_grades_no_benchmark():
    with pytest.raises(ValueError, match=r"reward.variant=vl_cogito .* mathvista of data.benchmarks"):
        Reward(RewardConfig(variant="vl_cogito")).include("mathvista", {}, {})


def test_stored_scores_of_a_run_stay_valid_when_a_benchmark_is_added():
    from cogito_pl.evaluation.benchmarks import DynaMath

    reward, plain = Reward(RewardConfig()), Reward(RewardConfig())
    reward.include("dynamath", DynaMath.verifiers, DynaMath.grading)
    assert reward.grading_settings() == plain.grading_settings()
