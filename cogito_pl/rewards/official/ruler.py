r"""How MathRuler 0.1.0 compares an answer with its gold, which two of the papers' rewards build on.

Written from a description of its rules, not from its code, so that it is no dependency (its wheel declares none of the
packages it needs). The verdicts are those of MathRuler on 384 of 399 public pairs of answer and gold; the rest are rare
notation, such as mixed numbers, which it reads with a package that is not used here.

What it gets wrong: an integer gold must be met digit by digit (`2+2` is not 4, `10^6` not 1000000); two fractions are
compared as they are written (`2/4` is not `1/2`); a decimal has no tolerance (`0.333333` is not `1/3`), while any
number within 1e-7 of an integer is that integer; powers in braces are never computed; units are dropped, whatever they
are; and a response without a box states the answer "None".
"""

import re

MISSING = "None"
"""The answer of a response without a box."""

_UNITS = re.compile(
    r"(?:degrees?|cm|centimeters?|meters?|miles?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|foot|feet|"
    r"inch(?:es)?|yards?)(?:\^?\{?\d\}?)?"
)
_BRACKETS = "()[]"
_PLAIN = re.compile(r"(?:sqrt\(|pi|[a-z]|\d+(?:\.\d*)?|\.\d+|[-+*/^()])+")
"""What sympy's parser gets to see, since it evaluates what it parses: no names but these, no attributes, no strings."""


def last_box(text: str) -> str:
    r"""The content of the last `\boxed{...}` with balanced braces, "None" when there is none."""
    start = text.rfind(r"\boxed{")
    if start < 0:
        return MISSING
    depth = 0
    for at in range(start + len(r"\boxed"), len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start + len(r"\boxed{") : at].strip()
    return MISSING


_SPELLING = (
    (r"\\!|\\(?:left|right)(?![a-z])|\^\{?\\circ\}?|\\?[$%]", ""),
    (r"\\text\w*\{\s+[^{}]*\}$", ""),  # a unit
    (r"\\[dt]frac", r"\\frac"),
    (r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}"),
    (r"\\sqrt\s*(\w)", r"\\sqrt{\1}"),
    (r"\s", ""),
    (r"(?<![\d.])\.(?=\d)", "0."),
    (r"^[^=]{1,2}=(?=[^=]+$)", ""),  # x =
    (r"^(-?\d+)/(-?\d+)$", r"\\frac{\1}{\2}"),
)


def spelt(text: str) -> str:
    r"""LaTeX spelt one way: `\frac13` and `1/3` as `\frac{1}{3}`, without spacing, a unit in `\text`, or `x =`."""
    text = last_box(text) if text.lstrip().startswith(r"\boxed{") else text
    for pattern, replacement in _SPELLING:
        text = re.sub(pattern, replacement, text.replace("\\\\", "\\"))
    return text


def normalised(text: str) -> str:
    """A formula without units, currency, percent signs, spaces and case; integers without decimals."""
    text = re.sub(r"^\\text\{(.+)\}$", r"\1", text.strip())
    text = text.replace(r"\%", "").replace("%", "").replace(r"\$", "").replace("$", "")
    text = text.replace(" or ", " , ").replace(" and ", " , ")
    for word, power in (("million", 6), ("billion", 9), ("trillion", 12)):
        text = text.replace(word, f"*10^{power}")
    text = re.sub(r"\^\s*\\circ|\^\s*\{\s*\\circ\s*\}", "", _UNITS.sub("", text))
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    text = re.sub(r",\\! *", "", text)
    number = _number(text)
    if number is not None and abs(number - round(number)) <= 1e-7:
        text = str(round(number))
    text = re.sub(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    text = re.sub(r"\\[dt]?frac(\d)(\d)", r"((\1)/(\2))", text)
    text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text).replace(r"\pi", "pi")
    text = re.sub(r"\\(?:left|right)", "", text)
    text = re.sub(r"- *", "-", text.replace(" ", "").replace("{", "").replace("}", "")).lower()
    number = _number(text)
    return str(round(number)) if number is not None and number == round(number) else text


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None


def same(answer: str, gold: str) -> bool:
    """Whether an answer is its gold, by MathRuler's rules."""
    if spelt(answer) == spelt(gold):
        return True
    left, right = normalised(answer), normalised(gold)
    if left == right:
        return True
    if not left or not right:
        return False
    lefts, rights = _elements(left), _elements(right)
    brackets = left[0] + left[-1], right[0] + right[-1]
    if len(lefts) != len(rights) or (len(rights) > 1 and brackets[0] != brackets[1]):
        return False
    return all(_same_element(one, other) for one, other in zip(lefts, rights, strict=True))


def _elements(text: str) -> list[str]:
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    wrapped = len(text) > 2 and text[0] in _BRACKETS and text[-1] in _BRACKETS
    return text[1:-1].split(",") if wrapped and "," in text else [text]


def _same_element(answer: str, gold: str) -> bool:
    fraction = r"-?\(?\(?-?\d+\)?/\(?-?\d+\)?\)?"
    if re.fullmatch(fraction, answer) and re.fullmatch(fraction, gold):
        return answer == gold
    if answer == gold:
        return True
    return not re.fullmatch(r"-?\d+", gold) and _symbolically(answer, gold)


def _symbolically(answer: str, gold: str) -> bool:
    for text in (answer, gold):
        letters = set(re.sub(r"sqrt|pi", "", text)) & set("abcdefghijklmnopqrstuvwxyz")
        if len(letters) > 2 or not _PLAIN.fullmatch(text) or re.search(r"\^\(|\^\d{2}|\^\d+\^", text):
            return False
    from sympy import simplify
    from sympy.parsing import sympy_parser as parser

    how = (*parser.standard_transformations, parser.implicit_multiplication_application)
    try:
        read = [parser.parse_expr(text.replace("^", "**"), transformations=how) for text in (answer, gold)]
        return bool(simplify(read[0] - read[1]) == 0)
    except Exception:  # sympy's parser raises whatever Python does
        return False
