"""The page of an ablation: `report.html` beside `ablation.json`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cogito_pl.experiments.ablation.arms import PLAIN
from cogito_pl.experiments.ablation.results import read_results
from cogito_pl.report.ablation import columns, notes, rows, title
from cogito_pl.report.ablation_answers import compared_answers, read_answers
from cogito_pl.report.ablation_charts import cost_chart, curve_chart, differences_of, forest_chart
from cogito_pl.report.ablation_figure import START
from cogito_pl.report.completions import compact, embedded
from cogito_pl.report.page import Drawing, Section, Table, versions, write_page

FILE = "report.html"
Result = Mapping[str, Any]
"""What is in `ablation.json`."""


def write_ablation_page(folder: Path, out: Path | None = None) -> Path:
    """Writes the page of the ablation in `folder`, and returns where.

    Args:
        folder: With `ablation.json`.
        out: The file; `report.html` in the folder when null.
    """
    result = read_results(folder)
    answers = read_answers(folder, result)
    return write_page(
        out or folder / FILE,
        "ablation.html",
        title=f"{folder} - cogito_pl",
        headline=headline(result),
        byline=f"{folder} · {title(result)}",
        cards=cards(result),
        sections=[*charts(result), table_section(result), *breakdowns(result)],
        compared=compared_answers(answers),
        completions=embedded(compact(answers.listed(), answers.images)) if answers.rows else None,
        answers_intro=answers.intro,
        settings=setting_section(result),
    )


def headline(result: Result) -> str:
    """The arms in one line."""
    others = [name for name in result["arms"] if name != PLAIN]
    return f"{PLAIN} against {', '.join(others)}" if others else f"{PLAIN} alone"


def cards(result: Result) -> list[tuple[str, str, str, str]]:
    """The numbers at the head of the page: those that there are."""
    found = []
    for style, name, arm in (("base", START, result["start"]), ("sft", PLAIN, result["arms"][PLAIN])):
        if "accuracy" in arm:
            low, high = (100 * end for end in arm["accuracy_ci"])
            found.append((style, name, f"{arm['accuracy']:.1%}", f"95% over problems: {low:.1f} to {high:.1f}%"))
    if differences := dict(differences_of(result["arms"])):
        name, arm = max(differences.items(), key=lambda each: each[1]["difference"]["estimate"])
        found.append(
            ("grpo", f"highest: {name}", f"{100 * arm['difference']['estimate']:+.1f}", f"points over {PLAIN}")
        )
    if told := result.get("resolution"):
        note = f"points, found by {len(result['seeds'])} seeds with a power of 80%"
        found.append(("step", "smallest difference", f"{100 * told['here']:.1f}", note))
    return found


def charts(result: Result) -> list[Section]:
    """Differences, learning curves, and cost beside gain."""
    arms, told = result["arms"], result.get("resolution")
    here = told and told["here"]
    band = "Grey: differences that so many seeds do not find with a power of 80%." if told else ""
    drawings, missing = [], []
    if any(True for _ in differences_of(arms)):
        forest = "Dots: seeds. Bar: mean. Pale line: 95% over problems; thin line: 95% over seeds."
        cost = f"Thin line: 95% over seeds. {band}"
        drawings.append(
            Drawing(title="Differences", caption=f"{forest} {band}", svg=forest_chart(arms, here)),
        )
        drawings.append(Drawing(title="Cost beside gain", caption=cost, svg=cost_chart(arms, here)))
    else:
        missing.append("No arm can be compared with the plain recipe yet.")
    if any("curve" in seed for arm in arms.values() for seed in arm["seeds"].values()):
        caption = "Accuracy on the validation problems of the fits. Line: mean; band: lowest to highest seed."
        drawings.append(Drawing(title="Learning curves", caption=caption, svg=curve_chart(arms)))
    else:
        missing.append("There are no learning curves: the recipe has no data.validation, or no fit has validated yet.")
    return [Section(title="Results", drawings=drawings, missing=missing)]


def table_section(result: Result) -> Section:
    """The table of `ablation.md`, and how to read it."""
    return Section(title="Table", tables=[Table(head=columns(result), rows=rows(result))], notes=notes(result))


def breakdowns(result: Result) -> list[Section]:
    """Accuracy by the columns that were asked for; the seeds weigh by their completions."""
    arms = {START: result["start"], **result["arms"]}
    done = {
        name: own
        for name, arm in arms.items()
        if (own := [seed for seed in arm["seeds"].values() if seed["state"] == "done"])
    }
    names = dict.fromkeys(key for own in done.values() for seed in own for key in seed if key.startswith("by_"))
    tables = [breakdown(name, done) for name in names]
    return [Section(title="Accuracy by problem", intro="Percent.", tables=tables)] if tables else []


def breakdown(name: str, done: Mapping[str, list[Mapping[str, Any]]]) -> Table:
    """Accuracy of every arm by one column.

    Args:
        name: `by_<column>`.
        done: The seeds that are done, by arm.
    """
    values = dict.fromkeys(value for own in done.values() for seed in own for value in seed[name])
    cells = []
    for value in values:
        counts = [[seed[name][value] for seed in own if value in seed[name]] for own in done.values()]
        shares = [sum(c["correct"] for c in own) / sum(c["n"] for c in own) if own else None for own in counts]
        cells.append((value, *("-" if share is None else f"{100 * share:.1f}" for share in shares)))
    return Table(head=(name.removeprefix("by_"), *done), rows=cells)


def setting_section(result: Result) -> Section:
    """The files of the recipe and of the arms, as they were."""
    files = {f"{file['file']} (recipe)": file["text"].strip() for file in result["recipe"]}
    for name, arm in result["arms"].items():
        files |= {f"{file['file']} ({name})": file["text"].strip() for file in arm.get("overlays", [])}
    return Section(title="Settings", code=files, notes=[versions()], folded=True)
