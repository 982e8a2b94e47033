"""Rules on what the form of a gold decides (docs/rewards.md), on pairs whose verdicts follow from how they are made."""
# ruff: noqa: RUF001

import random
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest

from cogito_pl.rewards import grade

Pair = tuple[str, str, str, bool]
"""Kind, answer, gold, and whether the answer is correct."""

SMALL = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen",
]  # fmt: skip
FIRSTS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
]  # fmt: skip
TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety"}


def other(random_: random.Random, items: list, but: object) -> object:
    return random_.choice([item for item in items if item != but])


def shuffled(random_: random.Random, items: list) -> list:
    """The items in another order than they are in."""
    while (mixed := random_.sample(items, len(items))) == items:
        pass
    return mixed


def number(value: Fraction, random_: random.Random) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    sign = "-" * (value < 0)
    fraction = rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return random_.choice([fraction, str(float(value))])


def interval(ends: tuple[Fraction, bool, Fraction, bool], random_: random.Random) -> str:
    low, low_closed, high, high_closed = ends
    return f"{'(['[low_closed]}{number(low, random_)}, {number(high, random_)}{')]'[high_closed]}"


def inequality(ends: tuple[Fraction, bool, Fraction, bool], random_: random.Random) -> str:
    low, low_closed, high, high_closed = ends
    one, two, name = number(low, random_), number(high, random_), random_.choice("xty")
    signs = random_.choice([("<", r"\le"), ("<", r"\leq"), ("<", "≤"), ("<", "<=")])
    up = f"{one} {signs[low_closed]} {name} {signs[high_closed]} {two}"
    below = {"<": ">", r"\le": r"\ge", r"\leq": r"\geq", "≤": "≥", "<=": ">="}
    down = f"{two} {below[signs[high_closed]]} {name} {below[signs[low_closed]]} {one}"
    both = rf"{name} {below[signs[low_closed]]} {one} \text{{ and }} {name} {signs[high_closed]} {two}"
    return random_.choice([up, up, down, rf"\{{{name} \mid {up}\}}", both])


def inequalities(random_: random.Random) -> Iterator[Pair]:
    low = Fraction(random_.randint(-20, 20), random_.choice([1, 1, 2, 4]))
    ends = (low, random_.random() < 0.5, low + random_.randint(1, 9), random_.random() < 0.5)
    changed = random_.choice(
        [
            (ends[0], not ends[1], *ends[2:]),
            (*ends[:3], not ends[3]),
            (ends[0] - 1, *ends[1:]),
            (*ends[:2], ends[2] + 1, ends[3]),
        ]
    )
    for made, correct in ((ends, True), (changed, False)):
        if ends[1] or ends[3]:  # a gold with a square bracket is an interval and nothing else
            yield "math", inequality(made, random_), interval(ends, random_), correct
        name = random_.choice("xty")
        signs = [r"\le" if closed else "<" for closed in (ends[1], ends[3])]
        gold = f"{number(ends[0], random_)} {signs[0]} {name} {signs[1]} "
        yield "math", interval(made, random_), gold + number(ends[2], random_), correct
    yield (
        "math",
        inequality(ends, random_),
        rf"x \in {interval(ends, random_)}",
        False,
    )  # the gold asks for the notation
    if not ends[1] and not ends[3]:
        yield "math", inequality(ends, random_), interval(ends, random_), False  # the gold may be a point
    yield "math", f"2x > {2 * ends[0]}", rf"({number(ends[0], random_)}, \infty)", False  # not solved


def unions(random_: random.Random) -> Iterator[Pair]:
    low = random_.randint(-9, 9)
    high, closed = low + random_.randint(1, 9), random_.random() < 0.5
    sign, bracket, other_sign = (r"\le", "]", "<") if closed else ("<", ")", r"\le")
    gold = rf"(-\infty, {low}{bracket} \cup ({high}, \infty)"
    sides = [f"x {sign} {low}", f"x > {high}"]
    if random_.random() < 0.5:
        sides.reverse()
    yield "math", r" \text{ or } ".join(sides), gold, True
    yield "math", " or ".join(f"${side}$" for side in sides), gold, True
    yield "math", gold, " or ".join(sides), True
    yield "math", r" \text{ and } ".join(sides), gold, False
    yield "math", r" \text{ and } ".join(sides), " or ".join(reversed(sides)), False
    yield "math", " or ".join((f"x {other_sign} {low}", f"x > {high}")), gold, False
    yield "math", sides[0], gold, False
    yield "math", f"{low} < x {sign} {high}", gold, False
    yield "math", rf"x \ne {low}", rf"(-\infty, {low}) \cup ({low}, \infty)", True
    yield "math", rf"x \ne {high}", rf"(-\infty, {low}) \cup ({low}, \infty)", False


def orders(random_: random.Random) -> Iterator[Pair]:
    figures = [str(n) for n in random_.sample(range(-30, 99), random_.randint(2, 5))]
    mixed = shuffled(random_, figures)
    yield "math", ", ".join(mixed), ", ".join(figures), True
    yield "math", rf"\{{{', '.join(mixed)}\}}", rf"\{{{', '.join(figures)}\}}", True
    yield "math", f"({', '.join(mixed)})", f"({', '.join(figures)})", False
    yield "math", ", ".join([*mixed, mixed[0]]), ", ".join([*figures, mixed[1]]), False  # one more of another value
    yield "math", ", ".join([*mixed, mixed[0]]), ", ".join(figures), False
    yield "math", rf"\{{{', '.join([*mixed, mixed[0]])}\}}", rf"\{{{', '.join(figures)}\}}", True
    points = [f"({one}, {two})" for one, two in zip(figures, mixed, strict=True)]
    yield "math", ", ".join(shuffled(random_, points)), ", ".join(points), True
    one, two, three = random_.sample(range(-30, 99), 3)
    named = [f"x = {one}", f"y = {two}", f"z = {three}"]
    yield "math", ", ".join(shuffled(random_, named)), f"({one}, {two}, {three})", True
    yield "math", f"x = {two}, y = {one}", f"({one}, {two})", False
    yield "math", f"y = {one}, x = {two}", f"({one}, {two})", False
    yield "math", f"b = {one}, a = {two}", f"({one}, {two})", False
    yield "math", f"{two}, {one}", f"x = {one}, y = {two}", False
    yield "math", f"{one}, {two}", f"x = {one}, y = {two}", True
    yield "math", f"{two}, {one}", f"x_1 = {one}, x_2 = {two}", True


def sequences(random_: random.Random) -> Iterator[Pair]:
    letters = random_.sample("ABCDEFGHPQRS", random_.randint(3, 5))
    mixed = shuffled(random_, letters)
    forms = [", ", ",", r" \to ", " → ", "-", "; "]
    gold = random_.choice(forms).join(letters)
    yield "math", random_.choice(forms).join(letters), gold, True
    yield "math", random_.choice(forms).join(mixed), gold, False
    yield "math", rf"\{{{', '.join(mixed)}\}}", gold, False
    yield "math", rf"\{{{', '.join(mixed)}\}}", rf"\{{{', '.join(letters)}\}}", True
    small = [letter.lower() for letter in letters]
    yield "math", ", ".join(shuffled(random_, small)), ", ".join(small), False
    yield "math", f"{letters[0]} and {letters[1]}", f"{letters[1]} and {letters[0]}", True
    yield "math", "".join(mixed), "".join(letters), False
    yield "text", ",".join(letters), ", ".join(letters), True
    yield "text", ", ".join(mixed), ", ".join(letters), False
    chosen = sorted(random_.sample("ABCD", 3))
    yield "choice", ", ".join(shuffled(random_, chosen)), ", ".join(chosen), True
    yield "choice", ", ".join(chosen[:2]), ", ".join(chosen), False


def cardinal(n: int) -> str:
    return SMALL[n - 1] if n <= 17 else TENS[n - n % 10] + (f"-{SMALL[n % 10 - 1]}" if n % 10 else "")


def ordinal(n: int) -> str:
    if n <= 17:
        return FIRSTS[n - 1]
    return f"{TENS[n - n % 10]}-{FIRSTS[n % 10 - 1]}" if n % 10 else TENS[n][:-1] + "ieth"


def ordinals(random_: random.Random) -> Iterator[Pair]:
    values = [n for n in range(1, 100) if n not in (18, 19)]
    n = random_.choice(values)
    m = other(random_, values, n)

    def written(n: int) -> list[str]:
        ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
        return [
            f"{n}{ending}",
            rf"{n}^{{\text{{{ending}}}}}",
            rf"{n}\text{{{ending}}}",
            ordinal(n),
            f"{n}^{{{ending}}}",
        ]

    for kind in ("text", "math"):
        gold, answer, wrong = (random_.choice(written(value)) for value in (n, n, m))
        if kind == "text":
            gold = random_.choice([f"{ordinal(n)}", ordinal(n).title(), written(n)[0]])
        yield kind, answer, gold, True
        yield kind, wrong, gold, False
        yield kind, random_.choice([str(n), cardinal(n)]), gold, False
        yield kind, answer, random_.choice([str(n), cardinal(n)]), False
    yield "number", random_.choice(written(n)), str(n), False
    yield "number", cardinal(n), str(n), True
    if n > 20 and n % 10 > 2:  # twenty-fifth is not 20 fifths
        yield "number", ordinal(n), str(Fraction(n - n % 10, n % 10)), False
    if 2 < n <= 10:
        part = "quarter" if n == 4 else ordinal(n)
        yield "number", f"{SMALL[n - 2]} {part}s", f"{n - 1}/{n}", True
        yield "number", f"{SMALL[n - 2]} {part}", f"{n - 1}/{n}", n == 2


def commas(random_: random.Random) -> Iterator[Pair]:
    whole, digits = random_.randint(0, 999), random_.choice(["5", "25", "75", "07", "125", "4321"])
    point, comma, spaced = f"{whole}.{digits}", f"{whole},{digits}", f"{whole}, {digits}"
    thousands = len(digits) == 3 and whole
    for kind in ("number", "math"):
        yield kind, comma, point, not thousands
        yield kind, comma, f"{whole}{digits}", bool(thousands)
        yield kind, spaced, point, False
        yield kind, f"{whole}{digits}", point, False
    yield "math", f"{comma} cm", f"{point} cm", not thousands
    if not digits.startswith("0"):
        yield "math", spaced, f"{digits}, {whole}", True
        yield "math", comma, spaced, True
        yield "math", point, spaced, False
    one, two = random_.sample(range(1, 99), 2)
    yield "math", f"({one},5; {two},25)", f"({one}.5, {two}.25)", True
    yield "math", f"({two},25; {one},5)", f"({one}.5, {two}.25)", False
    yield "math", f"{two},25; {one},5", f"{one}.5, {two}.25", True
    yield "math", f"({one},5)", f"{one}.5", False
    yield "math", f"({one},5)", f"({one}, 5)", True
    yield "math", rf"\{{{one},5\}}", f"{one}.5", False
    yield "number", f"{one}.{two + 100},5", f"{one}{two + 100}.5", True
    yield "number", f"{one} {two + 100},5", f"{one}{two + 100}.5", True
    yield "number", f"{one}’{two + 100}", f"{one}{two + 100}", True


UNITS = ["i", "j", r"\mathrm{i}", r"\mathrm{j}", r"\imath ", r"\jmath ", r"\text{i}", "ⅈ", "𝑖"]


def imaginary(random_: random.Random) -> Iterator[Pair]:
    a, b = random_.sample(range(2, 30), 2)
    unit, mine = random_.choice(UNITS), random_.choice(UNITS)
    gold = f"{a} + {b}{unit}"
    yield "math", random_.choice([f"{a}+{b}{mine}", f"{b}{mine} + {a}", f"z = {a} + {b}{mine}"]), gold, True
    yield "math", f"{a} - {b}{mine}", gold, False
    yield "math", f"{b} + {a}{mine}", gold, False
    yield "math", f"{a} + {b}{random_.choice(['k', 'x', 'n', 'I', 'l', ''])}", gold, False
    yield "math", rf"{a} \pm {b}{mine}", f"{a} + {b}i, {a} - {b}i", True
    yield "math", rf"{a} \pm {b}{mine}", f"{a} + {b}i", False
    yield "math", f"{a}{random_.choice(UNITS)}", f"{a}i", True
    yield "math", f"{a}i", f"{a}j", False  # j may be a variable
    yield "math", f"{b}i + {a}j", f"{a}i + {b}j", False  # i and j of a vector
    yield "math", f"{a}j + {b}i", f"{b}i + {a}j", True
    yield "math", rf"e^{{{mine}\pi/{a}}}", rf"e^{{i\pi/{a}}}", True
    yield "math", rf"e^{{-{mine}\pi/{a}}}", rf"e^{{i\pi/{a}}}", False
    yield "math", rf"\sqrt{{-{a}}}", rf"i\sqrt{{{a}}}", True
    yield "math", rf"\sqrt{{{a}}}", rf"i\sqrt{{{a}}}", False
    yield "math", f"{a}i^2", f"{a}i", False


def figures(random_: random.Random) -> Iterator[Pair]:
    p, q, r, s, t, u = random_.sample("ABCDEFGHKLMNPQRSTUVW", 6)
    angle, value = random_.choice([r"\angle ", "∠", r"m\angle ", "angle ", r"\text{angle }"]), random_.randint(10, 80)
    yield "math", f"{angle}{r}{q}{p}", rf"\angle {p}{q}{r}", True
    for wrong in (f"{q}{p}{r}", f"{p}{r}{q}", f"{p}{q}{s}"):
        yield "math", angle + wrong, rf"\angle {p}{q}{r}", False
    yield "math", rf"{angle}{r}{q}{p} = {value}^\circ", rf"\angle {p}{q}{r} = {value}^\circ", True
    yield "math", rf"{angle}{p}{r}{q} = {value}^\circ", rf"\angle {p}{q}{r} = {value}^\circ", False
    segment = random_.choice([f"{q}{p}", rf"\overline{{{q}{p}}}", f"segment {q}{p}"])
    yield "math", segment, random_.choice([p + q, rf"\overline{{{p}{q}}}"]), True
    yield "math", segment, random_.choice([p + r, rf"\overline{{{q}{r}}}"]), False
    yield "math", f"{q}{p} = {value}", f"{p}{q} = {value}", True
    yield "math", f"{q}{r} = {value}", f"{p}{q} = {value}", False
    for arrow in (r"\overrightarrow", r"\vec"):
        yield "math", f"{arrow}{{{p}{q}}}", rf"\vec{{{p}{q}}}", True
        yield "math", f"{arrow}{{{q}{p}}}", rf"\vec{{{p}{q}}}", False
    yield "math", f"{p}'{q}", f"{p}{q}'", False
    yield "math", f"{q}'{p}'", f"{p}'{q}'", True
    yield "math", f"v_{{{q}{p}}}", f"v_{{{p}{q}}}", False
    yield "math", rf"\overleftrightarrow{{{q}{p}}}", rf"\overleftrightarrow{{{p}{q}}}", True
    corners = random_.sample([0, 1, 2], 3)
    one, two = [(p, q, r)[n] for n in corners], [(s, t, u)[n] for n in corners]
    yield "math", rf"\triangle {''.join(one)}", rf"\triangle {p}{q}{r}", True
    yield "math", rf"\triangle {p}{q}{s}", rf"\triangle {p}{q}{r}", False
    yield "math", "".join((r, q, p)), p + q + r, False  # without a sign it may be a word
    for relation in (r"\cong", r"\sim"):
        gold = rf"\triangle {p}{q}{r} {relation} \triangle {s}{t}{u}"
        yield "math", rf"\triangle {''.join(two)} {relation} \triangle {''.join(one)}", gold, True
        yield "math", rf"\triangle {p}{q}{r} {relation} \triangle {t}{s}{u}", gold, False
    for relation in (r"\parallel", r"\perp", r"\cong"):
        yield "math", f"{s}{r} {relation} {q}{p}", f"{p}{q} {relation} {r}{s}", True
        yield "math", f"{p}{r} {relation} {q}{s}", f"{p}{q} {relation} {r}{s}", False
    yield "math", rf"\angle {s}{t}{u} and \angle {r}{q}{p}", rf"\angle {p}{q}{r}, \angle {s}{t}{u}", True


def cases(random_: random.Random) -> Iterator[Pair]:
    n, letter = random_.randint(2, 9), random_.choice("abdfghkmnpqrstuvwxyz")
    for form in ("{}", "{}^2", r"\frac{{{}}}{{3}}", "f({})", r"\log {}", "{} = 5", r"\text{{{}}}"):
        yield "math", form.format(letter.upper()), form.format(letter), False
        yield "math", form.format(letter), form.format(letter.upper()), False
    greek = random_.choice(["delta", "sigma", "omega", "phi", "theta", "gamma", "lambda"])
    yield "math", rf"{n}\{greek.title()}", rf"{n}\{greek}", False
    yield "math", rf"{n}{letter} + {n + 1}\{greek}", rf"{n + 1}\{greek} + {n}{letter}", True
    product = letter + random_.choice("xyb") + random_.choice(["", "^2"])
    for answer, gold in ((n, f"{n}{product}"), (f"{n}{product}", n), (f"{n} {product}", n)):
        yield "math", str(answer), str(gold), False  # no unit
    yield "number", f"{n} {random_.choice(['men', 'cats', 'cups', 'apples'])}", str(n), True
    yield "math", rf"{n}\text{{ {letter}x}}", str(n), True
    unit = random_.choice(["W", "V", "A", "Hz", "Pa", "J", "N", "g", "m", "L"])
    for kind in ("number", "math", "chart"):
        milli, mega = f"{n} m{unit}", f"{n} M{unit}"
        yield kind, mega, milli, False
        yield kind, milli, mega, False
        yield kind, milli, f"{n / 1000} {unit}", True
        yield kind, mega, f"{n * 10**6} {unit}", True
    word = random_.choice(["Paris", "harbour", "STOP", "Mercury", "yes", "no", "Exit"])
    for kind in ("text", "math"):
        yield kind, random_.choice([word.upper(), word.lower(), word.title()]), word, True
    yield "text", letter.upper(), letter, False
    genotype = random_.choice(
        [(letter + letter, letter.upper() + letter), (letter.upper() * 2, letter.upper() + letter)]
    )
    for answer, gold in (genotype, genotype[::-1]):
        yield "text", answer, gold, False
        yield "text", gold, gold, True
    yield "text", *random_.choice([("Co", "CO"), ("CO", "Co"), ("Sc", "SC"), ("HF", "Hf")]), False
    label = random_.choice("ABCD")
    yield "choice", random_.choice([label.lower(), f"({label.lower()})", f"{label.lower()}."]), label, True
    yield "choice", other(random_, list("abcd"), label.lower()), label, False


RULES: dict[Callable[[random.Random], Iterator[Pair]], int] = {
    inequalities: 40, unions: 20, orders: 20, sequences: 20, ordinals: 25, commas: 12, imaginary: 14, figures: 10,
    cases: 8,
}  # fmt: skip
"""How often each rule makes its pairs: two to three hundred of each."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_pairs_made_correct_are_correct_and_pairs_made_wrong_are_not(rule):
    random_ = random.Random(29)
    pairs = [pair for _ in range(RULES[rule]) for pair in rule(random_)]
    forms = random_.choices(
        ["<answer>{}</answer>", r"So \boxed{{{}}}.", "**Answer:** {}", "The answer is {}."], k=len(pairs)
    )
    asked = [(form.format(answer), gold, kind) for form, (kind, answer, gold, _) in zip(forms, pairs, strict=True)]
    verdicts = [grade(*request) for request in asked]
    failed = [(*pair, found) for pair, found in zip(pairs, verdicts, strict=True) if found.correct != pair[3]]
    assert len(pairs) >= 200
    assert 0.25 < sum(correct for *_, correct in pairs) / len(pairs) < 0.75
    assert not failed, failed[:10]
