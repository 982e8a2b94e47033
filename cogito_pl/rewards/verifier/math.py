r"""Verifies formulas.

Cheapest first, and the first rule that applies decides: equal after normalising the string ("string"); a gold that is
one capital letter is a label, "A. 5" is A ("label"); equal as exact numbers ("number"); words compared as words
("words": Math-Verify would read them as products of letters); a formula that would keep sympy busy for minutes is
wrong ("refused"); lists and chains of equalities item by item ("items"); and each item that is left by Math-Verify
("math-verify").

Conventions: bare lists and sets have no order, tuples, intervals and values named by different letters do, and a bare
list against a tuple takes its order; a value repeated in a bare list counts; brackets of intervals count. `x = 3`
agrees with `3`, but not with `y = 3`. Of a chain `36 + 12 = 48` the last side counts, and what stands after `\approx`
is as good. Fractions need not be reduced. Units must agree only where both sides write one, and are converted. `50%`
agrees with `50` and with `0.5`. A decimal of six places or more agrees with a fraction that has no finite decimal.
Inequalities and intervals agree as `inequality` says, letters in a row as `parsing.letter_sequence`, the imaginary unit
as `parsing.imaginary`, names of figures as `parsing.figure_names`. Figures of two bases, `21_3` and `21_4`, differ. The
options change these conventions.
"""

import re
from collections.abc import Sequence
from math import gcd

from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.formula_equality import equal, name_of, same_number
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing import quantity, units
from cogito_pl.rewards.verifier.parsing.extract import Candidate
from cogito_pl.rewards.verifier.parsing.figure_names import named
from cogito_pl.rewards.verifier.parsing.formula import LONGEST, stated, target, too_costly, words
from cogito_pl.rewards.verifier.parsing.formula_structure import chain, collection
from cogito_pl.rewards.verifier.parsing.imaginary import one_unit
from cogito_pl.rewards.verifier.parsing.latex import STYLE, canonical, tidy
from cogito_pl.rewards.verifier.text import same_words

_MEANINGS = {
    r"\emptyset": "none", r"\{\}": "none", "no solution": "none", "no solutions": "none", "empty set": "none",
    "no real solution": "none real", "no real solutions": "none real", "does not exist": "undefined",
    "dne": "undefined", "undefined": "undefined", "all real numbers": "reals", r"\mathbb{R}": "reals",
    r"(-\infty,\infty)": "reals", "infinity": r"\infty", r"+\infty": r"\infty",
}  # fmt: skip
_STYLED = r"\\(?:text|mathrm|textnormal|mbox|rm|textbf|operatorname)\s*\{[^{}]*\}"
_UNIT = re.compile(
    rf"(?P<marked>(?:(?:\\[,;: ]|~|\s)*(?:{_STYLED}|/|\\cdot(?=\s*\\))(?:\s*\^\s*\{{?-?\d\}}?)?)+)\s*$"
    r"|(?<=[\d})\s])\s*(?P<plain>[a-zA-Z]{2,}(?:[ /^][a-zA-Z0-9^/ ]{1,30})?)$"
)
_LABELLED = re.compile(r"[(\[]?([A-Z])(?:[)\].:]+(?:\s+(\S.*))?|\s*)$", re.DOTALL)


def _split_unit(text: str) -> tuple[str, units.Unit | None]:
    """A formula without the unit at its end, and that unit."""
    if len(text) > quantity.LONGEST or not (found := _UNIT.search(text)):
        return text, None
    written = re.sub(r"\\[,;: ]|~|\\cdot", " ", STYLE.sub(r" \1", found["marked"] or found["plain"]))
    unit = units.read(re.sub(r"\s*([/^])\s*", r"\1", written).strip(), bool(found["marked"]))
    return (text[: found.start()].strip(), unit) if unit and text[: found.start()].strip() else (text, None)


def _unreduced(answer: str, gold: str) -> bool:
    """Whether the answer is a fraction that can be reduced, and the gold one that cannot."""
    parts = [re.fullmatch(r"-?\\frac\{-?(\d+)\}\{(\d+)\}|-?(\d+)/(\d+)", text) for text in (answer, gold)]
    factors = [gcd(*map(int, filter(None, part.groups()))) if part else 1 for part in parts]
    return factors[0] > 1 == factors[1]


def _wordy(text: str) -> bool:
    """Whether a formula holds words that are neither names on the left of an equals sign nor numbers or units."""
    values = [value for item in collection(text).items for value in chain(item).values]
    return any(words(value) and not quantity.parse(value) for value in values)


def same(answer: str, gold: str, options: GradeOptions) -> tuple[bool, str]:
    """Compares two formulas.

    Args:
        answer: The formula of the response.
        gold: The gold formula; the comparison is not symmetric.
        options: Which conventions hold.

    Returns:
        Whether they agree, and the rule that decided.

    Raises:
        TimeoutError: Math-Verify stopped itself before it came to a verdict.
    """
    if len(answer) > LONGEST or len(gold) > LONGEST:
        return False, "refused"
    left, right = canonical(answer), canonical(gold)
    if left and left == right and not (options.reduced and _unreduced(left, right)):
        return True, "string"
    if options.reduced and _unreduced(left, right):
        return False, "reduced"
    if labelled := _LABELLED.match(STYLE.sub(r"\1", answer).strip()):
        if re.fullmatch("[A-Z]", right):
            return labelled[1] == right, "label"
        answer = labelled[2] or answer
    one, other = (_MEANINGS.get(text) or _MEANINGS.get(text.lower()) for text in (left, right))
    if one and other:
        return one == other, "words"
    if too_costly(left) or too_costly(right):
        return False, "refused"
    one, other = quantity.parse(answer), quantity.parse(gold)
    if one and other and (not name_of(answer) or name_of(gold) in ("", name_of(answer))):
        return same_number(one, other, options), "number"
    answer, gold = one_unit(answer, gold)
    (answer, unit), (gold, due) = _split_unit(answer), _split_unit(gold)
    if unit and due and not unit.agrees(due):
        return False, "units"
    answer, gold = tidy(answer), tidy(gold)
    if _wordy(answer) or _wordy(gold):
        return same_words(answer, gold) and not (named(answer) or named(gold)), "words"
    if unit and due and unit.size != due.size:
        ratio = unit.size / due.size
        answer = rf"({answer}) \cdot \frac{{{ratio.numerator}}}{{{ratio.denominator}}}"
    return equal(answer, gold, options)


class MathVerifier(Verifier):
    """Compares formulas by the rules of this file."""

    def judge(self, answer: Candidate, gold: str, choices: Sequence[str], options: GradeOptions) -> Verdict | None:
        """Compares a formula with the gold formula, or with what a worked solution boxes; see `Verifier.judge`."""
        formula = stated(answer)
        return Verdict.of(*same(formula, target(gold), options)) if formula else None

    def check(self, gold: str, choices: Sequence[str] = ()) -> str | None:
        """Why this gold cannot be compared, None when it can."""
        formula = target(gold)
        if too_costly(formula):
            return (
                f"the answer {formula[:60]!r} is too long or too costly to compare (powers of powers, large factorials)"
            )
        if not canonical(formula):
            return "the answer is empty"
        if formula.replace(r"\{", "").count("{") != formula.replace(r"\}", "").count("}"):
            return f"the braces of the answer {formula[:60]!r} do not close"
        return None
