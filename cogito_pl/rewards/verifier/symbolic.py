r"""Compares two formulas by meaning, with Math-Verify.

Each formula is wrapped in `$` on both sides, since bare formulas are misread, and parsed whole: nothing is stripped as
a unit and nothing is searched for. What Math-Verify misreads is kept from it: figures side by side and products of
brackets, `(2)(3)` (it adds them), ellipses (it drops them), degrees in trigonometric functions (it takes them for
radians), capital letters beside small ones (it equates them).

Math-Verify stops itself with `signal.alarm`, which works only in a main thread, counts whole seconds, and overwrites
any other alarm of the process. It is used only in a main thread with no alarm pending; elsewhere the caller keeps the
time.
"""

import logging
import re
import signal
import threading
import time
from contextvars import ContextVar
from functools import lru_cache

from cogito_pl.rewards.verifier.options import STANDARD, GradeOptions
from cogito_pl.rewards.verifier.parsing.imaginary import computable

ALLOWED: ContextVar[bool] = ContextVar("sympy allowed", default=True)
"""Whether formulas may be compared here; elsewhere `agree` raises `Costly`."""

SECONDS = 2
"""Whole seconds for each call of Math-Verify, where its alarm can be used."""

_UNREADABLE = re.compile(r"(?<![_^])\d\s+\d|\\(?:[lc]dots|dots)|\.\.\.|^\W*$")
_PRODUCT = re.compile(r"(?:(?<![_^\d])\d+(?:\.\d+)?(?=\s*\()|\)(?=\s*(?:[(\d]|\\frac)))")
_MIXED = re.compile(r"(?<![_\d.])(\d+)\s*(?=\\frac\s*\{(\d+)\}\s*\{(\d+)\})")
_DEGREES = re.compile(r"(\d+(?:\.\d+)?|\([^()]*\)|\{[^{}]*\}|[a-z])\s*\^\s*\{?\s*\\circ\s*\}?")
_TRIGONOMETRY = re.compile(r"\\(?:arc)?(?:sin|cos|tan|cot|sec|csc)")

_PRIMED = re.compile(r"[A-Za-z]\}?'+")
_LETTER = re.compile(r"\\mathbb ?\{[A-Z]\}|\\[a-zA-Z]+|[a-zA-Z]")


class Costly(Exception):
    """A verdict needs sympy where that is not allowed."""


def _alarm_free() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def _raise_if_late(start: float, seconds: int | None) -> None:
    if seconds and time.monotonic() - start >= seconds:  # Math-Verify reports its time-out as "no" or "nothing"
        raise TimeoutError


@lru_cache(maxsize=4096)
def _parsed(text: str, seconds: int | None) -> tuple[object, ...]:
    import math_verify  # costs half a second and sympy; only a process that compares formulas pays it
    from latex2sympy2_extended import NormalizationConfig

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    whole = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=False, boxed="none")
    start = time.monotonic()
    found = math_verify.parse(
        f"${text}$", [math_verify.LatexExtractionConfig(normalization_config=whole)], parsing_timeout=seconds
    )
    if not found:
        _raise_if_late(start, seconds)
    return tuple(found)


def _improper(found: re.Match[str]) -> str:
    """A figure before a fraction: part of a mixed number only where the fraction is less than one."""
    return found[0] if int(found[2]) < int(found[3]) else found[0] + r"\cdot "


def _ascending(text: str) -> str:
    """A chain of inequalities such as 5 >= x > 0 from the small end."""
    sides = re.split(r"(>|\\ge(?![a-z])|\\gt(?![a-z]))", text)
    if len(sides) < 5 or re.search(r"<|\\l[et](?![a-z])|,", text):
        return text
    return "".join({">": "<", r"\ge": r"\le ", r"\gt": "<"}.get(side, side) for side in reversed(sides))


def _capitals_apart(answer: str, gold: str) -> tuple[str, str]:
    """Both formulas with another letter for each capital that also occurs as a small letter."""
    small = {found for found in _LETTER.findall(answer + " " + gold) if found.islower() or found[1:].islower()}
    letters = {found.lower() for found in _LETTER.findall(answer + " " + gold)}
    spare = (letter for letter in "abcdfghjklmnopqrstuvwxyz" if letter not in letters)
    others: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        capital = found[0]
        if capital.islower() or capital.lower() not in small or not capital.strip("\\")[:1].isupper():
            return capital
        if capital not in others:
            others[capital] = next(spare, capital)
        return others[capital] + " " * capital.startswith("\\")

    answer, gold = (_LETTER.sub(other, text) for text in (answer, gold))
    return answer, gold


def _readable(answer: str, gold: str) -> tuple[str, str]:
    """Both formulas with products written out, degrees as radians where that matters, and capitals apart."""
    answer, gold = _ascending(answer), _ascending(gold)
    answer, gold = (_MIXED.sub(_improper, _PRODUCT.sub(r"\g<0>\\cdot ", text)) for text in (answer, gold))
    if any(_TRIGONOMETRY.search(text) or r"\pi" in text for text in (answer, gold)):
        answer, gold = (_DEGREES.sub(r"(\\frac{\1\\pi}{180})", text) for text in (answer, gold))
    answer, gold = (re.sub(r"\^\s*\{?\s*\\circ\s*\}?", "", text) for text in (answer, gold))
    answer, gold = computable(*_capitals_apart(answer, gold))
    return answer, gold


def _value(parsed: object) -> float | None:
    import sympy

    if isinstance(parsed, sympy.Expr) and parsed.is_number:
        value = parsed.evalf(20)
        return float(value) if value.is_Float or value.is_Integer or value.is_Rational else None
    return None


def agree(answer: str, gold: str, options: GradeOptions = STANDARD) -> bool:
    """Compares two formulas by meaning.

    Args:
        answer: The formula of the response, tidied.
        gold: The gold formula, tidied; the comparison is not symmetric.
        options: Rounding, tolerances, relations and names.

    Returns:
        Whether they agree.

    Raises:
        TimeoutError: Math-Verify stopped itself before it came to a verdict.
        Costly: Sympy is not allowed here.
    """
    if _UNREADABLE.search(answer) or _UNREADABLE.search(gold):
        return False
    if sorted(_PRIMED.findall(answer)) != sorted(_PRIMED.findall(gold)):  # Math-Verify drops primes
        return False
    if not ALLOWED.get():
        raise Costly
    import math_verify

    seconds = SECONDS if _alarm_free() else None
    answer, gold = _readable(answer, gold)
    expected, found = list(_parsed(gold, seconds)), list(_parsed(answer, seconds))
    start = time.monotonic()
    same = math_verify.verify(
        expected,
        found,
        float_rounding=6 if options.decimals is None else options.decimals,
        strict=not options.any_names,
        allow_set_relation_comp=options.relations,
        timeout_seconds=seconds,
    )
    if not same:
        _raise_if_late(start, seconds)
    if same or not (options.absolute_tolerance or options.relative_tolerance):
        return same
    left, right = (_value(parsed[0]) if parsed else None for parsed in (found, expected))
    if left is None or right is None:
        return False
    return abs(left - right) <= max(options.absolute_tolerance, options.relative_tolerance * abs(right)) * (1 + 1e-12)
