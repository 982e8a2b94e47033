"""What the data files of a run tell about its test problems: which repeat a training problem, and a blind guess."""

import io
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from cogito_pl.playground.blind import blind_guess
from cogito_pl.playground.parts import part_file
from cogito_pl.seeds import digest

Stratum = tuple[str, int, tuple[tuple[int, int], ...]]
"""Family, difficulty and image sizes."""


def seen_in_training(data: Path) -> set[str]:
    """Ids of the test problems of which question and images also occur in the parts that are trained on."""
    trained = {key for part in ("sft", "train") for key in _keys(part_file(data, part)).values()}
    return {problem for problem, key in _keys(part_file(data, "test")).items() if key in trained}


def _keys(file: Path) -> dict[str, str]:
    return {
        row["id"]: digest(row["question"].encode() + b"".join(image["bytes"] for image in row["images"]), 16)
        for batch in pq.ParquetFile(file).iter_batches(columns=["id", "question", "images"])
        for row in batch.to_pylist()
    }


def blind_verdicts(train: Path, test: Path) -> dict[str, str]:
    """Grades the guess of who knows a problem's stratum but does not see it: the most common answer in training.

    Args:
        train: Parquet file of the training problems.
        test: Parquet file of the test problems.

    Returns:
        Id of a test problem to "right" or "wrong"; wrong where no training problem is of its stratum.
    """
    answers: defaultdict[Stratum, list[str]] = defaultdict(list)
    for _, stratum, answer in _problems(train):
        answers[stratum].append(answer)
    guesses = {stratum: blind_guess(own) for stratum, own in answers.items()}
    return {
        problem: "right" if guesses.get(stratum) == answer else "wrong" for problem, stratum, answer in _problems(test)
    }


def _problems(file: Path) -> list[tuple[str, Stratum, str]]:
    rows = pq.read_table(file, columns=["id", "family", "difficulty", "images", "answer"]).to_pylist()
    return [(row["id"], (row["family"], row["difficulty"], _sizes(row["images"])), row["answer"]) for row in rows]


def _sizes(images: list[dict]) -> tuple[tuple[int, int], ...]:
    return tuple(Image.open(io.BytesIO(image["bytes"])).size for image in images)
