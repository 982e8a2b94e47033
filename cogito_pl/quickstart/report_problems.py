"""The test problems that the report shows, with image, question and the answer of each model."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from markupsafe import Markup

from cogito_pl.playground.parts import part_file
from cogito_pl.quickstart.phases import MODELS, TITLES
from cogito_pl.quickstart.summary import Answers
from cogito_pl.report.completions import MOST_IMAGES, compact, data_uri, embedded

RULE = "Chosen by rule, not by hand: the first test problem of every family that meets the condition."
CONDITIONS = {
    "SFT fails, GRPO solves": {"sft": False, "grpo": True},
    "GRPO fails": {"grpo": False},
}
MARKS = {"right": "✓ correct", "wrong": "✗ wrong", "unparsed": "? no answer"}


def shown_problems(answers: Answers, data: Path) -> dict[str, list[dict[str, Any]]]:
    """The chosen problems with their images and the answers of all models, by the condition that they meet.

    Args:
        answers: Graded completions of every model.
        data: Folder of the run's data.
    """
    chosen = {title: first_of_families(answers, verdicts) for title, verdicts in CONDITIONS.items()}
    ids = {answers[MODELS[0]][place]["id"] for places in chosen.values() for place in places}
    shown = image_uris(data, ids)
    return {
        title: [problem({model: answers[model][place] for model in MODELS}, shown) for place in places]
        for title, places in chosen.items()
    }


def first_of_families(answers: Answers, verdicts: Mapping[str, bool]) -> list[int]:
    """Places of the first problem of every family for which the models did as `verdicts` says.

    Args:
        answers: Graded completions, per model in the order of the test problems.
        verdicts: Per model, whether its answer must be correct; other models may be either.
    """
    chosen: dict[str, int] = {}
    for place, row in enumerate(answers[MODELS[0]]):
        if all((answers[model][place]["verdict"] == "right") == correct for model, correct in verdicts.items()):
            chosen.setdefault(row["meta"]["family"], place)
    return list(chosen.values())


def image_uris(data: Path, ids: Collection[str]) -> dict[str, list[str]]:
    """The images of the test problems `ids` as data URIs, by problem."""
    columns, chosen = ["id", "images"], [("id", "in", list(ids))]
    rows = pq.read_table(part_file(data, "test"), columns=columns, filters=chosen).to_pylist()
    return {row["id"]: [data_uri(image["bytes"]) for image in row["images"]] for row in rows}


def problem(rows: Mapping[str, dict], shown: Mapping[str, list[str]]) -> dict[str, Any]:
    """One problem and the answer of every model to it."""
    row = rows[MODELS[0]]
    return {
        "images": shown.get(row["id"], []),
        "place": f"{row['meta']['family']}, difficulty {row['meta']['difficulty']}",
        "question": row["question"].replace("<image>", ""),
        "gold": row["gold"],
        "answers": [
            (TITLES[model], own["verdict"], MARKS[own["verdict"]], own["response"]) for model, own in rows.items()
        ],
    }


def all_answers(answers: Answers, data: Path) -> Markup:
    """The answers of all models to all test problems, for the browser of the page; the first of them with images."""
    ids = [row["id"] for row in answers[MODELS[0]][:MOST_IMAGES]]
    images = {f"{name}/{place}": uri for name, uris in image_uris(data, ids).items() for place, uri in enumerate(uris)}
    rows = []
    for model in reversed(MODELS):
        for row in reversed(answers[model]):  # the browser shows the last rows first
            names = [f"{row['id']}/{place}" for place in range(row["question"].count("<image>"))]
            rows.append(row | {"set": TITLES[model], "images": names, "image_files": names})
    return embedded(compact(rows, images))
