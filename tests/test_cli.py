"""The command line: recipes parse, print what they mean, and name what is wrong with them."""

import contextlib
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from callbacks import BestCheckpointHandoff
from cogito_pl.modules import RolloutCallback

ROOT = Path(__file__).resolve().parents[1]
PLAYGROUND_OVERLAYS = (
    "curriculum",
    "stages",
    "lengths",
    "strata",
    "mid_hard",
    "random_control",
    "medium",
    "hard",
    "half",
    "answers",
)
FOLDERS = ("with", "strategy", "difficulty_sampling/with", "revisual_r1/with")
OVERLAYS = sorted(path for folder in FOLDERS for path in (ROOT / "configs" / folder).glob("**/*.yaml"))
OVERLAYS += [ROOT / f"configs/playground/{name}.yaml" for name in PLAYGROUND_OVERLAYS]
LESS = [ROOT / f"configs/with/vl_cogito/{name}.yaml" for name in ("vanilla_grpo", "curriculum_only")]
"""Overlays that take something out of one recipe, `configs/vl_cogito.yaml`."""
STUDIES = [
    path for kind in ("study", "space") for path in sorted((ROOT / "configs").glob(f"**/*.{kind}.yaml"))
]  # of cogito_pl.experiments, and read by its tests
ARMS = [
    path
    for folder in ("controls", "methods", "selection", "exploration", "staged")
    for path in (ROOT / "configs/laboratory" / folder).glob("*.yaml")
    if "class_path: cogito_pl.modules" not in path.read_text()
]  # of the studies, whose tests read them
RECIPES = sorted(path for path in (ROOT / "configs").glob("**/*.yaml") if path not in OVERLAYS + STUDIES + ARMS)


def command_of(path: Path) -> str:
    scores = "cogito_pl.modules.ScoreModule" in path.read_text()
    return "predict" if scores else "validate" if "evaluate" in path.name else "fit"


def printed(run_cli, *args) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), pytest.raises(SystemExit) as exit_info:
        run_cli(*args, "--print_config")
    assert exit_info.value.code in (0, None)
    return output.getvalue()


def refused(run_cli, *args) -> str:
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), pytest.raises(SystemExit) as exit_info:
        run_cli(*args)
    assert exit_info.value.code == 2
    return errors.getvalue()


def assert_within(part, whole, place=""):
    """Every setting of `part` has its value in `whole`, which may have more, such as defaults."""
    if isinstance(part, dict):
        assert isinstance(whole, dict), place
        for name, value in part.items():
            assert_within(value, whole[name], f"{place}.{name}")
    elif isinstance(part, list):
        assert len(part) == len(whole), place
        for number, (one, other) in enumerate(zip(part, whole, strict=True)):
            assert_within(one, other, f"{place}[{number}]")
    else:
        assert part == whole, place


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_recipe_prints_a_configuration_that_parses_again_and_builds_its_objects(
    run_cli, build_cli, tmp_path, path
):
    full = printed(run_cli, command_of(path), "--config", path)
    (tmp_path / "full.yaml").write_text(full)
    cli = build_cli(command_of(path), "--config", tmp_path / "full.yaml")
    assert cli.model.policy is None  # no weights were loaded
    assert cli.model.seed == cli.datamodule.seed == 17
    full = yaml.safe_load(full)
    for name in ("accelerator", "precision", "devices", "strategy"):  # which `build_cli` sets
        del full["trainer"][name]
    if full["data"]["stages"]:  # which give the number of epochs
        assert full["trainer"].pop("max_epochs") is None
    assert_within(full, yaml.safe_load(cli.parser.dump(cli.config, skip_none=False))[command_of(path)])


@pytest.mark.parametrize("overlay", sorted({*OVERLAYS} - {*LESS}), ids=lambda path: path.name)
def test_every_overlay_adds_to_the_grpo_recipe_and_replaces_nothing(run_cli, overlay):
    recipe = ROOT / "configs/playground/grpo.yaml"
    both = printed(run_cli, "fit", "--config", recipe, "--config", overlay)
    before, after = (
        [c["class_path"] for c in yaml.safe_load(text)["trainer"]["callbacks"]] for text in (recipe.read_text(), both)
    )
    assert after[: len(before)] == before


def test_the_cold_start_has_the_numbers_of_its_paper_and_with_an_overlay_those_of_its_code(run_cli):
    folder = ROOT / "configs/revisual_r1"
    files = ["--config", folder / "cold_start.yaml", "--config", folder / "with/released_code.yaml"]
    for used, size, rate, prompts in ((files[:2], "7B", 2e-5, 256), (files, "3B", 1e-5, 128)):
        model = yaml.safe_load(printed(run_cli, "fit", *used))["model"]["init_args"]
        assert model["policy"]["name"] == f"Qwen/Qwen2.5-VL-{size}-Instruct"
        assert model["policy"]["freeze"] == ["vision", "projector"]
        assert (model["optimizer"]["init_args"]["lr"], model["schedule"]["prompts"]) == (rate, prompts)
        assert (model["learning_rate"]["decay"], model["max_sequence_tokens"]) == ("cosine", 32768)


def test_vl_cogito_has_the_numbers_of_the_paper_and_its_code(run_cli):
    config = yaml.safe_load(printed(run_cli, "fit", "--config", ROOT / "configs/vl_cogito.yaml"))
    model, data = config["model"]["init_args"], config["data"]
    wanted = {
        "schedule": {"prompts": 512, "group_size": 16, "updates": 4, "epochs_per_rollout": 1},
        "sampling": {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "max_tokens": 4096},
        "loss": {"clip_low": 0.2, "clip_high": 0.2, "kl_coef": 1e-3, "entropy_coef": 0.0},
        "learning_rate": {"warmup": 0, "decay": "constant"},
        "reward": {"accuracy": 1.0, "format": 0.5, "repetition": None},
        "evaluation": {"temperature": 0.5},
        "policy": {"max_prompt_tokens": 2048, "min_pixels": 7056, "max_pixels": 1048576, "freeze": [], "lora": None},
    }
    assert {part: {name: model[part][name] for name in values} for part, values in wanted.items()} == wanted
    adam = model["optimizer"]["init_args"]
    assert (adam["lr"], adam["betas"], adam["weight_decay"]) == (1e-6, [0.9, 0.999], 0.01)
    rollouts = {stage["name"]: stage["epochs"] * data["rollouts_per_epoch"] for stage in data["stages"]}
    assert rollouts == {"easy": 100, "medium": 100, "hard": 150}
    given = {c["class_path"]: c.get("init_args") for c in config["trainer"]["callbacks"]}
    assert given["callbacks.ODSWReweighting"]["zero_weight"] == 0.25
    length, repetition = given["callbacks.DynamicLengthReward"], given["callbacks.RepetitionPenalty"]
    assert (length["variant"], length["max_length"], length["stages"]) == ("official", 750, ["hard"])
    assert (repetition["weight"], repetition["words"], repetition["scope"]) == (0.5, 20, "wrong")
    assert repetition["stages"] == ["hard"]


ROWS = {
    ("vanilla_grpo",): set(),
    ("curriculum_only",): {"ODSWReweighting"},
    ("curriculum_only", "fixed_length_750"): {"ODSWReweighting", "DynamicLengthReward", "RepetitionPenalty"},
    ("vanilla_grpo", "dynamic_length_only"): {"ODSWReweighting", "DynamicLengthReward", "RepetitionPenalty"},
} | {
    ("vanilla_grpo", name): {"ODSWReweighting"}
    for name in ("binary_low", "binary_middle", "binary_high", "easy_only", "medium_only", "hard_only")
}
"""Overlays of a row of VL-Cogito's ablations, with the callbacks that the row is about."""


@pytest.mark.parametrize("row", ROWS, ids="+".join)
def test_every_row_of_vl_cogitos_ablations_is_the_recipe_with_its_overlays(build_cli, row):
    files = [ROOT / "configs/vl_cogito.yaml", *(ROOT / f"configs/with/vl_cogito/{name}.yaml" for name in row)]
    cli = build_cli("fit", *(word for file in files for word in ("--config", file)))
    plain = (RolloutCallback.on_rewards, RolloutCallback.on_advantages)
    rollout = [c for c in cli.trainer.callbacks if isinstance(c, RolloutCallback)]
    shaping = [c for c in rollout if (type(c).on_rewards, type(c).on_advantages) != plain]
    assert {type(c).__name__ for c in shaping} == ROWS[row]
    assert any(isinstance(c, BestCheckpointHandoff) for c in cli.trainer.callbacks)
    stages = ["easy", "medium", "hard"] if row[0] == "curriculum_only" else []
    assert [stage.name for stage in cli.datamodule.stages] == stages
    epochs = sum(stage.epochs for stage in cli.datamodule.stages) or cli.trainer.max_epochs
    assert epochs * cli.datamodule.rollouts_per_epoch == 350
    for callback in shaping:  # which refuse stages that the run does not have
        callback.setup(SimpleNamespace(datamodule=cli.datamodule), cli.model, "fit")


def test_a_source_of_an_overlay_inherits_nothing_from_the_one_it_replaces(run_cli, tmp_path):
    (tmp_path / "mine.yaml").write_text("data: {train: [{path: mine, kind: chart, columns: {question: query}}]}")
    recipe = ROOT / "configs/playground/grpo.yaml"
    (source,) = yaml.safe_load(printed(run_cli, "fit", "--config", recipe, "--config", tmp_path / "mine.yaml"))["data"][
        "train"
    ]
    assert source["path"] == "mine"
    assert source.get("subset") is None
    assert source.get("split", "train") == "train"


def test_one_seed_reaches_the_module_and_the_data(build_cli):
    cli = build_cli("fit", "--config", ROOT / "configs/playground/grpo.yaml", "--seed_everything=3")
    assert (cli.model.seed, cli.datamodule.seed) == (3, 3)


def test_settings_of_a_scorer_are_checked_and_described(run_cli):
    recipe = ("predict", "--config", ROOT / "configs/score/pism.yaml")
    with pytest.raises((ValueError, SystemExit)) as caught, contextlib.redirect_stderr(io.StringIO()) as errors:
        run_cli(*recipe, "--model.init_args.scorer.init_args.threshold=0")
    assert "threshold=0" in errors.getvalue() + str(caught.value)
    assert "treshold" in refused(run_cli, *recipe, "--model.init_args.scorer.init_args.treshold=0.1")
    output = io.StringIO()
    with contextlib.redirect_stdout(output), pytest.raises(SystemExit):
        run_cli("predict", "--model=cogito_pl.modules.ScoreModule", "--model.scorer.help=cogito_pl.difficulty.PISM")
    assert "Shares that are hidden" in output.getvalue()


def test_flags_are_never_guessed_from_their_beginning(run_cli):
    message = refused(run_cli, "fit", "--config", ROOT / "configs/playground/grpo.yaml", "--trainer.max_epoch=3")
    assert "max_epoch" in message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": {"init_args": {"los": {"kl_coef": 1}}}}, "los"),
        ({"model": {"init_args": {"loss": {"kl_coefficient": 1}}}}, "kl_coefficient"),
        ({"data": {"sources": []}}, "sources"),
        ({"data": {"train": [{"path": "x", "splitt": "train"}]}}, "splitt"),
        ({"data": {"train": [{"path": "x", "columns": {"query": "q"}}]}}, "query"),
        ({"stage": 3}, "stage"),
    ],
)
def test_a_misspelt_key_is_an_error_that_names_it(run_cli, tmp_path, change, named):
    (tmp_path / "change.yaml").write_text(yaml.safe_dump(change))
    assert named in refused(
        run_cli, "fit", "--config", ROOT / "configs/playground/grpo.yaml", "--config", tmp_path / "change.yaml"
    )


@pytest.mark.parametrize(
    ("flag", "named"),
    [
        ("--model.init_args.schedule.micro_batch=5", "micro_batch=5"),
        ("--model.init_args.schedule.updates=3", "updates=3"),
        ("--model.init_args.schedule.group_size=1", "group_size=1"),
        ("--model.init_args.sampling.temperature=0", "temperature=0"),
        ("--model.init_args.loss.clip_low=-1", "clip_low=-1"),
        ("--model.init_args.reward.workers=0", "workers=0"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name_and_value(run_cli, flag, named):
    with pytest.raises((ValueError, SystemExit)) as caught, contextlib.redirect_stderr(io.StringIO()) as errors:
        run_cli("fit", "--config", ROOT / "configs/playground/grpo.yaml", flag)
    assert named in errors.getvalue() + str(caught.value)


def test_help_describes_every_setting_of_a_module(run_cli):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), pytest.raises(SystemExit):
        run_cli("fit", "--model.help=cogito_pl.modules.GRPOModule")
    text = " ".join(output.getvalue().split())
    for words in (
        "Completions per prompt",
        "Smallest set of likeliest tokens",
        "k1, k2 or k3",
        "Parts that are not trained",
    ):
        assert words in text
