"""A benchmark of one's own: where its data are, how it asks, a rule of its own, and the number it reports."""

import json

from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.benchmark import Benchmark, Item, Part, Repo
from cogito_pl.rewards import Verdict, Verifier

CONFIG = """
trainer: {{accelerator: cpu, default_root_dir: {folder}}}
model:
  class_path: cogito_pl.modules.SFTModule
  init_args:
    policy: {{name: {model}}}
    evaluation: {{max_tokens: 4}}
data:
  benchmarks: [{{class_path: {own}.Lengths, init_args: {{root: {folder}/data, slack: 99}}}}]
"""


class AtMost(Verifier):
    """Correct is any answer with at most as many characters as the gold says, times `slack`."""

    def __init__(self, slack: int) -> None:
        self.slack = slack

    def judge(self, answer, gold, choices, options):
        return Verdict.of(len(answer.text) <= self.slack * int(gold), "length")


class Lengths(Benchmark):
    """Asks for short answers."""

    name = "lengths"
    repos = (Repo("somebody/lengths", (Part("test"),)),)
    rows = 2
    columns = ("prompt", "longest")

    def __init__(self, slack: int = 1, **settings) -> None:
        super().__init__(**settings)
        self.verifiers = {"at_most": AtMost(slack)}

    def item(self, cells, part):
        return Item(question=cells["prompt"], answer=str(cells["longest"]), kind="at_most", instruction="Be brief.")

    def aggregate(self, meta):
        return ByCategory(meta, self.samples)


def test_a_rule_of_ones_own_needs_a_kind_of_its_own():
    own = Lengths()
    own.verifiers = {"text": AtMost(1)}
    assert own.unusable().endswith("for text, a shipped kind; choose another name")


def test_a_benchmark_of_ones_own_is_asked_and_graded(run_cli, tiny_folder, tmp_path):
    folder = tmp_path / "data/somebody/lengths/data"
    folder.mkdir(parents=True)
    rows = [{"prompt": "Say something!", "longest": 1}, {"prompt": "Say nothing!", "longest": 0}]
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "own.yaml").write_text(CONFIG.format(folder=tmp_path, model=tiny_folder, own=__name__))
    cli = run_cli("validate", "--config", tmp_path / "own.yaml")
    assert cli.trainer.callback_metrics["val/accuracy"] == 0.5
    assert cli.datamodule.validation_problems[0][0].question == "Say something!\nBe brief."
