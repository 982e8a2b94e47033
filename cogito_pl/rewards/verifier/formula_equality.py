r"""Compares two formulas part by part.

Collections are compared item by item, chains of equalities by the value at their end, numbers exactly, ratios by
proportion, numerals of another base by base and digits. What is left is one formula against another, for
Math-Verify.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from cogito_pl.rewards.verifier import symbolic
from cogito_pl.rewards.verifier.inequality import sets_agree
from cogito_pl.rewards.verifier.number import near
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing import quantity
from cogito_pl.rewards.verifier.parsing.figure_names import named
from cogito_pl.rewards.verifier.parsing.formula_structure import Collection, chain, collection
from cogito_pl.rewards.verifier.parsing.latex import canonical, tidy
from cogito_pl.rewards.verifier.parsing.letter_sequence import letters, sequence

MOST_ITEMS = 40
"""Items of a list that are compared one with another."""

_BASED = re.compile(r"(-?[0-9A-Fa-f.]+)_\{?(\d{1,2})\}?")
_BUILDER = re.compile(
    r"\\\{\s*[a-zA-Z](?:\s*\\in\s*\\mathbb\{(?P<domain>[RZNQ])\})?\s*(?:\\mid(?![a-z])|\||:)(?P<condition>.*)\\\}",
    re.DOTALL,
)
_POINT = re.compile(r"[A-Z]'?\s*(\(.*\))", re.DOTALL)


def same_number(answer: quantity.Number, gold: quantity.Number, options: GradeOptions) -> bool:
    """Whether two numbers agree; six decimals stand for a fraction that has no finite decimal."""
    for left, right in quantity.readings(answer, gold):
        if near(left, right, options):
            return True
        for decimal, fraction in ((left, right), (right, left)):
            places = next((n for n in range(6, 20) if (decimal * 10**n).denominator == 1), None)
            endless = gcd(fraction.denominator, 10**40) != fraction.denominator
            if places and endless and abs(decimal - fraction) < Fraction(1, 10**places):
                return True
    return False


def name_of(text: str) -> str:
    """The name on the left of an equation, empty when there is none."""
    return canonical(chain(tidy(text)).name)


def _ratios(answer: str, gold: str) -> bool | None:
    """Whether two ratios of figures are proportional, None when one is not; times of day must be equal."""
    parts = [[quantity.parse(part) for part in text.split(":")] for text in (answer, gold)]
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
    if named(answer) or named(gold):
        return False, "figure"
    one, other = quantity.parse(answer), quantity.parse(gold)
    if one and other:
        return same_number(one, other, options), "number"
    if (one_base := _BASED.fullmatch(left)) and (other_base := _BASED.fullmatch(right)):
        return one_base.groups() == other_base.groups(), "base"
    if ":" in left and ":" in right and (ratio := _ratios(left, right)) is not None:
        return ratio, "ratio"
    return symbolic.agree(answer, gold, options), "math-verify"


def _conditions(answer: str, gold: str) -> tuple[str, str]:
    r"""Both formulas with `\{x \mid x > 2\}` as x > 2, unless one of them is about integers and the other is not."""
    domains = {found["domain"] or "R" if (found := _BUILDER.search(text)) else "R" for text in (answer, gold)}
    if len(domains) > 1:
        return answer, gold
    return tuple(_BUILDER.sub(lambda found: found["condition"].strip(), text) for text in (answer, gold))


def equal(answer: str, gold: str, options: GradeOptions) -> tuple[bool, str]:
    """Compares two formulas, each of which may be a collection or a chain of equalities."""
    answer, gold = _conditions(answer, gold)
    if "=" not in answer + gold and (number := quantity.parse(answer)) and (target := quantity.parse(gold)):
        return same_number(number, target, options), "number"
    if (order := sequence(gold)) and (found := letters(answer)):
        return found == order, "sequence"
    if (described := sets_agree(answer, gold, options)) is not None:
        return described, "interval"
    one, other = collection(answer), collection(gold)
    single = [not items.opening and len(items.items) == 1 for items in (one, other)]
    if all(single):
        return _chains(one.items[0], other.items[0], options)
    for alone, text in zip(single, (answer, gold), strict=True):
        if alone and (values := chain(text).values) != (text,):  # (x, y) = (1, 2)
            pairs = [(value, gold) if text is answer else (answer, value) for value in values]
            return next((found for pair in pairs if (found := equal(*pair, options))[0]), (False, "items"))
        if alone and (point := _POINT.fullmatch(text)):  # P(2, 3)
            return equal(*((point[1], gold) if text is answer else (answer, point[1])), options)
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
                agree, rule = equal(left, right, options)
                if agree:
                    return True, rule
    constant = all(quantity.parse(value) for value in one.values + other.values)
    if constant or not ("=" in answer and "=" in gold):
        return False, "items"
    return _item(answer, gold, options)


def _matched(answers: Sequence[str], golds: Sequence[str], options: GradeOptions) -> bool:
    """Whether the items agree one to one in some order; equality carries over, so that the first match will do."""
    left = list(answers)
    for gold in golds:
        found = next((answer for answer in left if equal(answer, gold, options)[0]), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _parts(item: str) -> tuple[str, ...]:
    inner = collection(item)
    return (item,) if inner.opening or quantity.parse(item) else inner.items


def _by_name(items: Sequence[str], other: Collection) -> tuple[Sequence[str] | None, bool]:
    """Named values in the order in which values without names must come, and whether that order counts.

    Values of one name, or of x_1 and x_2, have no order. Beside a tuple, x, y and z stand in this order and other
    letters must do so already, else there is none.
    """
    names = [canonical(chain(item).name) for item in items]
    if not all(names) or len({re.sub("_.*", "", name) for name in names}) < 2:
        return items, False
    if other.opening and set(names) <= set("xyz"):
        return [item for _, item in sorted(zip(names, items, strict=True))], True
    letters = [name for name in names if re.fullmatch("[a-zA-Z]", name)]
    return (None if other.opening and letters != sorted(letters) else items), True


def _collections(answer: Collection, gold: Collection, options: GradeOptions) -> tuple[bool, str]:
    brackets = {answer.opening, gold.opening} - {""}
    is_set = r"\{" in brackets
    ordered = bool(brackets and not is_set) or (options.ordered and not brackets)
    one, other = answer.items, gold.items
    if len(one) != len(other):  # groups such as "p=5, q=2; p=7, q=2" against the same without groups
        one, other = (tuple(part for item in items for part in _parts(item)) for items in (one, other))
    if is_set or (not ordered and all(collection(item).opening for item in other)):  # solutions count once
        one, other = (
            tuple({canonical(item).replace(" ", ""): item for item in items}.values()) for items in (one, other)
        )
    if len(one) != len(other) or len(one) > MOST_ITEMS:
        return False, "items"
    shapes = {(answer.opening, answer.closing), (gold.opening, gold.closing)}
    if answer.opening and gold.opening:
        if len(shapes) > 1 and (len(one) == 2 or r"\{" in brackets):
            return False, "brackets"
    elif shapes & {("(", "]"), ("[", ")")}:  # a half-open interval is no list
        return False, "brackets"
    names = [[canonical(chain(item).name) for item in items] for items in (one, other)]
    if all(all(group) and len(set(group)) == len(group) for group in names) and not brackets:
        return _matched(one, other, options), "items"
    if not all(all(group) for group in names):  # only one side names its values
        (one, counts), (other, due) = _by_name(one, gold), _by_name(other, answer)
        if one is None or other is None:
            return False, "items"
        ordered = ordered or counts or due
        one, other = ([chain(item).values[0] for item in items] for items in (one, other))
    if ordered:
        return all(equal(*pair, options)[0] for pair in zip(one, other, strict=True)), "items"
    return _matched(one, other, options), "items"
