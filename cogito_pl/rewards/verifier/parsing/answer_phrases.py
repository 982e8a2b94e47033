"""Patterns for the words by which a sentence states, concludes, doubts or corrects.

Each name is a pattern that ignores case. English is covered well, the other languages by the words that responses of
vision-language models use most.
"""
# ruff: noqa: RUF001

import re


def words(listed: str, others: str = "") -> re.Pattern[str]:
    """A pattern for any of some words or phrases, separated by commas, and for others that have no word boundaries."""
    phrases = "|".join(phrase.strip().replace(" ", r"\s+") for phrase in listed.split(","))
    return re.compile(rf"\b(?:{phrases})\b" + (f"|{others}" if others else ""), re.IGNORECASE)


ANSWER = words("answers?, réponse, respuesta, risposta, resposta, antwort, ответ", "答案|答え|정답|الإجابة|उत्तर")
"""What a marker names."""

STATES = words(
    "is, are, was, were, equals, it's, (?:must|should|will|to) be, est(?: donc)?(?: de)?, sont, es, son, ist, sind",
    r"(?<![不没])是|为|等于",
)
"""Verbs of being; the value follows."""

HAS = words(
    "has, have, had, needs?, costs?, weighs?, measures, takes?, gets?, contains?, there (?:is|are|were), ont, "
    "aura, auront, reste, coûte"
)
"""Verbs of having; a quantity follows."""

CONCLUDES = words(
    "therefore, thus, hence, consequently, in total, altogether, in conclusion, in all, donc, ainsi, en conclusion, "
    "por lo tanto, entonces, daher, somit, insgesamt, итак",
    r"(?:^|,)\s*so\b(?! far| that| many| much)|所以|因此|总共|一共|共有|لذا|इसलिए",
)
"""A sentence with one of these sums up."""

UNSURE = words(
    "if, whether, maybe, perhaps, unclear, unsure, not sure, assum\\w+, suppose, guess, let's, let me", "[?？]"
)
"""A sentence with one of these states nothing."""

DOUBTS = words(
    "may, might, can't, cannot, can not, unable, unknown, sure, impossible, check, verify, either, neither, not, no, "
    "never, none, should, would, pas, aucun, nicht, kein\\w*",
    UNSURE.pattern + r"|n't\b|[不没]",
)
"""A sentence with one of these does not state the quantity that it mentions."""

RELATIVE = words(
    "at least, at most, more, less, fewer, greater, smaller, larger, than, times, twice, half of, double, triple, "
    "sum, difference, product, over, under, between, from, up to, minus, plus, out of, exceeds?, steps?, cases?, "
    "question, figure, part, plus de, moins de, au moins"
)
"""The quantity of a sentence with one of these is not the value."""

CORRECTS = re.compile(
    r"(?:^|[.!?。\n]\s*|[,;—–-]\s*)(?:(?:but|oh|hmm|no),?\s+)*"
    r"(?:wait|no[,:.]|actually|correction|sorry|oops|scratch that|on second thought|i made)\b",
    re.IGNORECASE,
)
"""A correction: what was said before no longer holds."""

POLITE = re.compile(r"^\W*(?:i hope|hope this|let me know|feel free|please|thank|good luck|if you)\b", re.IGNORECASE)
"""A sentence that opens so states no answer."""

PRAISES = re.compile(
    r"\W*(?:(?:also|indeed|really|therefore|still|now|thus)\s+)?(?:correct|right|wrong|incorrect|consistent|verified|"
    r"valid|reasonable|as follows|confirmed|clear|obvious)\b(?!\s*[:=])",
    re.IGNORECASE,
)
"""What follows "the answer is" when that is no statement of a value."""

CONDITION = re.compile(r"\b(?:if|whether|suppose|assuming|unless|say|no)\b[^.,;:\n]{0,30}$", re.IGNORECASE)
"""What precedes "the answer is" when that is no statement."""
