"""Sentences that state an answer. Knows a few verbs, conclusions and hedges; nothing of kinds of answers.

A value is taken from prose only where grammar points at it: right after a verb of being ("the area is 12 cm"), in
bold, at the end of a named or concluding sum ("so 3 + 4 = 7"), or as the only quantity of a sentence that concludes
("Therefore there are 12 ways") or that says what someone has or needs. Negated, conditional and doubting sentences
state nothing.
"""

import re
from collections.abc import Iterator

from cogito_pl.rewards.delimiters import DELIMITED, SPAN, unwrapped

_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？।\n]")
_FORMULA_END = (("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)"), ("$", "$"))
_POLITE = re.compile(r"^\W*(?:i hope|hope this|let me know|feel free|please|thank|good luck|if you)\b", re.IGNORECASE)
_ASIDE = re.compile(
    r"[,;]\s+(?=[^\W\d_]{2})|[,，]\s*(?=不|而|因)|\s(?:because|since|which|as|so|when|where|not|rather than|instead of|but|by)\b"
    r"|\s*\((?=[^\W\d_]{2,}\s)|\s+[-–—]+\s+(?=[^\W\d_]{2})",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|(?:must|should|will|to) be|was|were|equals|est(?: donc)?(?: de)?|sont|es|son|ist|sind|it's)\b\s*:?|是|为|等于",
    re.IGNORECASE,
)
_HAVING = re.compile(
    r"\b(?:has|have|had|needs?|costs?|weighs?|measures|takes?|gets?|contains?|there (?:is|are|were)|a|ont|aura|auront|"
    r"reste|coûte)\s+(?:(?:about|approximately|exactly|only|a total of|encore|déjà|environ)\s+)?(?=[-$€£¥]?\d)",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|consequently|in total|altogether|in conclusion|in all|donc|ainsi|en conclusion|"
    r"por lo tanto|entonces|daher|somit|insgesamt|итак)\b|(?:^|,)\s*so\b(?! far| that| many| much)"
    r"|所以|因此|总共|一共|共有|لذا|इसलिए",
    re.IGNORECASE,
)
_DOUBTS = re.compile(
    r"\b(?:if|whether|may|maybe|perhaps|might|can't|cannot|can not|unable|unclear|unknown|unsure|sure|impossible|assum\w+|"
    r"suppose|guess|let's|let me|check|verify|either|neither|not|no|never|none|should|would|pas|aucun|nicht|kein\w*)\b"
    r"|n't\b|[?？不没]",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:if|whether|maybe|perhaps|unclear|unsure|not sure|assum\w+|suppose|guess|let's|let me)\b|\?", re.I
)
_QUANTITY = re.compile(
    r"(?<![A-Za-z0-9_.,^\\])[$€£¥]?-?(?:\d{1,3}(?:[,  ]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?:/\d+)?(?![\d.,]*\d)\s?(?:\\?%)?(?!\^)"
)
_SUM = re.compile(r"(?P<left>[\d.,%$€£ ]+(?:[-+*/×÷·][\d.,%$€£ ]+)+)=\s*(?P<value>[-$€£]?\d[^=]*)$")
_CORRECTS = re.compile(
    r"(?:^|[.!?。\n]\s*|[,;—–-]\s*)(?:(?:but|oh|hmm|no),?\s+)*(?:wait|no[,:.]|actually|correction|sorry|oops|scratch that|on second thought|i made)\b",
    re.IGNORECASE,
)


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
    return bool(_CORRECTS.search(text[:SPAN]))


def without_aside(text: str) -> str:
    """A stated value without the explanation after it."""
    return _ASIDE.split(text, maxsplit=1)[0].strip()


def closing(text: str) -> str:
    """The last sentence that is no courtesy, at most 400 characters of it; empty when there is none."""
    parts = (part.strip() for part in reversed(_SENTENCE_END.split(text[-SPAN:])))
    return next((part[-400:] for part in parts if part.strip(" *$.") and not _POLITE.match(part)), "")


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
    verb = next(_HAVING.finditer(sentence), None)
    found = _QUANTITY.match(sentence, verb.end()) if verb else None
    if not found or re.match(r"[^.]{0,30}?\b(?:and|or|to|et|ou)\b\s*[$€£]?\d", sentence[found.end() :]):
        return None
    return found[0].strip()


def values(sentence: str, concluding: bool = False) -> Iterator[str]:
    """The value that a sentence states.

    Args:
        sentence: One sentence.
        concluding: Whether the sentence is marked as the answer.

    Yields:
        Readings of the value, surest first; nothing where grammar points at none.
    """
    bold = re.findall(r"\*\*([^*]+)\*\*", sentence)
    if len(bold) == 1:
        yield bold[0].strip(" :")
    plain = re.sub(r"[（(][^()（）\d\\]{2,60}[)）]", "", sentence).replace("**", "")
    if not _UNSURE.search(plain):
        for part in dict.fromkeys((plain, without_aside(plain))):
            if verb := list(_VERB.finditer(part)):
                yield part[verb[-1].end() :].strip()
    last = max((found.start() for found in _CONCLUDES.finditer(plain)), default=-1)
    if (total := _SUM.search(plain)) and (
        last >= 0 or concluding or re.search(r"[^\W\d_]\w*\s*=\s*$", plain[: total.start("left")])
    ):
        yield total["value"].strip()
    if _DOUBTS.search(plain):
        return
    if (last >= 0 or concluding) and (only := _only_quantity(plain[max(last, 0) :])):
        yield only
    elif (had := None if DELIMITED.search(plain) else _had(plain)) and (concluding or _only_quantity(plain)):
        yield had


def readings(text: str, marked: bool) -> Iterator[str]:
    """The texts in which a place may state its value, surest first.

    Args:
        text: What the place holds.
        marked: Whether it follows a marker, so that prose may come after the value.

    Yields:
        Readings without enclosing signs; nothing for a negation such as "not 5".
    """
    if not marked:
        yield unwrapped(text).removesuffix(".")
        return
    said = clause(text)
    if not said.lower().startswith("not but") and (found := re.match(r"not\b[^.]{0,60}?\bbut\b(.+)", said, re.I)):
        said = found[1].strip()
    if re.match(r"(?:not|isn't|n't|neither|unknown)\b", said, re.IGNORECASE):
        return
    for reading in dict.fromkeys((said, without_aside(said), without_aside(said).split("=")[0])):
        yield unwrapped(reading).removesuffix(".")
    for reading in values(said, concluding=True):
        yield unwrapped(reading).removesuffix(".")
        yield unwrapped(without_aside(reading)).removesuffix(".")
