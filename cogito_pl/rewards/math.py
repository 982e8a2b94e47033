r"""The verifier of mathematics. Knows the rules by which formulas agree; nothing of where answers stand.

Cheapest first, and the first rule that applies decides: equal after normalising the string ("string"); a gold that is
one capital letter is a label, "A. 5" is A ("label"); equal as exact numbers ("number"); words compared as words
("words": Math-Verify would read them as products of letters); a formula that would keep sympy busy for minutes is
wrong ("refused"); lists and chains of equalities item by item ("items"); and each item that is left by Math-Verify
("math-verify").

Conventions: bare lists and sets have no order, tuples and intervals do, and a bare list against a tuple takes its
order; brackets of intervals count. `x = 3` agrees with `3`, but not with `y = 3`. Of a chain `36 + 12 = 48` the last
side counts, and what stands after `\approx` is as good. Fractions need not be reduced. Units must agree only where
both sides write one, and are converted. `50%` agrees with `50` and with `0.5`. A decimal of six places or more agrees
with a fraction that has no finite decimal. Inequalities of the gold agree with intervals but not the other way round.
Figures of two bases, `21_3` and `21_4`, differ. The options change these conventions.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from cogito_pl.rewards import number, symbolic, units
from cogito_pl.rewards.extract import Candidate
from cogito_pl.rewards.formula import LONGEST, refused, stated, target, words
from cogito_pl.rewards.latex import STYLE, canonical, tidy
from cogito_pl.rewards.options import STANDARD, GradeOptions
from cogito_pl.rewards.structure import Chain, Collection, chain, collection
from cogito_pl.rewards.text import Verdict
from cogito_pl.rewards.text import normalised as plain_words

MOST_ITEMS = 40
"""Items of a list that are compared one with another."""

_MEANINGS = {
    r"\emptyset": "none", r"\{\}": "none", "no solution": "none", "no solutions": "none", "empty set": "none",
    "no real solution": "none real", "no real solutions": "none real", "does not exist": "undefined", "dne": "undefined",
    "undefined": "undefined", "all real numbers": "reals", r"\mathbb{R}": "reals", r"(-\infty,\infty)": "reals",
    "infinity": r"\infty", r"+\infty": r"\infty",
}  # fmt: skip
_UNIT = re.compile(
    r"(?P<marked>(?:(?:\\[,;: ]|~|\s)*(?:\\(?:text|mathrm|textnormal|mbox|rm|textbf|operatorname)\s*\{[^{}]*\}|/|\\cdot(?=\s*\\))"
    r"(?:\s*\^\s*\{?-?\d\}?)?)+)\s*$|(?<=[\d})\s])\s*(?P<plain>[a-zA-Z]{2,}(?:[ /^][a-zA-Z0-9^/ ]{1,30})?)$"
)
_BASED = re.compile(r"(-?[0-9A-Fa-f.]+)_\{?(\d{1,2})\}?")
_POINT = re.compile(r"[A-Z]'?\s*(\(.*\))", re.DOTALL)
_LABELLED = re.compile(r"[(\[]?([A-Z])(?:[)\].:]+(?:\s+(\S.*))?|\s*)$", re.DOTALL)


def _split_unit(text: str) -> tuple[str, units.Unit | None]:
    """A formula without the unit at its end, and that unit."""
    if len(text) > number.LONGEST or not (found := _UNIT.search(text)):
        return text, None
    written = re.sub(r"\\[,;: ]|~|\\cdot", " ", STYLE.sub(r" \1", found["marked"] or found["plain"]))
    unit = units.read(re.sub(r"\s*([/^])\s*", r"\1", written).strip(), bool(found["marked"]))
    return (text[: found.start()].strip(), unit) if unit and text[: found.start()].strip() else (text, None)


def _numbers(answer: number.Number, gold: number.Number, options: GradeOptions) -> bool:
    """Whether two numbers agree; six decimals stand for a fraction that has no finite decimal."""
    for left, right in number.readings(answer, gold):
        if number.near(left, right, options):
            return True
        for decimal, fraction in ((left, right), (right, left)):
            places = next((n for n in range(6, 20) if (decimal * 10**n).denominator == 1), None)
            endless = gcd(fraction.denominator, 10**40) != fraction.denominator
            if places and endless and abs(decimal - fraction) < Fraction(1, 10**places):
                return True
    return False


def _name(text: str) -> str:
    return canonical(chain(tidy(text)).name)


def _unreduced(answer: str, gold: str) -> bool:
    """Whether the answer is a fraction that can be reduced, and the gold one that cannot."""
    parts = [re.fullmatch(r"-?\\frac\{-?(\d+)\}\{(\d+)\}|-?(\d+)/(\d+)", text) for text in (answer, gold)]
    factors = [gcd(*map(int, filter(None, part.groups()))) if part else 1 for part in parts]
    return factors[0] > 1 == factors[1]


def _ratios(answer: str, gold: str) -> bool | None:
    """Whether two ratios of figures are proportional, None when one is not; times of day must be equal."""
    parts = [[number.parse(part) for part in text.split(":")] for text in (answer, gold)]
    if not all(part and part.value for side in parts for part in side):
        return None
    one, other = ([part.value for part in side] for side in parts)
    if len(one) != len(other) or re.fullmatch(r"\d{1,2}:[0-5]\d", gold):
        return False
    return all(left * other[0] == right * one[0] for left, right in zip(one, other, strict=True))


def _item(answer: str, gold: str, options: GradeOptions) -> tuple[bool, str]:
    """Compares two formulas that are no collections."""
    left, right = canonical(answer), canonical(gold)
    if left == right:
        return bool(left), "string"
    one, other = number.parse(answer), number.parse(gold)
    if one and other:
        return _numbers(one, other, options), "number"
    if (one_base := _BASED.fullmatch(left)) and (other_base := _BASED.fullmatch(right)):
        return one_base.groups() == other_base.groups(), "base"
    if ":" in left and ":" in right and (ratio := _ratios(left, right)) is not None:
        return ratio, "ratio"
    return symbolic.agree(answer, gold, options), "math-verify"


def _equal(answer: str, gold: str, options: GradeOptions) -> tuple[bool, str]:
    """Compares two formulas, each of which may be a collection or a chain of equalities."""
    one, other = collection(answer), collection(gold)
    single = [not items.opening and len(items.items) == 1 for items in (one, other)]
    if all(single):
        return _chains(one.items[0], other.items[0], options)
    for alone, text in zip(single, (answer, gold), strict=True):
        if alone and (values := chain(text).values) != (text,):  # (x, y) = (1, 2)
            pairs = [(value, gold) if text is answer else (answer, value) for value in values]
            return next((found for pair in pairs if (found := _equal(*pair, options))[0]), (False, "items"))
        if alone and (point := _POINT.fullmatch(text)):  # P(2, 3)
            return _equal(*((point[1], gold) if text is answer else (answer, point[1])), options)
    if any(single) and one.opening + other.opening:
        return _item(answer, gold, options)  # an interval, and perhaps the inequality that describes it
    return _collections(one, other, options)


def _chains(answer: str, gold: str, options: GradeOptions) -> tuple[bool, str]:
    one, other = chain(answer), chain(gold)
    if one.values == (answer,) and other.values == (gold,):
        return _item(answer, gold, options)
    alike = not one.name or not other.name or canonical(one.name) == canonical(other.name) or options.any_names
    if alike or ("y" in (one.name, other.name) and "(" in answer + gold):
        for left in one.values:
            for right in other.values:
                agree, rule = _equal(left, right, options)
                if agree:
                    return True, rule
    constant = all(number.parse(value) for value in one.values + other.values)
    if constant or not ("=" in answer and "=" in gold):
        return False, "items"
    return _item(answer, gold, options)


def _matched(answers: Sequence[str], golds: Sequence[str], options: GradeOptions) -> bool:
    """Whether the items agree one to one in some order; equality carries over, so that the first match will do."""
    left = list(answers)
    for gold in golds:
        found = next((answer for answer in left if _equal(answer, gold, options)[0]), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _parts(item: str) -> tuple[str, ...]:
    inner = collection(item)
    return (item,) if inner.opening or number.parse(item) else inner.items


def _collections(answer: Collection, gold: Collection, options: GradeOptions) -> tuple[bool, str]:
    brackets = {answer.opening, gold.opening} - {""}
    ordered = (brackets and r"\{" not in brackets) or (options.ordered and not brackets)
    one, other = (
        list(items.items)
        if ordered
        else list({canonical(item).replace(" ", ""): item for item in items.items}.values())
        for items in (answer, gold)
    )
    if len(one) != len(other):  # groups such as "p=5, q=2; p=7, q=2" against the same without groups
        one, other = ([part for item in items for part in _parts(item)] for items in (one, other))
    if len(one) != len(other) or len(one) > MOST_ITEMS:
        return False, "items"
    both = answer.opening and gold.opening
    shapes = {(answer.opening, answer.closing), (gold.opening, gold.closing)}
    if both and len(shapes) > 1 and (len(one) == 2 or r"\{" in brackets):
        return False, "brackets"
    names = [[canonical(chain(item).name) for item in items] for items in (one, other)]
    if all(all(group) and len(set(group)) == len(group) for group in names) and not brackets:
        return _matched(one, other, options), "items"
    if not all(all(group) for group in names):  # only one side names its values
        one, other = ([chain(item).values[0] for item in items] for items in (one, other))
    if ordered:
        return all(_equal(*pair, options)[0] for pair in zip(one, other, strict=True)), "items"
    return _matched(one, other, options), "items"


def _wordy(text: str) -> bool:
    """Whether a formula holds words that are neither names on the left of an equals sign nor numbers or units."""
    values = [value for item in collection(text).items for value in chain(item).values]
    return any(words(value) and not number.parse(value) for value in values)


def same(answer: str, gold: str, options: GradeOptions = STANDARD) -> tuple[bool, str]:
    """Compares two formulas.

    Args:
        answer: The formula of the response.
        gold: The right formula; the comparison is not symmetric.
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
    if labelled := _LABELLED.match(answer.strip()):
        if re.fullmatch("[A-Z]", right):
            return labelled[1] == right, "label"
        answer = labelled[2] or answer
    if left in _MEANINGS and right in _MEANINGS:
        return _MEANINGS[left] == _MEANINGS[right], "words"
    if refused(left) or refused(right):
        return False, "refused"
    one, other = number.parse(answer), number.parse(gold)
    if one and other and (not _name(answer) or _name(gold) in ("", _name(answer))):
        return _numbers(one, other, options), "number"
    (answer, unit), (gold, due) = _split_unit(answer), _split_unit(gold)
    if unit and due and not unit.agrees(due):
        return False, "units"
    answer, gold = tidy(answer), tidy(gold)
    if _wordy(answer) or _wordy(gold):
        return plain_words(answer) == plain_words(gold), "words"
    if unit and due and unit.size != due.size:
        ratio = unit.size / due.size
        answer = rf"({answer}) \cdot \frac{{{ratio.numerator}}}{{{ratio.denominator}}}"
    return _equal(answer, gold, options)


def judge(
    answer: Candidate, gold: str, choices: Sequence[str] = (), options: GradeOptions = STANDARD
) -> Verdict | None:
    """Compares a formula with its gold.

    Args:
        answer: Where the response states its answer.
        gold: The right formula, or a worked solution that boxes it.
        choices: Not used.
        options: Which conventions hold.

    Returns:
        The verdict, None when this place states no formula.
    """
    formula = stated(answer)
    return Verdict.of(*same(formula, target(gold), options)) if formula else None


def check(gold: str, choices: Sequence[str] = ()) -> str | None:
    """Why this gold cannot be verified, None when it can."""
    formula = target(gold)
    if not canonical(formula):
        return "the answer is empty"
    if refused(formula):
        return f"the answer {formula[:60]!r} is too long or too costly to compare (powers of powers, large factorials)"
    return None
