"""Writes a part into a folder in the layout of the Hugging Face Hub: a data set card and a Parquet file per part."""

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Features, Image, List, Value
from PIL import Image as PILImage

from cogito_pl.files import atomic
from cogito_pl.playground.parts import PARTS, PartSpec, Row, part_file

FEATURES = Features(
    {
        "id": Value("string"),
        "question": Value("string"),
        "answer": Value("string"),
        "kind": Value("string"),
        "choices": List(Value("string")),
        "images": List(Image()),
        "solution": Value("string"),
        "family": Value("string"),
        "difficulty": Value("int32"),
        "seed": Value("int64"),
    }
)
LABORATORY = Features({"modality": Value("string"), "solvable": Value("bool"), "label_correct": Value("bool")})
"""Further columns of the laboratory's rows."""
ROWS_PER_GROUP = 500
"""Rows that are held in memory, and that a reader fetches, at a time."""

CARD = """\
---
pretty_name: cogito_pl playground
license: apache-2.0
language: [en]
task_categories: [visual-question-answering]
configs:
{configs}---

# Playground

Coloured shapes on a grid, bar charts, tables of digits, pairs of images, and sums without an image, drawn by
`python -m cogito_pl.playground write`. Every problem is a pure function of family, difficulty and seed, so these files
can be made again byte for byte. No scene of `test` or `validation` is in another part, in any drawing.

| column | content |
|---|---|
| `question` | headed by one `<image>` per image |
| `answer`, `kind`, `choices` | the only correct answer, its verifier (`number`, `text`, `choice`), the options |
| `images` | PNG, 28 x 28 pixels per cell |
| `solution` | what fine-tuning trains on; tagged `<think>`, `<answer>` in all parts but `pretrain` |
| `family`, `difficulty`, `seed` | the key of the problem; difficulty is 1 to 5 |
"""


LABORATORY_CARD = """| `modality` | `text` or `image` |
| `solvable` | false where a problem asks two questions at once and wants both answers |
| `label_correct` | false where `answer` is that of another problem |
"""


def write_part(folder: str | Path, spec: PartSpec, rows: Iterable[Row], *, laboratory: bool = False) -> Path:
    """Writes one part, which replaces an earlier one of that name, and updates the card.

    Args:
        folder: The data set; created when missing, its other parts stay.
        spec: Names the part.
        rows: The rows in order, read once.
        laboratory: They are `LaboratoryRow`s, with further columns.

    Returns:
        The Parquet file, which is complete as soon as it exists.
    """
    target = part_file(folder, spec.part)
    schema = Features({**FEATURES, **(LABORATORY if laboratory else {})}).arrow_schema
    with atomic(target) as draft, pq.ParquetWriter(draft, schema) as writer:
        for group in _groups(iter(rows)):
            writer.write_table(pa.Table.from_pylist([_record(row) for row in group], schema=schema))
    _write_card(Path(folder), CARD + LABORATORY_CARD if laboratory else CARD)
    return target


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(rows, ROWS_PER_GROUP)):
        yield group


def _record(row: Row) -> dict:
    images = [{"bytes": _png(image), "path": f"{row.id}-{place}.png"} for place, image in enumerate(row.images)]
    return {**vars(row), "choices": list(row.choices), "images": images}


def _png(image: PILImage.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _write_card(folder: Path, card: str) -> None:
    """Writes the card, which lists the parts that the folder has."""
    there = [part for part in PARTS if any((folder / "data").glob(f"{part}-*.parquet"))]
    configs = "".join(
        f"- config_name: {part}\n  data_files:\n  - split: {part}\n    path: data/{part}-*.parquet\n" for part in there
    )
    (folder / "README.md").write_text(card.format(configs=configs), encoding="utf-8")
