"""What scores are of, compared with the run that uses them: model, prompt and verifier, setting by setting."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cogito_pl.data.score_files import ScoreFile
from cogito_pl.data.strata import Aspect

COMPARED = ("model", "prompt", "verifier")


class OtherScoresError(ValueError):
    """Scores are of other data, another model, prompt or verifier than the run's."""


def check_origin(
    files: Sequence[ScoreFile], own: Callable[[str], Mapping[str, Any]], allowed: Sequence[Aspect], setting: str
) -> list[str]:
    """Refuses scores of another model, prompt or verifier, unless that is allowed by name.

    Args:
        files: The score files.
        own: What scores of a source, by its name, would be of if the run itself made them (`difficulty.origin`).
        allowed: What may be another.
        setting: `data.strata` or `data.subset`, for messages.

    Returns:
        Notes for the log: differences that are allowed, and files that do not say what their scores are of.

    Raises:
        OtherScoresError: Something differs that is not allowed.
    """
    notes = []
    for file in files:
        there = file.about.get("origin")
        if there is None:
            notes.append(f"{file.path} does not state model, prompt and verifier of its scores: they are not compared")
            continue
        here = own(there["source"])
        found = {aspect: differences(there[aspect], here[aspect], aspect) for aspect in COMPARED}
        if found["model"]:
            found["model"] = [f"{found['model'][0]}: {there['from']} there, {here['from']} here"]
        named = [aspect for aspect, several in found.items() if several]
        listed = "; ".join(text for several in found.values() for text in several)
        if refused := [aspect for aspect in named if aspect not in allowed]:
            raise OtherScoresError(
                f"{setting}.file={file.path} has scores of another {' and '.join(refused)} ({listed}). Score the data "
                "with the run's own settings, or allow it by name: "
                f"{setting}.allow_other=[{', '.join(dict.fromkeys([*allowed, *refused]))}]"
            )
        if there["code"] != here["code"]:
            notes.append(f"{file.path} was graded by another version of the verifier's code; score again to be sure")
        if named:
            notes.append(f"{file.path}: scores of another {' and '.join(named)}, as allowed ({listed})")
    return notes


def differences(there: Any, here: Any, name: str) -> list[str]:
    """The settings of two nested mappings that differ, by their dotted names, with both values."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        keys = dict.fromkeys([*there, *here])
        return [text for key in keys for text in differences(there.get(key), here.get(key), f"{name}.{key}")]
    return [] if there == here else [f"{name}: {there!r} there, {here!r} here"]
