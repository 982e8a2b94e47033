"""What a guesser achieves who knows a problem's family, difficulty and image sizes, but sees nothing."""

import io
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from cogito_pl.playground.blind import blind_guess

Stratum = tuple[str, int, tuple[tuple[int, int], ...]]


def blind_verdicts(learnt: Path, asked: Path) -> dict[str, str]:
    """Whether the commonest answer of each asked problem's stratum is right.

    Args:
        learnt: Parquet file of the problems that guesses are learnt from.
        asked: Parquet file of the problems that are asked.

    Returns:
        Id of a problem to "right" or "wrong"; wrong where nothing was learnt of the stratum.
    """
    answers: defaultdict[Stratum, list[str]] = defaultdict(list)
    for _, stratum, answer in _problems(learnt):
        answers[stratum].append(answer)
    guesses = {stratum: blind_guess(own) for stratum, own in answers.items()}
    return {
        problem: "right" if guesses.get(stratum) == answer else "wrong" for problem, stratum, answer in _problems(asked)
    }


def _problems(file: Path) -> list[tuple[str, Stratum, str]]:
    rows = pq.read_table(file, columns=["id", "family", "difficulty", "images", "answer"]).to_pylist()
    return [(row["id"], (row["family"], row["difficulty"], _sizes(row["images"])), row["answer"]) for row in rows]


def _sizes(images: list[dict]) -> tuple[tuple[int, int], ...]:
    return tuple(Image.open(io.BytesIO(image["bytes"])).size for image in images)
