"""Finds labels of options (A, B, ...) in a text.

The article "A" and the pronoun "I" are never labels: before a further word they count only when that word explains
("A because ...").
"""
# ruff: noqa: RUF001

import re

from cogito_pl.rewards.verifier.parsing.answer_phrases import UNSURE, words

_OPENING = re.compile(
    r"^(?:[\s*$\"'`“:]|\\[(\[]|(?:for sure|clearly|definitely|probably|option|choice|letter|answer|the)\b){1,12}",
    re.IGNORECASE,
)
_JOIN = r"(?:\s*[,，、;/&+]\s*|\s*(?:\band\b|\bor\b|和|或)\s*|\s+)"
_RUN = rf"[A-Z](?:{_JOIN}(?:and\s+|or\s+)?[(\[]?[A-Z](?![A-Za-z])[)\]]?)*"
_BRACKETED = re.compile(
    rf"[(\[（【{{]\s*({_RUN}|[A-Z]{{2,9}})\s*[)\]）】}}](?:{_JOIN}?(?:and\s+|or\s+)?[(\[]([A-Z])[)\]])*"
)
_BARE = re.compile(rf"({_RUN}|[A-Z]{{2,9}})(?!['’]?[A-Za-z0-9_^=+]|\s*=|-[a-z])")
_DENIED = re.compile(
    r"[\s,*)\]\"”.]*(?:(?:is|are|was|were|both|all|must be|can be|looks?|seems?)\s+)*"
    r"(?:not|n't|wrong|incorrect|false|cannot|can't|impossible|out\b|eliminated|ruled out|excluded|不(?!是\s*[A-Z])|错|"
    r"isn't|aren't|doesn't)",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"(?:\b(?:not|except|unlike|than|instead of|nor|neither|eliminate|exclude|excluding|rule out|reject|without)|n't|"
    r"不是?|没|非|排除)\s*(?:be|option|choice|answer|figure|选项?)?\s*[(\[*\"“]*$",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(r"\s+(?:because|since|as|is|are|and|with|for|but|which|by|or)\b")
_NAMES = (
    "option|choice|answer|figure|picture|image|diagram|shape|graph|letter|label(?:l?ed)?|choose|pick|select|it's|is"
)
_MARKED = re.compile(
    r"[(\[（\"“](?P<bracketed>[A-Z])[.,]?[)\]）\"”]|\*\*\(?(?P<bold>[A-Z])[.)]?\*\*|选项?(?P<chosen>[A-Z])"
    rf"|\b(?:{_NAMES})\s+(?P<named>[A-Z])\b(?!['’]|\s+[a-z]+ing\b)(?=$|[\s.,;:)])"
    r"|(?P<praised>\b[A-Z])(?=:\s*\S|\.\s+\S|\s+is\s+(?:the\s+)?(?:correct|right|valid|best|true|answer))"
)
_TENTATIVE = words(
    "look at, consider, compare, check, verify, first, next, try, start with, sorry, cannot, can't, unable",
    UNSURE.pattern,
)
_CONCLUDED = re.compile(
    r"\W*(?:so|thus|hence|therefore|i think|i believe)\b[\s,:]*(?:it's |it is |option )?\(?([A-Z])\)?\W*", re.IGNORECASE
)


def split(run: str, labels: str) -> frozenset[str]:
    """The labels of a run such as "A, B" or "AB"; empty when it holds anything but distinct labels, or an "or"."""
    letters = re.findall(r"[A-Z]", run)
    allowed = labels[:9] if len(labels) == 26 and run == "".join(letters) and len(run) > 1 else labels
    plain = letters and len(set(letters)) == len(letters) and set(letters) <= set(allowed)
    return frozenset(letters) if plain and not re.search(r"\bor\b|或", run) else frozenset()


def leading(text: str, labels: str) -> tuple[frozenset[str], str] | None:
    """The labels that a text opens with, and the rest of it.

    Args:
        text: A stated answer.
        labels: The labels of the problem, "ABCD".

    Returns:
        None when the text opens with no label; an empty set when it opens with several of which one is to be chosen.
    """
    text = _OPENING.sub("", text)
    if small := re.match(r"[(\[]?([a-z])(?:[)\]]\.?|[.:])?(?=\s|$)", text):
        closed = small.end() == len(text) or not small[0][-1].isalpha()
        if closed and (letter := small[1].upper()) in labels:
            return frozenset(letter), text[small.end() :]
    found = _BRACKETED.match(text) or _BARE.match(text)
    if not found:
        return None
    rest, run = text[found.end() :], found[0] if text[0] in "([（【{" else found[1]
    if not set(re.findall("[A-Z]", run)) <= set(labels):
        return None
    chosen = split(run, labels)
    if not chosen and re.search("[A-Z]{2}", run):  # letters of a word such as [LETTER]
        return None
    if _DENIED.match(rest) and not re.match(r"\s*[,，]", rest):
        return None
    if run in ("A", "I") and re.match(r"\s+[^\W\d_]", rest) and not _EXPLAINS.match(rest):
        return None
    several = re.match(r"\s*(?:,\s*)?(?:or|或|/)\s*\(?[A-Z]\b", rest)
    return (frozenset() if several else chosen), rest


def mentioned(sentence: str, labels: str) -> frozenset[str] | None:
    """The only label that a sentence marks and does not deny; None when it marks none, or several, or is in doubt.

    Args:
        sentence: The closing sentence of a response.
        labels: The labels of the problem.

    Returns:
        That label.
    """
    if _TENTATIVE.search(sentence):
        return None
    concluded = _CONCLUDED.fullmatch(sentence)
    marked = {concluded[1]} if concluded and concluded[1] in labels else set()
    for found in _MARKED.finditer(sentence):
        letter = found[found.lastgroup]
        start, end = found.span(found.lastgroup)
        denied = _DENIES.search(sentence[max(start - 40, 0) : start]) or _DENIED.match(sentence[end:])
        if (
            letter in labels
            and not denied
            and not (letter in "AI" and re.match(r"\s+[a-z]", sentence[end:]) and found["named"])
        ):
            marked.add(letter)
    return frozenset(marked) if len(marked) == 1 else None
