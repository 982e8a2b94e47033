"""What the run's data files hold of the problems: the images to show, and how many test problems were seen before."""

import base64
import hashlib
from collections.abc import Collection
from pathlib import Path

import pyarrow.parquet as pq

from cogito_pl.playground.parts import part_file


def images(data: Path, ids: Collection[str]) -> dict[str, list[str]]:
    """The images of the test problems `ids` as data URIs, by problem."""
    rows = pq.read_table(
        part_file(data, "test"), columns=["id", "images"], filters=[("id", "in", list(ids))]
    ).to_pylist()
    return {row["id"]: [_uri(image["bytes"]) for image in row["images"]] for row in rows}


def seen_before(data: Path) -> set[str]:
    """Ids of the test problems of which question and images also occur in the parts that were learnt from."""
    learnt = {key for part in ("sft", "train") for key in _keys(part_file(data, part)).values()}
    return {problem for problem, key in _keys(part_file(data, "test")).items() if key in learnt}


def _keys(file: Path) -> dict[str, bytes]:
    return {
        row["id"]: hashlib.blake2b(
            row["question"].encode() + b"".join(image["bytes"] for image in row["images"])
        ).digest()
        for batch in pq.ParquetFile(file).iter_batches(columns=["id", "question", "images"])
        for row in batch.to_pylist()
    }


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
