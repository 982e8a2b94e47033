r"""Normalises how a formula is written in LaTeX and Unicode.

`tidy` gives Math-Verify what it can read: Unicode signs, `sqrt(2)`, `<=` and `x^(1/2)` become LaTeX, and the markup of
text is taken off. `canonical` goes on to drop whatever changes no meaning, so that equal strings are equal formulas.
"""
# ruff: noqa: RUF001

import re
import unicodedata

from cogito_pl.rewards.verifier.parsing.figure_names import one_way
from cogito_pl.rewards.verifier.parsing.ordinals import raised

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x2212: 0x2D, 0xA0: 0x20, 0x202F: 0x20}
_WIDE |= {code: unicodedata.normalize("NFKC", chr(code)) for code in (*range(0x1D400, 0x1D800), 0x2148, 0x2149)}
_SIGNS = {
    "√": r"\sqrt ", "π": r"\pi ", "∞": r"\infty ", "·": r"\cdot ", "⋅": r"\cdot ", "×": r"\times ", "÷": r"\div ",
    "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "±": r"\pm ", "∓": r"\mp ", "∈": r"\in ",
    "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ", "∖": r"\setminus ", "θ": r"\theta ", "α": r"\alpha ",
    "β": r"\beta ", "γ": r"\gamma ", "λ": r"\lambda ", "μ": r"\mu ", "°": r"^\circ ", "º": r"^\circ ", "∠": r"\angle ",
    "△": r"\triangle ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "∶": ":", "–": "-", "…": r"\ldots ",
    "→": r"\to ", "′": "'",
}  # fmt: skip
_RAISED = {**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)), "ⁿ": "n"}
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_VULGAR = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8", "⅙": "1/6"}

STYLE = re.compile(r"\\(?:text(?:bf|it|normal|rm|sf)?|mathrm|mathbf|mathit|mbox|operatorname|rm)\s*\{([^{}]*)\}")
_SPACE = re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|quad|qquad)(?![a-zA-Z])|(?<!\\)\\[,;: ]|[\s~]+")
_PLAIN = (
    (re.compile(r"<="), r"\\le "), (re.compile(r">="), r"\\ge "), (re.compile(r"!=(?!=)|\\neq(?![a-z])"), r"\\ne "),
    (re.compile(r"\\leq(?:slant)?(?![a-z])"), r"\\le "), (re.compile(r"\\geq(?:slant)?(?![a-z])"), r"\\ge "),
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree(?![a-z])"), r"^\\circ "),
    (re.compile(r"\\varnothing(?![a-z])"), r"\\emptyset "), (re.compile(r"\*\*"), "^"),
    (re.compile(r"(?<![\\a-zA-Z])(pi|theta|alpha|beta)(?![a-zA-Z])"), r"\\\1 "),
    (re.compile(r"(?<![\\a-zA-Z])(sin|cos|tan|cot|log|ln)(?![a-zA-Z])"), r"\\\1 "),
    (re.compile(r"(?<![\\a-zA-Z])(?:infinity|infty|inf)(?![a-zA-Z])"), r"\\infty "),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), r"\\frac"),
    (re.compile(r"\\(?:mathrm|rm) +([a-zA-Z])(?![a-zA-Z])"), r"\1"),
    (re.compile(r"\\([ij])math(?![a-z])"), r"\1"),
    (re.compile(r"\\langle(?![a-z])"), "("), (re.compile(r"\\rangle(?![a-z])"), ")"),
)  # fmt: skip
_ROWS = re.compile(r"\\begin\{(cases|aligned|align\*?|gathered|split)\}(.*?)\\end\{\1\}", re.DOTALL)
_SQRT = re.compile(r"(?<!\\)(?<![a-zA-Z])sqrt(?=\s*[({\d])|\\sqrt(?=\s*\()")
_REPEATING = re.compile(r"(?<![\d.])(\d*)\.(\d*)(?:\\(?:overline|bar|dot)\s*\{(\d+)\}|(\d)\u0307)")


def fold_width(text: str) -> str:
    """Full-width forms, the minus sign and odd spaces as ASCII; other compatibility characters untouched."""
    return unicodedata.normalize("NFC", text).translate(_WIDE)


def _braced(text: str, opening: int) -> str:
    """The text with the round brackets that open at a position made braces; itself when they do not close."""
    depth = 0
    for i in range(opening, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if not depth:
            return text[:opening] + "{" + text[opening + 1 : i] + "}" + text[i + 1 :]
    return text


def _unicode(text: str) -> str:
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ]+", lambda m: "^{" + "".join(_RAISED[c] for c in m[0]) + "}", text)
    text = re.sub("[₀₁₂₃₄₅₆₇₈₉]+", lambda m: "_{" + "".join(_LOWERED[c] for c in m[0]) + "}", text)
    text = re.sub(f"[{''.join(_VULGAR)}]", lambda m: " " + _VULGAR[m[0]], text)
    text = re.sub(r"√\s*(\d+|[a-zA-Z])", r"\\sqrt{\1}", text)
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def _repeating(found: re.Match[str]) -> str:
    """A repeating decimal as the fraction that it is: 0.1 with 6 overlined is (16 - 1) / 90."""
    whole, fixed, block = found[1] or "0", found[2], found[3] or found[4]
    top = int(whole + fixed + block) - int(whole + fixed)
    return rf"\frac{{{top}}}{{{'9' * len(block) + '0' * len(fixed)}}}"


def tidy(text: str) -> str:
    """A formula in the LaTeX that Math-Verify reads.

    Args:
        text: LaTeX or plain text, without delimiters; at most some thousand characters.

    Returns:
        The same formula with signs as LaTeX commands and without markup of text, spacing and sizes.
    """
    text = _unicode(fold_width(text)).replace(r"\!", "").replace(r"\$", "$").replace("$", "")
    text = re.sub(r"\s*\{\s*,\s*\}\s*", ",", re.sub(r"\\overline\{([A-Z]{2})\}", r"\1", text))
    text = _ROWS.sub(lambda rows: re.sub(r"\s*\\\\(?:\s*\\\\)*\s*", ", ", rows[2].strip(" \\").replace("&", "")), text)
    if r"\begin" not in text:
        text = re.sub(r"\\{2,}(?=[a-zA-Z{}])", r"\\", text)  # written with escapes doubled
    text = re.sub(r"(?<=[\d)}])(or|and)(?=[A-Z\d(\\])", r" \1 ", text)
    text = _REPEATING.sub(_repeating, text) if len(text) < 100 else text
    for _ in range(3):  # styles nest
        text = STYLE.sub(r" \1 ", text)
    text = _SPACE.sub(" ", text)
    for pattern, plain in _PLAIN:
        text = pattern.sub(plain, text)
    for _ in range(8):
        if found := _SQRT.search(text):
            opening = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())
            text = _braced(text[: found.start()] + r"\sqrt" + text[opening:], found.start() + 5)
        elif found := re.search(r"\^\s*\((?=[^()]*\))", text):
            text = _braced(text, found.end() - 1)
    return one_way(raised(text.strip()))


def _needed(found: re.Match[str]) -> str:
    before, after = found[1], found[2]
    digits, letters = before.isdigit() and after.isdigit(), before.isalpha() and after.isalpha()
    return before + " " * (digits or letters or (before == "," and after.isdigit()))


def canonical(text: str) -> str:
    r"""The form in which two formulas are compared as strings: `tidy`, without spaces and a full stop."""
    text = re.sub(r"(.) +(?=(.))", _needed, tidy(text).strip())  # "1 1/2" is not "11/2", nor "1, 234" a number
    text = re.sub(r"(?<=[\^_])\{(\w)\}", r"\1", re.sub(r"\\sqrt ?(\w)", r"\\sqrt{\1}", text))
    return re.sub(r"\\frac ?(\d)(\d)", r"\\frac{\1}{\2}", text).strip("* ").removesuffix(".")
