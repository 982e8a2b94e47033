r"""Writes names of geometric figures in one way, so that names of the same figure are equal strings.

A segment, line or arc is named by its ends in either order (AB is BA), an angle by its vertex between two points (angle
ABC is CBA, and not ACB), a triangle by its corners in any order. Rays and vectors have a direction, and similar or
congruent triangles correspond corner by corner, so that their corners can only be reordered together. Parallel,
perpendicular and congruent figures can change sides.
"""

import re
from itertools import permutations

_POINT = r"[A-Z]'*"
_MARKED = re.compile(r"[A-Z] ?'*[A-Z]|[aA]ngle|\\(?:parallel|perp|cong)")
_WORDS = (
    (re.compile(rf"(?<![\\a-zA-Z])m ?(?=\\(?:measured)?angle ?\{{?{_POINT})"), ""),
    (re.compile(rf"(?<![\\a-zA-Z])(?:the )?(?:measure of )?[aA]ngle (?={_POINT})"), r"\\angle "),
    (re.compile(rf"(?<![\\a-zA-Z])(?:the )?[tT]riangle (?={_POINT * 3}(?![A-Za-z]))"), r"\\triangle "),
    (re.compile(rf"\\Delta ?(?={_POINT * 3}(?![A-Za-z]))"), r"\\triangle "),
    (re.compile(rf"(?<![\\a-zA-Z])(?:the )?(?:line )?[sS]egment (?={_POINT * 2}(?![A-Za-z]))"), ""),
    (re.compile(rf"(?<![\\a-zA-Z])(?:the )?(?:[sS]ide|[eE]dge|[cC]hord) (?={_POINT * 2}(?![A-Za-z]))"), ""),
    (re.compile(rf"(?<![\\a-zA-Z])(?:the )?[lL]ine ({_POINT * 2})(?![A-Za-z])"), r"\\overleftrightarrow{\1}"),
    (re.compile(r"\\(?:measuredangle|sphericalangle)(?![a-z])"), r"\\angle"),
    (re.compile(r"\\vec(?= ?\{[A-Z]{2}\})"), r"\\overrightarrow"),
)
_NAME = re.compile(
    rf"(?P<kept>\\(?:overrightarrow|overleftarrow|vec) ?\{{?{_POINT * 2}|(?<![a-zA-Z])(?:[rR]ay|[vV]ector) {_POINT * 2}"
    rf"|_ ?(?:\{{[^{{}}]*\}}|[A-Z]+)|[A-F]{{2}}(?=_))"
    rf"|\\(?P<command>angle|triangle) ?(?P<brace>\{{ ?)?(?P<three>{_POINT * 3})(?(brace) ?\}})(?![A-Za-z])"
    rf"|(?<![A-Za-z'\\])(?P<ends>{_POINT * 2}(?:{_POINT})?)(?![A-Za-z'])"
)
_TRIANGLES = re.compile(rf"\\triangle {_POINT * 3}(?: ?\\(?:cong|sim) ?\\triangle {_POINT * 3}){{1,2}}")
_SIDE = rf"(?:\\angle )?(?:{_POINT}){{2,3}}|[a-zA-Z]"
_SYMMETRIC = re.compile(rf"({_SIDE}) ?(\\(?:parallel|perp|cong)) ?({_SIDE})")
_OTHERWISE = re.compile("IV|VI|IX|XI|XL|LX|XC|CX|NO|ON")


def _read_both_ways(name: str) -> str:
    points = re.findall(_POINT, name)
    return min("".join(points), "".join(reversed(points)))


def _one_way(found: re.Match[str]) -> str:
    if found["command"]:
        sort = (
            _read_both_ways if found["command"] == "angle" else lambda name: "".join(sorted(re.findall(_POINT, name)))
        )
        return rf"\{found['command']} {sort(found['three'])}"
    ends, before = found["ends"] or "", found.string[: found.start()]
    three_under_hat = re.search(r"\\(?:widehat|overarc|hat) ?\{ ?$", before)
    if found["kept"] or _OTHERWISE.fullmatch(ends) or (len(re.findall(_POINT, ends)) == 3 and not three_under_hat):
        return found[0]
    return _read_both_ways(ends)


def _corresponding(found: re.Match[str]) -> str:
    """Similar or congruent triangles with their sides and corners in the first of all orders that say the same."""
    relation = re.search(r"\\(?:cong|sim)", found[0])[0]
    triangles = [re.findall(_POINT, name) for name in re.split(r"\\(?:cong|sim)|\\triangle", found[0]) if name.strip()]
    if len(set(re.findall(r"\\(?:cong|sim)", found[0]))) > 1:
        return found[0]
    orders = [sorted(zip(*order, strict=True)) for order in permutations(triangles)]
    return f" {relation} ".join(rf"\triangle {''.join(corners)}" for corners in zip(*min(orders), strict=True))


def one_way(text: str) -> str:
    """A formula with its names of figures written in one of the ways that mean the same.

    Args:
        text: LaTeX without delimiters, as `latex.tidy` writes it.

    Returns:
        The formula; itself where it names no figure.
    """
    if not _MARKED.search(text):
        return text
    for pattern, plain in _WORDS:
        text = pattern.sub(plain, text)
    statement = _TRIANGLES.fullmatch(re.sub(r"\\triangle ?\{? ?([A-Z']+) ?\}?", r"\\triangle \1", text).strip())
    if statement:
        return _corresponding(statement)
    text = _NAME.sub(_one_way, text)
    if both := _SYMMETRIC.fullmatch(text.strip()):
        first, second = sorted((both[1], both[3]))
        return f"{first} {both[2]} {second}"
    return text


def named(text: str) -> bool:
    """Whether a formula holds names or relations of figures that must not be taken for products of letters."""
    return bool(re.search(r"\\(?:angle|triangle|overleftrightarrow|widehat|overarc|parallel|perp|sim)(?![a-z])", text))
