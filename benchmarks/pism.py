"""What PISM saves by stopping early, against all 100 trials of every problem, and whether it ranks by difficulty.

    python -m benchmarks.pism --data <playground folder> --problems 32 --flops
    python -m benchmarks.pism --data <playground folder> --problems 640 --correlate

Both run the same trials from the same seeds through the same code. The naive way, that of the released code, runs
every trial of every ratio, and prefills the prompt of each anew. Costs are those of the paper's settings, 10 trials
of 10 ratios; correlations those of the recipe that `--config` names.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import lightning.pytorch as L
import numpy as np
import torch
import yaml

from benchmarks.flops import count_flops
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.source import Source
from cogito_pl.data.strata import STRATA, StrataConfig, pism_stratum, strata
from cogito_pl.difficulty import PISM, PassRate, Scorer, generation
from cogito_pl.difficulty.generation import Request
from cogito_pl.difficulty.pism import RATIOS
from cogito_pl.difficulty.scorer import Outcomes, Task
from cogito_pl.modules import ScoreModule
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.rewards import GradeOptions, RewardConfig

FRESH_SEED = 1_000_003


class AllTrials(PISM):
    """PISM the naive way: every trial of every ratio, whether it is needed or not."""

    def wanted(self, outcomes: Outcomes, images: int) -> list[Task]:
        """All that have not been run."""
        tasks = [Task(ratio, repeat) for ratio in self.ratios for repeat in range(self.repeats)]
        return [task for task in tasks if task not in outcomes]


def score(settings: argparse.Namespace, scorer: Scorer, seed: int) -> tuple[list[dict[str, Any]], int, float, Any]:
    """Scores the problems: rows, trials that were run, CPU seconds of running them, and the problems themselves."""
    recipe = read(settings.config)
    module = ScoreModule(
        PolicyConfig(name=settings.model or recipe["policy"]["name"]),
        scorer,
        SamplingConfig(**recipe["sampling"]),
        RewardConfig(grading=GradeOptions(markers=tuple(recipe["reward"]["grading"]["markers"]))),
        pool=settings.pool,
        least_rows=settings.least_rows,
        seed=seed,
    )
    source = Source(path=settings.data, subset=settings.part, split=settings.part, limit=settings.problems)
    data = ReasoningDataModule(predict=(source,))
    clock = Clock()
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, callbacks=[clock])
    batches = trainer.predict(module, data)
    return [row for batch in batches for row in batch], len(module.stores[0]), clock.spent, data.predict_problems[0]


def read(recipe: str) -> dict[str, Any]:
    """The module's settings in a recipe."""
    return yaml.safe_load(Path(recipe).read_text(encoding="utf-8"))["model"]["init_args"]


class Clock(L.Callback):
    """CPU seconds from the first batch to the last, reading data and loading weights left out."""

    def on_predict_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Starts."""
        self.start = time.process_time()

    def on_predict_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Stops."""
        self.spent = time.process_time() - self.start


def each_by_itself(requests: Sequence[Request]) -> list[list[Request]]:
    """Gives every trial a prompt of its own."""
    return [[request] for request in requests]


def cost(settings: argparse.Namespace) -> dict[str, Any]:
    """Trials, CPU seconds and FLOPs of both ways, and whether their scores agree.

    `strata` is the funnel without the ratios above 0.7, which all strata of the paper have in common.
    """
    result: dict[str, Any] = {}
    found = {}
    ways = {"funnel": PISM(), "strata": PISM(ratios=RATIOS[:8]), "naive": AllTrials()}
    for name, scorer in ways.items():
        with patch.object(generation, "_groups", each_by_itself if name == "naive" else generation._groups):
            found[name], trials, seconds, _ = score(settings, scorer, settings.seed)
            result[name] = {"trials": trials, "cpu_s": round(seconds, 2)}
            if settings.flops:
                flops = count_flops(lambda one=scorer: score(settings, one, settings.seed))
                result[name]["gflop"] = round(flops / 1e9, 1)
    for name in ("funnel", "strata"):
        result[name] |= {
            f"share of {key}": round(result[name][key] / spent, 3) for key, spent in result["naive"].items()
        }
    stars = {name: [row["lambda_star"] for row in rows] for name, rows in found.items()}
    result["same lambda*"] = stars["funnel"] == stars["naive"]
    result["same strata"] = list(map(pism_stratum, stars["strata"])) == list(map(pism_stratum, stars["naive"]))
    return result


def correlation(settings: argparse.Namespace) -> dict[str, Any]:
    """Spearman's rho of lambda* and drawn difficulty per family, and accuracy on fresh trials per stratum."""
    scorer = PISM(**read(settings.config)["scorer"]["init_args"])
    rows, trials, _, problems = score(settings, scorer, settings.seed)
    fresh = {row["id"]: row["pass_rate"] for row in score(settings, PassRate(), FRESH_SEED)[0]}
    stars = np.array([row["lambda_star"] for row in rows])
    drawn = np.array([problem.meta["difficulty"] for problem in problems])
    families = np.array([problem.meta["family"] for problem in problems])
    with_images = np.array([bool(problem.images) for problem in problems])
    groups = {family: families == family for family in dict.fromkeys(families)} | {"with images": with_images}
    rates = np.array([fresh[row["id"]] for row in rows])
    cuts = StrataConfig(scorer="pism", file="in memory", thresholds=tuple(settings.cuts))
    found = np.array(strata(list(stars), cuts))
    return {
        "trials a problem": round(trials / len(rows), 1),
        "rho, lambda* and difficulty": {k: round(spearman(drawn[mine], stars[mine]), 2) for k, mine in groups.items()},
        "rho, fresh pass rate and difficulty": {
            k: round(spearman(drawn[mine], rates[mine]), 2) for k, mine in groups.items()
        },
        "rho, lambda* and fresh pass rate": round(spearman(stars, rates), 2),
        "fresh accuracy, with images": {
            name: {"problems": int(mine.sum()), "accuracy": round(float(rates[mine].mean()), 3)}
            for name in STRATA
            if (mine := (found == name) & with_images).any()
        },
    }


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """Rank correlation, ties at their mean rank; nan where one side is constant."""
    ranks = [np.unique(values, return_inverse=True, return_counts=True)[1:] for values in (left, right)]
    means = [(counts.cumsum() - (counts + 1) / 2)[place] for place, counts in ranks]
    return float(np.corrcoef(*means)[0, 1]) if all(len(counts) > 1 for _, counts in ranks) else float("nan")


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", default="configs/playground/score.yaml", help="a recipe of scores by PISM")
    parser.add_argument("--model", help="model folder (default: the recipe's)")
    parser.add_argument("--data", required=True, help="playground folder")
    parser.add_argument("--part", default="train")
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--pool", type=int, default=128)
    parser.add_argument("--least-rows", type=int, default=32)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--cuts", type=float, nargs=2, default=(0.2, 0.5), help="thresholds of the strata")
    parser.add_argument("--flops", action="store_true", help="count operations too, which is slow")
    parser.add_argument("--correlate", action="store_true", help="rank correlations instead of costs")
    settings = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps((correlation if settings.correlate else cost)(settings), indent=1))


if __name__ == "__main__":
    main()
