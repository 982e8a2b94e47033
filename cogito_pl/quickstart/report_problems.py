"""The test problems that the report shows, with image, question and the answer of each model."""

import base64
from collections.abc import Collection, Mapping
from html import escape
from pathlib import Path

import pyarrow.parquet as pq

from cogito_pl.playground.parts import part_file
from cogito_pl.quickstart.phases import MODELS, TITLES
from cogito_pl.quickstart.summary import Answers

RULE = "Chosen by rule, not by hand: the first test problem of every family that meets the condition."
CONDITIONS = {
    "SFT fails, GRPO solves": {"sft": False, "grpo": True},
    "GRPO fails": {"grpo": False},
}
MARKS = {"right": "✓ correct", "wrong": "✗ wrong", "unparsed": "? no answer"}


def shown_problems(answers: Answers, data: Path) -> str:
    """The chosen problems as HTML.

    Args:
        answers: Graded completions of every model.
        data: Folder of the run's data.
    """
    chosen = {title: first_of_families(answers, verdicts) for title, verdicts in CONDITIONS.items()}
    ids = {answers[MODELS[0]][place]["id"] for places in chosen.values() for place in places}
    shown = image_uris(data, ids)
    sections = []
    for title, places in chosen.items():
        sections.append(f"<h3>{title}</h3>")
        sections += [problem({model: answers[model][place] for model in MODELS}, shown) for place in places]
        sections += [] if places else ["<p>There is no such problem.</p>"]
    return "".join(sections)


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
    return {row["id"]: [_uri(image["bytes"]) for image in row["images"]] for row in rows}


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def problem(rows: Mapping[str, dict], shown: Mapping[str, list[str]]) -> str:
    """One problem and the answer of every model to it."""
    row = rows[MODELS[0]]
    images = "".join(f'<img alt="image of the problem" src="{uri}">' for uri in shown.get(row["id"], []))
    answers = "".join(
        f'<span>{TITLES[model]}</span><span class="{escape(own["verdict"])}">{escape(MARKS[own["verdict"]])}</span>'
        f"<code>{escape(own['response']) or '(nothing)'}</code>"
        for model, own in rows.items()
    )
    family, difficulty = escape(str(row["meta"]["family"])), escape(str(row["meta"]["difficulty"]))
    return (
        f'<div class="problem"><div class="image">{images or "(no image)<br>"}{family}, difficulty {difficulty}'
        "</div>"
        f"<div><b>{escape(row['question'].replace('<image>', ''))}</b> &nbsp;Gold: <b>{escape(row['gold'])}</b>"
        f'<div class="answers">{answers}</div></div></div>'
    )
