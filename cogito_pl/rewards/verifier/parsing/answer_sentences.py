"""Finds the value that a sentence of prose states.

A value is taken from prose only where grammar points at it: right after a verb of being ("the area is 12 cm"), in
bold, at the end of a named or concluding sum ("so 3 + 4 = 7"), or as the only quantity of a sentence that concludes
("Therefore there are 12 ways") or that says what someone has or needs. Negated, conditional and doubting sentences
state nothing.
"""

# ruff: noqa: RUF001

import re
from collections.abc import Iterator

from cogito_pl.rewards.verifier.parsing.answer_phrases import (
    CONCLUDES,
    CORRECTS,
    DOUBTS,
    HAS,
    POLITE,
    RELATIVE,
    STATES,
    UNSURE,
)
from cogito_pl.rewards.verifier.parsing.delimiters import DELIMITED, SPAN, unwrapped

_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？।\n]")
_FORMULA_END = (("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)"), ("$", "$"))
_ASIDE = re.compile(
    r"[,;]\s+(?!(?:and|or|et|und)\b)(?=[a-zà-ÿ]{2})|[,，]\s*(?=不|而|因)|,?\s+(?:i\.e|e\.g)\b|\s+[-–—]+\s+(?=[^\W\d_]{2})"
    r"|\s(?:because|since|which|as|so|when|where|not|rather than|instead of|but|by)\b|\s*\((?=[a-zà-ÿ]{2,}[\s.)]|≈)"
)
_REMARK = re.compile(r"[（(][^()（）\d\\]{2,60}[)）]")
_NEGATED = re.compile(r"(?:not|isn't|n't|neither|unknown)\b", re.IGNORECASE)
_RATHER = re.compile(r"not\b(?! but)[^.]{0,60}?\bbut\b(.+)", re.IGNORECASE)
_AMOUNT = re.compile(
    r"\s+(?:(?:about|approximately|exactly|only|a total of|encore|déjà|environ)\s+)?(?=[-$€£¥]?\d)", re.IGNORECASE
)
_JOINED = re.compile(r"[^.]{0,30}?\b(?:and|or|to|et|ou)\b\s*[$€£]?\d")
_QUANTITY = re.compile(
    r"(?<![A-Za-z0-9_.,^\\])[$€£¥]?-?(?:\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?:/\d+)?(?![\d.,]*\d)"
    r"(?! ?(?:\^ ?\{?)?(?:\\[a-z]+ ?\{ ?)?(?:st|nd|rd|th)\b)\s?(?:\\?%)?(?!\^)"
)
_SUM = re.compile(r"(?P<left>[\d.,%$€£ ]+(?:[-+*/×÷·][\d.,%$€£ ]+)+)=\s*(?P<value>[-$€£]?\d[^=]*)$")
_NAMED = re.compile(r"[^\W\d_]\w*\s*=\s*$")


def clause(text: str) -> str:
    r"""The first formula or sentence of what follows a marker."""
    text = text.lstrip(" \t\n\r*:：#").replace("**", "")
    for left, right in _FORMULA_END:
        if text.startswith(left) and (end := text.find(right, len(left))) > 0:
            rest = _SENTENCE_END.split(text[end + len(right) :], maxsplit=1)[0]
            return text[: end + len(right)] + (rest if len(rest) < 60 else "")
    return _SENTENCE_END.split(text, maxsplit=1)[0].strip()


def corrected(text: str) -> bool:
    """Whether a text takes back what was said before it: "Wait, no: ..."."""
    return bool(CORRECTS.search(text[:SPAN]))


def without_aside(text: str) -> str:
    """A stated value without the explanation after it."""
    return _ASIDE.split(text, maxsplit=1)[0].strip()


def closing(text: str) -> str:
    """The last sentence that is no courtesy, at most 400 characters of it; empty when there is none."""
    parts = (part.strip() for part in reversed(_SENTENCE_END.split(text[-SPAN:])))
    return next((part[-400:] for part in parts if part.strip(" *$.") and not POLITE.match(part)), "")


def _only_quantity(sentence: str) -> str | None:
    formulas = DELIMITED.findall(sentence)
    if formulas:
        alone = len(formulas) == 1 and not re.search(r"\d", sentence.replace(formulas[0], ""))
        return formulas[0] if alone else None
    found = _QUANTITY.findall(sentence)
    if len(found) != 1 or len(re.findall(r"\d+", sentence)) != len(re.findall(r"\d+", found[0])):
        return None
    return found[0].strip()


def _had(sentence: str) -> str | None:
    """The quantity right after a verb of having, when no second one is joined to it."""
    verb = HAS.search(sentence)
    amount = _AMOUNT.match(sentence, verb.end()) if verb else None
    found = _QUANTITY.match(sentence, amount.end()) if amount else None
    return found[0].strip() if found and not _JOINED.match(sentence, found.end()) else None


def _weak(sentence: str, concluding: bool) -> str | None:
    """The quantity of a sentence that concludes or says what someone has, unless it doubts, denies or compares."""
    if DOUBTS.search(sentence) or RELATIVE.search(sentence):
        return None
    last = max((found.start() for found in CONCLUDES.finditer(sentence)), default=-1)
    if (last >= 0 or concluding) and (only := _only_quantity(sentence[max(last, 0) :])):
        return only
    had = None if DELIMITED.search(sentence) else _had(sentence)
    return had if had and (concluding or _only_quantity(sentence)) else None


def values(sentence: str, concluding: bool = False) -> Iterator[str]:
    """The value that a sentence states.

    Args:
        sentence: One sentence.
        concluding: Whether the sentence is marked as the answer.

    Yields:
        Readings of the value, surest first; nothing where grammar points at none.
    """
    sentence = sentence[-400:]
    bold = re.findall(r"\*\*([^*]+)\*\*", sentence)
    if len(bold) == 1:
        yield bold[0].strip(" :")
    plain = _REMARK.sub("", sentence).replace("**", "")
    if not UNSURE.search(plain):
        for part in dict.fromkeys((plain, without_aside(plain))):
            if verbs := list(STATES.finditer(part)):
                stated = part[verbs[-1].end() :].strip(" :：")
                yield stated
                yield without_aside(stated)
    total = _SUM.search(plain)
    if total and (concluding or CONCLUDES.search(plain) or _NAMED.search(plain[: total.start("left")])):
        yield total["value"].strip()
    if quantity := _weak(plain, concluding):
        yield quantity


def readings(text: str, marked: bool) -> Iterator[str]:
    """The texts in which a place may state its value, surest first.

    Args:
        text: What the place holds.
        marked: Whether it follows a marker, so that an explanation may come after the value.

    Yields:
        Readings without enclosing signs; nothing for a negation such as "not 5".
    """
    if not marked:
        yield unwrapped(text).removesuffix(".")
        return
    said = clause(text)
    if rather := _RATHER.match(said):
        said = rather[1].strip()
    if not _NEGATED.match(said):
        said = re.sub(r"\s*(?:\((?:or|i\.e\.|approx\w*|about|≈)[^()]*\)|,?\s+(?:i\.e|e\.g))\s*$", "", said)
        for reading in dict.fromkeys((said, without_aside(said), without_aside(said).split("=")[0])):
            yield unwrapped(reading).removesuffix(".")
