r"""Tells the imaginary unit from a variable, and writes it as i.

`i` or `j` is the imaginary unit of a formula in which it is the only letter beside e: in 2 + 3j, but not in 2i + 3j,
which is a vector, nor in aj + b. `\mathrm{j}`, `\jmath` and `ⅉ` are as good as `\mathrm{i}`, `\imath` and `ⅈ`. A gold
3j without a real part may be a variable; only 3j answers it.
"""

import re

from cogito_pl.rewards.verifier.parsing.latex import tidy

_NAME = re.compile(r"(?:^|(?<=[,;])|(?<=or)|(?<=and))\s*(?:[A-Za-z]|\\omega)(?:_\{?\d\}?)?\s*=")
_COMMAND = re.compile(r"\\[a-zA-Z]+|\b(?:and|or)\b")
_INDEXED = re.compile(r"\\(?:sum|prod|int|binom|sigma)(?![a-z])|[_\[|]")
_UPRIGHT = re.compile(r"\\(?:mathrm|text|operatorname) ?\{ ?j ?\}|\\jmath(?![a-z])|\u2149")
_LETTER = re.compile(r"\\[a-zA-Z]+|\b(?:and|or)\b|[a-zA-Z]")
_SUM = re.compile(r"\S\s*(?:[-+]|\\[pm]p?m)|\^")


def unit(text: str) -> str:
    """The letter i or j where it is the imaginary unit of a tidied formula, empty where there is none."""
    letters = set(re.findall("[A-Za-z]", _COMMAND.sub(" ", _NAME.sub(" ", text)))) - {"e"}
    return letters.pop() if len(letters) == 1 and letters <= {"i", "j"} and not _INDEXED.search(text) else ""


def _with(text: str, letter: str, other: str) -> str:
    """A formula with another letter in the place of one, where that stands for itself."""
    return _LETTER.sub(lambda found: other if found[0] == letter else found[0], text)


def one_unit(answer: str, gold: str) -> tuple[str, str]:
    """Both formulas with i for the imaginary unit, where one of them writes it j.

    Args:
        answer: The formula of the response.
        gold: The gold formula, which decides whether its letter is the imaginary unit.

    Returns:
        The two formulas, tidied where that changed them; themselves where j is a variable.
    """
    if "j" not in answer + gold and "\u2149" not in answer + gold:
        return answer, gold
    one, other = tidy(answer), tidy(gold)
    units = unit(one), unit(other)
    alike = units == ("j", "j") or units == ("j", "i")
    if alike or (units == ("i", "j") and (_UPRIGHT.search(gold) or _SUM.search(other))):
        return _with(one, "j", "i"), _with(other, "j", "i")
    return answer, gold


def computable(answer: str, gold: str) -> tuple[str, str]:
    """Both tidied formulas with the imaginary unit as `I`, the letter that Math-Verify computes with."""
    units = {unit(text) or _LETTER.sub("", text) != _COMMAND.sub("", text) for text in (answer, gold)}
    powers = re.search(r"i ?\}? ?\^", answer + " " + gold)  # Math-Verify reads I^2 as I
    if powers or "i" not in units or not units <= {"i", False}:
        return answer, gold
    return _with(answer, "i", "I"), _with(gold, "i", "I")
