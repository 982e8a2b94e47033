"""DynaMath's rules: numbers within 0.001, letters, and texts that contain the gold.

The prompt asks for JSON with the keys `solution` and `short answer`; the benchmark names the latter as a marker
(`GradeOptions.markers`), so that what follows it is read before a box or a sentence.
"""

import math
import re
from collections.abc import Sequence

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate

MARKER = '"short answer":'
TOLERANCE = 1e-3
"""Largest difference of two floats, absolute as in the official code: 117.78 is wrong for 117.7795 + 0.002."""
LONE_LENGTH = 100
"""Characters of a response without any marker that may be an answer and nothing else."""

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")


def stated(answer: Candidate) -> str | None:
    """The short answer at a place; None where the place is no short answer."""
    text = answer.text.strip()
    if answer.rule == "marker" and (quoted := re.match(r'"((?:[^"\\]|\\.)*)"', text)):
        return quoted[1].strip()
    if answer.rule == "marker":
        text = re.split(r"[\n}]", text, maxsplit=1)[0].rstrip(" ,")
    if answer.rule in ("lone", "closing") and (len(text) > LONE_LENGTH or "\n" in text):
        return None
    return text or None


def value(text: str) -> float | None:
    """A number as the official code reads it: times pi where it ends so, a unit after a space left out."""
    text = text.split(" ")[0].rstrip(".,")
    times_pi = text.endswith(("π", "\\pi"))
    text = text.removesuffix("π").removesuffix("\\pi").rstrip("*")
    if times_pi and text in ("", "-"):
        text += "1"
    return float(text) * (math.pi if times_pi else 1) if _NUMBER.fullmatch(text) else None


class DynaMathFloat(Verifier):
    """Numbers: |answer - gold| <= 0.001."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a number with the gold number; see `Verifier.judge`."""
        text = stated(answer)
        found = None if text is None else value(text)
        return None if found is None else Verdict.of(abs(found - value(gold)) <= TOLERANCE, "dynamath")

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold is no number, None when it is one."""
        return None if value(gold) is not None else f"the answer {gold[:60]!r} is not a number"


class DynaMathChoice(Verifier):
    """Letters: the answer is the gold letter, or has it among its first three characters."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a letter with the gold letter; see `Verifier.judge`."""
        text = stated(answer)
        if text is None or not re.match(r"\W*[A-Za-z](?![A-Za-z])", text):
            return None
        return Verdict.of(gold.upper() in text[:3].upper(), "dynamath")


class DynaMathText(Verifier):
    """Texts: the gold occurs in the answer, as in the official code (VLMEvalKit asks the reverse)."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Looks for the gold in the answer; see `Verifier.judge`."""
        text = stated(answer)
        return None if text is None else Verdict.of(gold.lower() in text.lower(), "dynamath")
