"""The page of a run: its sections in their order, and the file they are written to."""

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cogito_pl.report.completions import compact, embedded, read_completions, stored_images
from cogito_pl.report.curriculum import curriculum_sections
from cogito_pl.report.page import Section, Table, write_page
from cogito_pl.report.run_folder import RunFolder, find_run, written
from cogito_pl.report.scores import score_section
from cogito_pl.report.settings import differences
from cogito_pl.report.stagnation import stagnation_sections
from cogito_pl.report.training import (
    callback_section,
    change,
    metric_section,
    throughput_section,
    training_sections,
)
from cogito_pl.report.validation import newest_validation, validation_section

FILE = "report.html"
Card = tuple[str, str, str, str]
"""Style, title, value and note of a number at the head of a page."""


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Writes the page of the run in `folder`, and returns where.

    Args:
        folder: Log folder of a run, or a folder of versions.
        out: The file; `report.html` in the log folder when null.

    Raises:
        NoRunError: There is no run in `folder`.
    """
    run = find_run(folder)
    rows = read_completions(run.path)
    sections = sections_of(run, rows)
    data = compact(rows, stored_images(run.path, rows)) if rows else None
    shown = len(data["rows"]["text"]) if data else 0
    left_out = f"The newest {shown:,} of {len(rows):,} completions, as many as fit a page." if shown < len(rows) else ""
    return write_page(
        out or run.path / FILE,
        "run.html",
        title=f"{run.path} - cogito_pl",
        headline=headline(run),
        byline=byline(run),
        cards=cards(run, rows),
        sections=sections,
        completions=embedded(data) if data else None,
        left_out=left_out,
    )


def sections_of(run: RunFolder, rows: Sequence[dict[str, Any]]) -> list[Section]:
    """The sections of a run, by its command."""
    common = [completion_section(rows), data_section(run), setting_section(run), file_section(run)]
    if run.command == "predict":
        return [score_section(run), *common[1:]]
    if run.command == "validate":
        return [validation_section(run, rows), *common]
    trained = [validation_section(run, rows), *training_sections(run)]
    if run.rollouts or any(name.startswith("reward/") for name in run.curves):
        trained += [*curriculum_sections(run), *stagnation_sections(run), callback_section(run)]
    return [*trained, throughput_section(run), *common, metric_section(run)]


def headline(run: RunFolder) -> str:
    """What was run."""
    module = str(run.setting("model", "class_path") or "").rpartition(".")[2]
    model = run.setting("model", "init_args", "policy", "name") or ""
    return " · ".join(part for part in (run.command, module, str(model)) if part)


def byline(run: RunFolder) -> str:
    """Which folder, how far, and when it was last written to."""
    seed = run.setting("seed_everything")
    return " · ".join(
        part
        for part in (
            str(run.path),
            run.note,
            progress(run),
            f"seed {seed}" if seed is not None else "",
            f"last written {run.touched:%Y-%m-%d %H:%M:%S %Z}",
        )
        if part
    )


def progress(run: RunFolder) -> str:
    """Epochs and optimiser steps of a fit so far."""
    if run.command != "fit":
        return ""
    last = last_step(run)
    epochs = run.setting("trainer", "max_epochs")
    reached = run.curves.get("epoch")
    steps = f"{last:,} optimiser step{'s' * (last != 1)}"
    if not reached:
        return steps
    return f"epoch {reached[-1][1] + 1:.0f}{f' of {epochs}' if epochs and epochs > 0 else ''}, {steps}"


def last_step(run: RunFolder) -> int:
    """Optimiser steps so far."""
    known = [curve[-1][0] + (not name.startswith("val/")) for name, curve in run.curves.items()]
    return max([*known, *(row["step"] + 1 for row in run.rollouts[-1:])], default=0)


def cards(run: RunFolder, rows: Sequence[dict[str, Any]]) -> list[Card]:
    """The numbers at the head of the page: those that the run has."""
    found: list[Card] = []
    if curve := run.curves.get("val/accuracy"):
        values = [value for _, value in curve]
        first = f"best {max(values):.1%}, first {values[0]:.1%}" if len(values) > 1 else "share of correct answers"
        found.append(("grpo", "validation accuracy", f"{values[-1]:.1%}", first))
    elif newest := newest_validation(rows):
        share = sum(row["verdict"] == "right" for row in newest) / len(newest)
        found.append(("grpo", "validation accuracy", f"{share:.1%}", f"of {len(newest):,} problems"))
    for name, style, title, form in (
        ("reward/accuracy", "sft", "accuracy of samples", "{:.1%}"),
        ("sft/loss", "sft", "SFT loss", "{:.3g}"),
        ("reward/total", "base", "reward", "{:.3g}"),
        ("rollout/length_tokens", "step", "tokens per sample", "{:.1f}"),
    ):
        if curve := run.curves.get(name):
            before, after = change(curve)
            found.append((style, title, form.format(after), f"{form.format(before)} in the first tenth"))
    if rows:
        found.append(("base", "recorded completions", f"{len(rows):,}", "see Completions"))
    return found[:4]


def completion_section(rows: Sequence[dict[str, Any]]) -> Section:
    """The heading of the browser of completions."""
    if rows:
        return Section(title="Completions", intro="Recorded by callbacks.RolloutTable; filters act as you type.")
    return Section(title="Completions", missing=["No completions are recorded; callbacks.RolloutTable records them."])


def data_section(run: RunFolder) -> Section:
    """Which rows of the data were rejected, by reason."""
    if not run.rejected:
        return Section(title="Data", missing=["No row of the data was rejected (there is no rejected.jsonl)."])
    reasons: Counter[str] = Counter()
    first: dict[str, str] = {}
    for row in run.rejected:
        reason = row["reason"].split(": ")[0]
        reasons[reason] += 1
        first.setdefault(reason, f"{row['file']} row {row['row']}")
    rows = [(f"{count:,}", reason, first[reason]) for reason, count in reasons.most_common(30)]
    note = f"{len(run.rejected):,} rows in rejected.jsonl"
    return Section(
        title="Data", tables=[Table(head=("rows", "rejected for", "first"), rows=rows, note=note, words=True)]
    )


def setting_section(run: RunFolder) -> Section:
    """The settings that are not the defaults, and all of them on demand."""
    if not run.config:
        line = "There is no config.yaml; train.py writes it. A script with its own Trainer may write one."
        return Section(title="Settings", missing=[line])
    rows = [(name, as_text(value), as_text(default)) for name, value, default in differences(run.config)]
    head = ("setting", "value", "default")
    note = "Those that differ from the defaults; all of them are in config.yaml."
    return Section(title="Settings", tables=[Table(head=head, rows=rows, note=note, words=True)])


def as_text(value: Any) -> str:
    """A setting as YAML would write it on one line."""
    try:
        return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value or "''"
    except TypeError:
        return repr(value)


def file_section(run: RunFolder) -> Section:
    """The command, and the checkpoints and exports that the run has left."""
    missing = []
    if run.starts:
        code = {"Started by": "\n".join(f"{start['time']}  {shlex.join(start['argv'])}" for start in run.starts)}
    else:
        missing.append("The command as it was typed is not recorded; callbacks.RunReport records it.")
        again = f"python train.py {run.command} --config {shlex.quote(str(run.path / 'config.yaml'))}"
        code = {"Runs it again": again} if run.config else {}
    rows = [(str(path), size(path), f"{written(path):%Y-%m-%d %H:%M:%S}") for path in left_by(run)]
    if not rows and run.command == "fit":
        missing.append("No checkpoint and no export is left so far; callbacks.HFExport exports the policy.")
    table = Table(head=("checkpoint or export", "size", "written"), rows=rows, words=True)
    return Section(title="Files", tables=[table] if rows else [], code=code, missing=missing)


def left_by(run: RunFolder) -> list[Path]:
    """Checkpoints, weights that were handed over, and exported models."""
    exports = [run.path / "export"]
    for callback in run.setting("trainer", "callbacks") or []:
        if callback["class_path"].endswith("HFExport") and (path := (callback.get("init_args") or {}).get("path")):
            exports.append(run.found(path))
    found = [*run.files("checkpoints/*"), *run.files("handoff/*"), *exports]
    return [path for path in found if path.exists()]


def size(path: Path) -> str:
    """Megabytes of a file, or of the files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:,.1f} MB"
