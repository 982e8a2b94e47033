r"""The verifier of mathematics. Knows LaTeX strings and when to ask Math-Verify; nothing of where answers stand.

Cheapest first: equal after normalising the string ("string"), equal as exact numbers ("number"), words compared as
words ("words": Math-Verify would read them as products of letters, so that "listen" equals "silent"), and at last
Math-Verify on the extracted answer only, wrapped in `$` on both sides ("math-verify"), since bare formulas are
misread. Texts that make sympy run for minutes or that are collapsed repetition are refused before parsing ("refused":
an answer, but a wrong one).

Math-Verify stops itself with `signal.alarm`, which works only in a main thread, counts whole seconds, and overwrites
any other alarm of the process. It is used only in a main thread with no alarm pending; elsewhere the caller keeps the
time.

Conventions inherited from Math-Verify: order does not matter in bare lists (`4, 10` is `10, 4`), fractions need not
be reduced, units are dropped, `50%` agrees with `50` and with `0.5`, `x = 3` agrees with `3`, inequalities of the
gold agree with intervals but not the other way round.
"""

import logging
import re
import signal
import threading
import time
from collections.abc import Sequence
from functools import lru_cache

from cogito_pl.rewards import number
from cogito_pl.rewards.extract import Candidate
from cogito_pl.rewards.formula import PERCENT, STYLE, stated, target, wordy
from cogito_pl.rewards.text import Verdict, fold_width

LONGEST = 1000
"""Characters of an answer that Math-Verify gets to see."""
SECONDS = 2
"""Whole seconds for each call of Math-Verify, where its alarm can be used."""

_SPACE = re.compile(r"\\(?:left|right|displaystyle|quad|qquad)(?![a-zA-Z])|\\[,;: ]|[\s~$]+")
_HARD = (
    re.compile(r"\^\s*[{(]?\s*[-+]?[\d,]{5,}"),  # x^100000
    re.compile(r"\d\s*\^\s*[{(]?\s*\d+\s*\}?\s*\^\s*[{(]?\s*\d"),  # 9^{9^{9}}
    re.compile(r"\d{4,}\s*!|(?:\d{4}|\^)[^!]*[)}]\s*!|!\s*\)?\s*!"),  # 10000!, (10^5)!, 9!!
    re.compile(r"\d{400}"),
    re.compile(r"(\S.{0,20}?)\1{40}", re.DOTALL),  # collapsed repetition
)


def normalised(text: str) -> str:
    r"""A formula without what changes no meaning: spacing, `\left`, `\text`, `\dfrac`, degree signs, a full stop."""
    text = re.sub(r"\\[dtc]frac(?![a-zA-Z])", r"\\frac", STYLE.sub(r"\1", fold_width(text)))
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?|°|\\degree", "", _SPACE.sub(" ", text.replace(r"\!", "")))
    text = re.sub(r"(?<!\d) +| +(?!\d)", "", text.strip())  # "1 1/2" is not "11/2"
    return re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", text).strip("*").removesuffix(".")


def refused(text: str) -> bool:
    """Whether a text would cost minutes rather than milliseconds to parse or to compare."""
    return len(text) > LONGEST or max(text.count("("), text.count("{")) > 60 or any(hard.search(text) for hard in _HARD)


def _alarm_free() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def _raise_if_late(start: float, seconds: int | None) -> None:
    if seconds and time.monotonic() - start >= seconds:  # Math-Verify reports its time-out as "no" or "nothing"
        raise TimeoutError


@lru_cache(maxsize=1024)
def _parsed(text: str, seconds: int | None) -> tuple[object, ...]:
    import math_verify  # costs half a second and sympy; only a process that compares formulas pays it

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    text = re.sub(r"\\(?:mathrm|text)\s*\{\s*([ei])\s*\}", r"{\1}", text)  # Math-Verify drops these as units
    text = re.sub(r"^([-+]?[\d.,/ ]*\d)\s+[a-zA-Z]{3,}(?: [a-zA-Z]+)?$", r"\1", PERCENT.sub(r"\\%", text))
    text = re.sub(r"\s*[\u4e00-\u9fff]+$", "", text)  # a unit
    text = re.sub(r"(?<=\d)\s+(?=\d{3}(?!\d))", "", text.replace("\n", " ").replace("**", "^"))
    wrapped = text if "$" in text or r"\(" in text or r"\[" in text else f"${text}$"
    start = time.monotonic()
    found = math_verify.parse(wrapped, parsing_timeout=seconds)
    _raise_if_late(start, seconds)
    return tuple(found)


def same(answer: str, gold: str) -> tuple[bool, str]:
    """Compares two formulas.

    Args:
        answer: The formula of the response.
        gold: The right formula; the comparison is not symmetric.

    Returns:
        Whether they agree, and the rule that decided.

    Raises:
        TimeoutError: Math-Verify stopped itself before it came to a verdict.
    """
    left, right = normalised(answer), normalised(gold)
    if left and left == right:
        return True, "string"
    one, other = number.parse(answer), number.parse(gold)
    if one and other and not one.unit and not other.unit and any(a == b for a, b in number.readings(one, other)):
        return True, "number"
    if len(answer) <= LONGEST and (wordy(answer) or wordy(gold)):
        return left.casefold() == right.casefold(), "words"
    if refused(answer) or refused(gold):
        return False, "refused"
    import math_verify

    seconds = SECONDS if _alarm_free() else None
    expected, found = _parsed(gold, seconds), _parsed(answer, seconds)
    start = time.monotonic()
    agree = math_verify.verify(list(expected), list(found), timeout_seconds=seconds)
    if not agree:
        _raise_if_late(start, seconds)
    return agree, "math-verify"


def judge(answer: Candidate, gold: str, choices: Sequence[str] = ()) -> Verdict | None:
    """Compares a formula with its gold.

    Args:
        answer: Where the response states its answer.
        gold: The right formula, or a worked solution that boxes it.
        choices: Not used.

    Returns:
        The verdict, None when this place states no formula.
    """
    formula = stated(answer)
    return Verdict.of(*same(formula, target(gold))) if formula else None


def check(gold: str, choices: Sequence[str] = ()) -> str | None:
    """Why this gold cannot be verified, None when it can."""
    formula = target(gold)
    if not normalised(formula):
        return "the answer is empty"
    if refused(formula):
        return f"the answer {formula[:60]!r} is too long or too costly to compare (powers of powers, large factorials)"
    return None
