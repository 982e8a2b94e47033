"""Every file of `configs/` runs on the tiny model: two rollouts or more of a fit, two batches of what else there is.

Only what needs hardware or data of a user is replaced: model, devices, precision, sizes, lengths, sources. The overlays
of `configs/difficulty_sampling` run in `test_difficulty_sampling.py`, the laboratory in `test_laboratory_recipes.py`.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import lightning.pytorch as L
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from cogito_pl.modules import RolloutCallback
from cogito_pl.playground.__main__ import main as playground
from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.write import write_part
from tests.conftest import ROOT

CONFIGS = ROOT / "configs"
STAGES = ("playground/grpo", "playground/stages")
"""What the overlays of a curriculum are added to."""
STAGED = ("image_only", "text_only", "text_first", "mixed")
"""Overlays of a recipe of a stage on images and one on text."""
PARTS = {"sft": 12, "train": 12, "validation": 4, "test": 8, "pretrain": 12}
SOURCES = {
    part: f"{{path: .data/playground, subset: {part}, split: {part}, limit: 12}}" for part in ("sft", "validation")
}

FITS = [
    ("vl_cogito",),
    ("revisual_r1/cold_start",),
    ("revisual_r1/cold_start", "revisual_r1/with/released_code"),
    ("revisual_r1/staged_rl",),
    *(("revisual_r1/staged_rl", f"revisual_r1/with/{name}") for name in STAGED),
    *(
        ("revisual_r1/staged_rl", "revisual_r1/with/image_only", f"with/revisual_r1/{name}")
        for name in ("pad", "filter_only", "random", "dapo")
    ),
    ("laboratory/staged/grpo",),
    *(("laboratory/staged/grpo", f"laboratory/staged/{name}") for name in STAGED),
    ("laboratory/staged/grpo", "with/revisual_r1/pad"),
    ("qwen2_5_vl/sft",),
    ("qwen2_5_vl/grpo",),
    *((f"playground/{name}",) for name in ("look", "pretrain", "sft", "cold_start", "grpo")),
    *((f"difficulty_sampling/{name}_sft",) for name in ("reasoning", "perception")),
    *((f"difficulty_sampling/{name}_grpo",) for name in ("reasoning", "perception")),
    *(
        (*STAGES, f"with/{name}")
        for name in ("odsw", "dynamic_length", "handoff", "rollout_statistics", "shuffled_rewards", "run_report")
    ),
    *(
        ("playground/grpo", f"with/{name}")
        for name in ("frequent_checkpoints", "learning_rate_curve", "lora", "static_decode")
    ),
    *(
        ("playground/grpo", f"with/{name}")
        for name in ("gradient_stagnation", "dynamic_sampling", "overlong_masking", "soft_overlong")
    ),
    *(
        ("playground/grpo", f"with/revisual_r1/{name}")
        for name in (
            "pad", "pad_official", "filter_only", "random", "off", "dapo", "efficient_length", "entropy", "clipping",
        )
    ),
    (*STAGES, "playground/lengths"),
    ("playground/grpo", "playground/curriculum", "playground/strata"),
    *(("playground/grpo", f"playground/{name}") for name in ("mid_hard", "random_control")),
    *(("playground/grpo", f"playground/{name}", "playground/half") for name in ("medium", "hard")),
    ("playground/sft", "playground/medium", "playground/half", "playground/answers"),
    *(("vl_cogito", f"with/vl_cogito/{name}") for name in ("vanilla_grpo", "curriculum_only", "at_most_half")),
    ("vl_cogito", "with/vl_cogito/curriculum_only", "with/vl_cogito/fixed_length_750"),
    *(
        ("vl_cogito", "with/vl_cogito/vanilla_grpo", f"with/vl_cogito/{name}")
        for name in (
            "binary_low", "binary_middle", "binary_high", "easy_only", "medium_only", "hard_only",
            "dynamic_length_only",
        )
    ),
]  # fmt: skip
VALIDATIONS = [("playground/evaluate",)]
PREDICTIONS = [
    ("playground/score",),
    *((f"score/{name}",) for name in ("pism", "pass_rate", "cmab")),
    *((f"score/qwen2_5_vl_{name}",) for name in ("pism", "pass_rate", "cmab")),
]
QUICK = {
    ("vl_cogito",),
    ("revisual_r1/staged_rl", "revisual_r1/with/mixed"),
    ("difficulty_sampling/perception_sft",),
    ("score/pass_rate",),
    ("playground/evaluate",),
}
ELSEWHERE = {
    str(path.relative_to(CONFIGS).with_suffix(""))
    for pattern in ("difficulty_sampling/with/*.yaml", "laboratory/*/*.yaml", "**/*.study.yaml", "**/*.space.yaml")
    for path in CONFIGS.glob(pattern)
}


class Watch(L.Callback):
    """Remembers the losses of a fit, and whether an update changed a weight: a hand-off may take the last ones back."""

    def on_fit_start(self, trainer, module):
        self.losses, self.moved = [], False
        self.before = {name: p.detach().clone() for name, p in module.named_parameters() if p.requires_grad}

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.losses.append(float(outputs["loss"]))
        now = dict(module.named_parameters())
        self.moved |= any(not torch.equal(weights, now[name]) for name, weights in self.before.items())


class HalfCorrect(RolloutCallback):
    """Calls every second completion correct and lets two of three end, which those of the untrained model never do."""

    def on_rewards(self, trainer, module, rollout):
        grades = tuple(replace(grade, correct=place % 2 == 0) for place, grade in enumerate(rollout.grades))
        finished = torch.arange(len(rollout)) % 3 > 0
        rollout = replace(rollout, grades=grades, finished=finished)
        return rollout.with_rewards(rollout.rewards + rollout.correct)


def these(runs):
    """Those of a family that are quick, and all the others among the slow tests."""
    marks = {True: (), False: pytest.mark.slow}
    return [pytest.param(run, id="+".join(run), marks=marks[run in QUICK]) for run in runs]


def merged(run, *keys, default=None):
    """A setting as the last of a run's files that states it has it."""
    value = default
    for name in run:
        found = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
        for key in keys:
            found = found.get(key, {}) if isinstance(found, dict) else {}
        value = found if found != {} else value
    return value


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A working directory with what the playground's recipes name, scores of its problems among it."""
    folder = tmp_path_factory.mktemp("configs")
    place = folder / ".data/playground"
    for part, count in PARTS.items():
        spec = PartSpec(part=part, seed=5, difficulties=(1,))
        write_part(place, spec, (spec.row(index) for index in range(count)))
    for copy in ("look", "pretrain"):
        shutil.copytree(place, folder / ".data" / copy)
    for part in ("sft", "validation"):
        words = ["write", "--out", str(folder / ".data/text"), "--part", part, "--count", str(PARTS[part])]
        playground([*words, "--text-share", "1"])
    spec = PartSpec(part="train", seed=5, difficulties=(1,))
    names = [spec.row(index).id for index in range(PARTS["train"])]
    scores = {"id": names, "lambda_star": [(0.0, 0.1, 0.3, 0.7)[n % 4] for n in range(12)]}
    scores["solved"] = [score > 0 for score in scores["lambda_star"]]
    (place / "scores").mkdir()
    pq.write_table(pa.table(scores), place / "scores/train.parquet")
    spec = PartSpec(part="sft", seed=5, difficulties=(1,))
    names = [spec.row(index).id for index in range(PARTS["sft"])]
    (place / ".scores").mkdir()
    kept = {"id": names, "pass_rate": [n % 3 / 2 for n in range(12)], "keep": [n % 3 < 2 for n in range(12)]}
    pq.write_table(pa.table(kept), place / ".scores/pass_rate.parquet")
    return folder


@pytest.fixture
def here(data, tmp_path, monkeypatch):
    shutil.copytree(data, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def command(run, tiny, *callbacks):
    """The words of a run on this machine."""
    Path("watch.yaml").write_text(
        yaml.safe_dump({"trainer": {"callbacks+": [{"class_path": f"{c.__module__}.{c.__name__}"} for c in callbacks]}})
    )
    files = [CONFIGS / f"{name}.yaml" for name in run] + (["watch.yaml"] if callbacks else [])
    start = [f"--model.init_args.policy.init_from={tiny}"]
    start = start if merged(run, "model", "init_args", "policy", "init_from") else []
    return [
        *(word for file in files for word in ("--config", file)),
        "--trainer.accelerator=cpu", "--trainer.devices=1", "--trainer.strategy=auto", "--trainer.precision=32-true",
        "--trainer.enable_progress_bar=false", "--trainer.default_root_dir=out",
        f"--model.init_args.policy.name={tiny}",
        *start,
    ]  # fmt: skip


def sizes(run):
    """Small numbers of prompts, as many updates as the run has, and a stage in place of every one of its stages."""
    updates = merged(run, "model", "init_args", "schedule", "updates", default=1)
    group = min(2, merged(run, "model", "init_args", "schedule", "group_size"))
    words = [f"--model.init_args.schedule={{prompts: 4, group_size: {group}, updates: {updates}, micro_batch: 2}}"]
    if group > 1:
        words.append("--model.init_args.sampling.max_tokens=6")
    if merged(run, "model", "init_args", "evaluation"):
        words.append("--model.init_args.evaluation.max_tokens=4")
    if stages := merged(run, "data", "stages"):
        epochs = 2 if len(stages) * updates == 1 else 1
        short = [stage | {"epochs": epochs} for stage in stages]
        words += [
            f"--data.stages={short}",
            "--data.rollouts_per_epoch=1",
            f"--trainer.max_epochs={epochs * len(stages)}",
        ]
        return words, epochs * len(stages) * updates
    return [*words, "--data.rollouts_per_epoch=2", "--trainer.max_epochs=1"], 2 * updates


def sources(run):
    """Problems of the playground in place of a user's; validation only where the recipe has some."""
    if run[0].startswith("playground"):
        return []
    stages = merged(run, "data", "stages", default=[])
    names = sorted({name for stage in stages for name in stage.get("sources", {})}) or ["problems"]
    train = ", ".join(f"{{name: {name}, {SOURCES['sft'][1:]}" for name in names)
    validation = merged(run, "data", "validation") is not None
    return [f"--data.train=[{train}]", *([f"--data.validation=[{SOURCES['validation']}]"] if validation else [])]


@pytest.mark.parametrize("run", these(FITS))
def test_a_recipe_with_its_overlays_trains(run_cli, tiny_folder, here, run):
    shortened, steps = sizes(run)
    watched = (Watch, HalfCorrect) if "GRPO" in merged(run, "model", "class_path") else (Watch,)
    cli = run_cli("fit", *command(run, tiny_folder, *watched), *shortened, *sources(run))
    (watch,) = [callback for callback in cli.trainer.callbacks if isinstance(callback, Watch)]
    assert cli.trainer.global_step == steps >= 2
    assert len(watch.losses) >= steps
    assert torch.isfinite(torch.tensor(watch.losses)).all()
    assert watch.moved
    assert all(weights.isfinite().all() for weights in cli.model.parameters())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_overlay_of_fsdp2_trains_on_two_ranks(tiny_folder, here):
    run = ("playground/grpo", "strategy/fsdp2")
    files = [word for name in run for word in ("--config", str(CONFIGS / f"{name}.yaml"))]
    words = [sys.executable, str(ROOT / "train.py"), "fit", *files, *sizes(run)[0]]
    words += [f"--model.init_args.policy.name={tiny_folder}", "--trainer.default_root_dir=out"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=580)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(list(Path("out").rglob("rollouts.rank*.jsonl"))) == 2
    assert list(Path("out").rglob("export/model.safetensors"))


@pytest.mark.parametrize("run", these(VALIDATIONS))
def test_a_recipe_validates(run_cli, tiny_folder, here, run):
    short = ("--data.validation_batch=4", "--trainer.limit_val_batches=2", "--model.init_args.evaluation.max_tokens=6")
    cli = run_cli("validate", *command(run, tiny_folder), *short)
    (rows,) = Path("out").rglob("validation.rank0.jsonl")
    assert len(rows.read_text().splitlines()) == 8
    assert 0 <= cli.trainer.callback_metrics["val/accuracy"] <= 1


@pytest.mark.parametrize("run", these(PREDICTIONS))
def test_a_recipe_scores(run_cli, tiny_folder, here, run):
    here = "[{path: .data/playground, subset: train, split: train, limit: 4}]"
    short = ("--model.init_args.sampling.max_tokens=6", "--model.init_args.pool=2", f"--data.predict={here}")
    run_cli("predict", *command(run, tiny_folder), *short, "--model.init_args.policy.dtype=float32")
    assert 4 in [len(pq.read_table(place)) for place in Path().rglob("*scores/*.parquet")]


def test_every_file_of_configs_is_run_somewhere():
    run = {name for names in (*FITS, *VALIDATIONS, *PREDICTIONS, ("strategy/fsdp2",)) for name in names}
    assert {str(path.relative_to(CONFIGS).with_suffix("")) for path in CONFIGS.rglob("*.yaml")} == run | ELSEWHERE
    assert {*FITS, *VALIDATIONS, *PREDICTIONS} >= QUICK
