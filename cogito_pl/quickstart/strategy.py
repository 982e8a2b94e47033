"""How a model of the playground answers, guessing or working it out, over the validations of a fit."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from cogito_pl.playground.families import GUESS
from cogito_pl.quickstart.curves import Curve


def careful_curve(folder: Path) -> Curve:
    """Share of validation answers that are not guesses, by optimiser step; of a step validated twice, the later ones.

    Args:
        folder: Of a fit whose recipe has `callbacks.RolloutTable`; without its file, the curve is empty.
    """
    answers: defaultdict[int, dict[tuple[str, int], bool]] = defaultdict(dict)
    for file in sorted(folder.glob("validation.rank*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            answers[row["step"]][row["validation"], row["draw"]] = GUESS not in row["response"]
    return [(step, fmean(own.values())) for step, own in sorted(answers.items())]
