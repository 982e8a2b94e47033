"""The runs of arXiv 2511.06722: every one of the README parses, and runs on problems as its users have them."""

import json
import re
from dataclasses import replace
from functools import cache
from itertools import cycle, product
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from datasets import Dataset, Features, Image, List, Value
from PIL import Image as PILImage
from PIL import ImageDraw

from cogito_pl.data.strata import StrataConfig
from cogito_pl.data.subset import SubsetConfig
from cogito_pl.problem import LazyImage, Problem
from tests.conftest import ROOT
from tests.modules.training import Recorder

RECIPES = ROOT / "configs/difficulty_sampling"
BASE = ROOT / "cogito_pl/playground/base"
FAMILIES = {"reasoning": "vrt", "perception": "vpt"}
SCORERS = ("pism", "cmab")
PARTS = {
    "mid_hard": SubsetConfig(strata=("medium", "hard")),
    "random": SubsetConfig(strata=("medium", "hard"), control_seed=1),
    "unsolved": SubsetConfig(strata=("unsolved",)),
    "mid": SubsetConfig(strata=("medium",)),
    "rand_m": SubsetConfig(strata=("medium",), control_seed=2),
    "hard": SubsetConfig(strata=("hard",)),
    "rand_h": SubsetConfig(strata=("hard",), control_seed=3),
}
MEDIUM, HARD = ("mid", "rand_m"), ("hard", "rand_h")
PAIRINGS = [(sft, grpo) for one, other in ((MEDIUM, HARD), (HARD, MEDIUM)) for sft in one for grpo in other]
HERE = ("--trainer.accelerator=cpu", "--trainer.devices=1", "--trainer.enable_progress_bar=false",
        f"--model.init_args.policy.name={BASE}")  # fmt: skip


def run_of(family, phase, scorer=None, part=None):
    """The configurations of a run, in their order."""
    overlays = () if scorer is None else (RECIPES / f"with/{scorer}.yaml", RECIPES / f"with/{part}.yaml")
    return configs(RECIPES / f"{family}_{phase}.yaml", *overlays)


def scoring_of(family, scorer):
    return configs(ROOT / f"configs/score/qwen2_5_vl_{scorer}.yaml", RECIPES / f"with/{family}.yaml")


def configs(*files):
    return [word for file in files for word in ("--config", str(file))]


@pytest.fixture(scope="module")
def built():
    """Builds what a command line describes, once, and runs nothing."""

    @cache
    def build(*words):
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(ROOT))
            patch.setattr("sys.argv", ["train.py"])
            patch.setattr("lightning.pytorch.cli.LightningCLI._run_subcommand", lambda self, subcommand: None)
            from train import main

            return main([*words, *HERE, "--trainer.precision=32-true"])

    return build


COMBINATIONS = [*product(FAMILIES, ("sft", "grpo"), SCORERS)]
RUNS = [(*combination, part) for combination, part in zip(COMBINATIONS, cycle(PARTS), strict=False)]
"""Every family, phase and scorer, and every part: what is added to what does not depend on the rest."""


def test_the_readme_names_every_part_and_every_overlay_is_one():
    table = (RECIPES / "README.md").read_text().split("| paradigm |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) == set(PARTS) == {part for *_, part in RUNS}
    assert {path.stem for path in (RECIPES / "with").glob("*.yaml")} == {*PARTS, *SCORERS, *FAMILIES}


@pytest.mark.parametrize(("family", "phase", "scorer", "part"), RUNS)
def test_every_run_trains_on_its_part_and_finds_the_scores_where_scoring_leaves_them(
    built, family, phase, scorer, part
):
    data = built("fit", *run_of(family, phase, scorer, part)).datamodule
    (writer,) = [c for c in built("predict", *scoring_of(family, scorer)).trainer.callbacks if hasattr(c, "places")]
    assert data.subset == PARTS[part]
    assert data.train_sources[0].path == f"data/{FAMILIES[family]}"
    assert data.strata == StrataConfig(scorer=scorer, file=writer.path)


@pytest.mark.parametrize(("family", "phase", "scorer", "part"), RUNS)
def test_scoring_asks_as_training_does(built, family, phase, scorer, part):
    training, scoring = (
        built("fit", *run_of(family, phase, scorer, part)),
        built("predict", *scoring_of(family, scorer)),
    )
    asked, shown = training.model.policy_config, scoring.model.policy_config
    for setting in ("system_prompt", "instruction", "max_pixels"):
        assert getattr(shown, setting) == getattr(asked, setting)
    assert "<think>" in asked.system_prompt
    assert not asked.instruction
    assert scoring.datamodule.predict_sources == training.datamodule.train_sources


@pytest.mark.parametrize("family", FAMILIES)
def test_grpo_has_the_settings_of_the_scripts_and_the_defaults_of_their_trainer(built, family):
    model = built("fit", *run_of(family, "grpo")).model
    assert set(model.policy_config.freeze) == {"vision", "projector"}
    sampling = model.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.max_tokens) == (1.0, 0.9, 50, 1024)
    assert (model.schedule.prompts, model.schedule.group_size, model.schedule.updates) == (8, 8, 1)
    assert (model.loss.kl_coef, model.loss.clip_low, model.loss.clip_high) == (0.001, 0.2, 0.2)
    assert model.learning_rate.decay == "cosine"
    (adam,) = (group for group in model.make_optimizer([torch.nn.Parameter(torch.zeros(1))]).param_groups)
    assert (adam["lr"], adam["betas"], adam["weight_decay"], adam["eps"]) == (5e-7, (0.9, 0.95), 0.1, 1e-8)


def test_scoring_has_the_numbers_of_the_paper(built):
    pism, cmab = (built("predict", *scoring_of("reasoning", scorer)).model for scorer in SCORERS)
    settings = pism.scorer.settings()
    assert (settings["ratios"], settings["repeats"], settings["threshold"]) == ([n / 10 for n in range(10)], 10, 0.1)
    assert (pism.sampling.temperature, pism.sampling.top_p, pism.sampling.max_tokens) == (0.7, 1.0, 1024)
    assert (cmab.sampling.temperature, cmab.sampling.top_p, cmab.sampling.max_tokens) == (0.5, 0.9, 2048)
    assert cmab.scorer.tries == 50
    assert (cmab.scorer.balance.layers, cmab.scorer.balance.per_token) == ("inner", False)


DISCS = [{"bbox_2d": [at, 100, at + 150, 400], "label": "disc"} for at in (50, 300, 600)]
EXTRA = {"bbox_2d": [800, 500, 950, 900], "label": "disc"}
PIXELS = [{"bbox_2d": [at // 5, 10, (at + 150) // 5, 40], "label": "disc"} for at in (50, 300, 600)]
HALF = [{"bbox_2d": [50, 100, 150, 400], "label": "disc"}]


def boxes(*found):
    return json.dumps([*found])


@pytest.mark.parametrize(
    ("kind", "gold", "answer", "paid"),
    [
        ("number", "3", "3", 1),
        ("number", "3", "three", 1),
        ("number", "3", "13", 0),
        ("number", "3", "30", 0),
        ("number", "12", "1", 0),
        ("number", "12", "512", 0),
        ("text", "Google", "google", 1),
        ("text", "Google", "Goggles", 1),  # an edit distance of 2 in 7
        ("text", "Google", "o", 0),
        ("text", "Google", "Microsoft", 0),
        ("text", "x^{2}+3", "y-2", 0),
        ("boxes", boxes(*DISCS), boxes(*DISCS), 1),
        ("boxes", boxes(*DISCS), f"```json\n{boxes(*DISCS)}\n```", 1),
        ("boxes", boxes(*DISCS), boxes(DISCS[1]), 2 / 4),
        ("boxes", boxes(*DISCS), boxes(*DISCS, EXTRA), 6 / 7),
        ("boxes", boxes(*DISCS), boxes(EXTRA), 0),
        ("boxes", boxes(*DISCS), boxes(*PIXELS), 0),
        ("boxes", json.dumps({"boxes": PIXELS, "frame": "pixels"}), boxes(*DISCS), 1),
        ("boxes", boxes(DISCS[0]), boxes(*HALF), 2 / 3),
        ("boxes", boxes(DISCS[0]), boxes(DISCS[0] | {"label": "cat"}), 0),
    ],
)
def test_the_perception_recipe_rewards_correct_answers_alone(reward, kind, gold, answer, paid):
    image = LazyImage.of(PILImage.new("RGB", (200, 100)))
    problem = Problem(id="p", question="<image>?", answer=gold, kind=kind, images=(image,))
    response = f"<think>I look.</think><answer>{answer}</answer>"
    assert reward.rejection(problem) is None
    assert reward.score([response], [problem]).total == [pytest.approx(paid)]


@pytest.fixture(scope="module")
def reward(built):
    """As `perception_grpo.yaml` sets it."""
    yield (found := next(built("fit", *run_of(*run)).model.reward for run in RUNS if run[:2] == ("perception", "grpo")))
    found.close()


@pytest.mark.parametrize("scorer", SCORERS)
def test_what_is_correct_in_scoring_is_rewarded_in_training(built, reward, scorer):
    scoring = built("predict", *scoring_of("perception", scorer)).model.reward.config
    assert scoring.grading == reward.config.grading
    assert replace(scoring.boxes, partial=reward.config.boxes.partial) == reward.config.boxes  # no part of it counts


def drawn(kind: str, number: int) -> dict:
    """A row with one to five discs, which are counted, read out or found."""
    size, discs = (140, 56), number % 5 + 1
    image = PILImage.new("RGB", size, "white")
    places = [(4 + 27 * at, 10, 24 + 27 * at, 30 + number % 9) for at in range(discs)]
    for place in places:
        ImageDraw.Draw(image).ellipse(place, fill="red")
    found = [
        {"bbox_2d": [round(1000 * x / size[n % 2]) for n, x in enumerate(place)], "label": "disc"} for place in places
    ]
    question, answer = {
        "number": ("How many discs?", str(discs)),
        "text": ("What are these?", "discs"),
        "boxes": ("Where are the discs?", json.dumps(found)),
    }[kind]
    row = {"id": f"{kind}-{number}", "question": f"<image>{question}", "answer": answer, "images": [image]}
    return row | {"kind": kind, "solution": f"<think>I look.</think><answer>{answer}</answer>"}


@pytest.fixture(scope="module")
def problems():
    """Rows of both families: reasoning ones have no kind column."""
    words = ("id", "question", "answer", "kind", "solution")
    features = Features({word: Value("string") for word in words} | {"images": List(Image())})
    perception = Dataset.from_list([drawn(("number", "text", "boxes")[n % 3], n) for n in range(24)], features)
    reasoning = Dataset.from_list([drawn("number", n) for n in range(24)], features)
    return {"vrt": reasoning.remove_columns("kind"), "vpt": perception}


@pytest.fixture
def folder(problems, tmp_path, monkeypatch):
    """A working directory with `data/vrt` and `data/vpt`: plain folders, in which no card says what is data."""
    for name, rows in problems.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        rows.to_parquet(tmp_path / "data" / name / "problems.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    return tmp_path


def overlay(folder, name, callback):
    (folder / name).write_text(yaml.safe_dump({"trainer": {"callbacks+": [{"class_path": callback}]}}))
    return folder / name


def fit(run_cli, folder, name, recipe, *words):
    """Runs a recipe for a step or two; the command line's objects, and the ids that the run drew."""
    watched = overlay(folder, "watched.yaml", "tests.modules.training.Recorder")
    cli = run_cli("fit", *recipe, "--config", watched, *HERE, "--trainer.precision=32-true", *words,
                  f"--trainer.default_root_dir={folder / name}")  # fmt: skip
    (seen,) = [c for c in cli.trainer.callbacks if isinstance(c, Recorder)]
    return cli, [name for _, _, ids, _ in seen.rollouts for name in ids]


def batch_of(prompts):
    return f"--model.init_args.schedule={{prompts: {prompts}, group_size: 2, micro_batch: {2 * prompts}}}"


def test_problems_are_scored_and_a_run_draws_exactly_those_of_its_strata(run_cli, folder):
    verdicts = overlay(folder, "verdicts.yaml", "tests.modules.fading.FadingVerdicts")
    few = ("--model.init_args.scorer.init_args={ratios: [0.0, 0.3, 0.6], repeats: 3}", "--model.init_args.least_rows=1")
    short = ("--model.init_args.sampling={max_tokens: 6, temperature: 1.0}", "--model.init_args.policy.dtype=float32")
    run_cli("predict", *scoring_of("perception", "pism"), "--config", verdicts, *HERE, *few, *short)
    scores = {row["id"]: row["lambda_star"] for row in pq.read_table("data/vpt/.scores/pism.parquet").to_pylist()}
    first = {0: 0.0, 1: 0.3, 2: 0.6, 3: float("inf")}  # the ratio at which a problem is first failed, by number
    assert scores == {name: first[int(name.split("-")[1]) % 4] for name in scores}
    assert len(scores) == 24
    wanted = {name for name, score in scores.items() if score in (0.3, 0.6)}
    solved = {name for name, score in scores.items() if score > 0}
    other = "--data.strata.allow_other=[verifier]"  # all else that scoring and training state agrees
    settings = ("--model.init_args.sampling.max_tokens=4", "--trainer.max_steps=1", other, batch_of(len(wanted)))
    _, ids = fit(run_cli, folder, "mid_hard", run_of("perception", "grpo", "pism", "mid_hard"), *settings)
    assert sorted(ids) == sorted(wanted)
    _, control = fit(run_cli, folder, "random", run_of("perception", "grpo", "pism", "random"), *settings)
    assert len(set(control)) == len(control) == len(wanted)
    assert set(control) <= solved
    assert set(control) != wanted


SCORES = {"pism": ("lambda_star", [0.0, 0.2, 0.7, float("inf")]), "cmab": ("rho", [None, 1.6, 0.1, 1.95])}
STRATA = ("unsolved", "hard", "medium", "easy")


def write_scores(problems, scorer):
    """By hand, so that every stratum holds six problems."""
    column, values = SCORES[scorer]
    for name, rows in problems.items():
        mine = [values[place // 3 % 4] for place in range(len(rows))]
        table = {"id": rows["id"][:], column: mine, "solved": [value not in (None, 0.0) for value in mine]}
        (file := Path("data") / name / f".scores/{scorer}.parquet").parent.mkdir(exist_ok=True)
        pq.write_table(pa.table(table), file)


@pytest.mark.slow
@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_run_of_the_readme_trains(run_cli, folder, problems, family, scorer):
    write_scores(problems, scorer)
    names = problems[FAMILIES[family]]["id"][:]
    held = {s: {n for place, n in enumerate(names) if place // 3 % 4 == at} for at, s in enumerate(STRATA)}

    def assert_from(part, ids):
        chosen = set().union(*(held[stratum] for stratum in PARTS[part].strata))
        assert len(ids) == len(set(ids)) == len(chosen)
        assert set(ids) <= chosen if PARTS[part].control_seed is None else not set(ids) & held["unsolved"]

    grpo = ("--trainer.max_steps=1", "--model.init_args.sampling.max_tokens=8")
    _, ids = fit(run_cli, folder, "full", run_of(family, "grpo"), *grpo, batch_of(24))
    assert sorted(ids) == sorted(names)
    for part, size in (("mid_hard", 12), ("random", 12), ("unsolved", 6)):
        assert_from(part, fit(run_cli, folder, part, run_of(family, "grpo", scorer, part), *grpo, batch_of(size))[1])
    starts = {}
    for part in (*MEDIUM, *HARD):
        size = "--model.init_args.schedule={prompts: 6, group_size: 1, micro_batch: 6}"
        cli, _ = fit(run_cli, folder, f"sft-{part}", run_of(family, "sft", scorer, part), "--trainer.max_steps=2", size)
        assert_from(part, [problem.id for problem in cli.datamodule.train_problems])
        starts[part] = Path(cli.trainer.log_dir) / "export"
    for first, then in PAIRINGS:
        start = f"--model.init_args.policy.init_from={starts[first]}"
        recipe = run_of(family, "grpo", scorer, then)
        assert_from(then, fit(run_cli, folder, f"{first}-{then}", recipe, *grpo, batch_of(6), start)[1])
