r"""Reads the formula that a place states.

A tag or box states all that it holds, unless that is a sentence. Elsewhere the formula is a reading of the place
(`answer_sentences`) that holds no words, else the only delimited formula of a single sentence, else a few words; a
whole response may be one word. Prose is never returned, since Math-Verify would find a number in it.
"""

import re

from cogito_pl.rewards.verifier.parsing import answer_phrases, quantity
from cogito_pl.rewards.verifier.parsing.answer_sentences import clause, readings
from cogito_pl.rewards.verifier.parsing.delimiters import DELIMITED, SPAN, boxed, tagged, unwrapped
from cogito_pl.rewards.verifier.parsing.extract import Candidate, candidates
from cogito_pl.rewards.verifier.parsing.formula_structure import chain
from cogito_pl.rewards.verifier.parsing.latex import STYLE, tidy

LONGEST = 1000
"""Characters of an answer that Math-Verify gets to see."""

_WORD = re.compile(r"(?<![\\a-zA-Z])[^\W\d_]{3,}")
_VOWEL = re.compile(r"[aeiouyà-ÿ]|[^\x00-\x7f]", re.IGNORECASE)
_NO_WORDS = answer_phrases.words(
    "sin, cos, tan, cot, sec, csc, arcsin, arccos, arctan, log, exp, max, min, gcd, lcm, mod, sup, inf, lim, det, and, "
    "or"
)
_SHORT_WORDS = answer_phrases.words(
    "no, on, up, in, at, if, of, so, to, is, it, we, he, me, us, my, by, an, as, am, go, do, ok"
)
_ROMAN = re.compile(r"(?<![A-Za-z\\])(?:IV|VI|IX|XI|XL|LX|XC|CX)(?![A-Za-z])")
_HARD = (
    re.compile(r"\^\s*[{(]?\s*[-+]?[\d,]{5,}"),  # x^100000
    re.compile(r"\d\s*\^\s*[{(]?\s*\d+\s*\}?\s*\^\s*[{(]?\s*\d"),  # 9^{9^{9}}
    re.compile(r"\d{4,}\s*!|(?:\d{4}|\^)[^!]*[)}]\s*!|!\s*\)?\s*!"),  # 10000!, (10^5)!, 9!!
    re.compile(r"\([^()]*[a-z][^()]*\)\s*\^\s*[{(]?\s*\d{3,}"),  # (x+1)^{1000}
    re.compile(r"\d{400}"),
    re.compile(r"(\S.{0,20}?)\1{40}", re.DOTALL),  # collapsed repetition
)


def too_costly(text: str) -> bool:
    """Whether a text would cost minutes rather than milliseconds to parse or to compare; the cheap guard of sympy."""
    return len(text) > LONGEST or max(text.count("("), text.count("{")) > 60 or any(hard.search(text) for hard in _HARD)


def words(text: str) -> list[str]:
    """The words of a text that no formula has: three letters and a vowel, or a few shorter ones."""
    bare = re.sub(r"\\(?:begin|end)\s*\{\w+\*?\}|\\(?:angle|triangle) ?[A-Z']{3,6}|\\[a-zA-Z]+", " ", text)
    long = [word for word in _WORD.findall(bare) if _VOWEL.search(word) or word.isupper()]
    short = [word for word in bare.split() if _SHORT_WORDS.fullmatch(word)] if re.fullmatch(r"[A-Za-z ]+", bare) else []
    roman = _ROMAN.findall(bare)  # IV is no product, and not VI
    return [word for word in long + short + roman if not _NO_WORDS.fullmatch(word)]


def _formula(text: str) -> str | None:
    """The text when it is a formula or a number, else the only delimited formula of a single sentence, else None."""
    if not text or "\n\n" in text or r"\boxed" in text:
        return None
    if quantity.parse(text) or STYLE.fullmatch(text):
        return text
    values = " ".join(chain(tidy(text[:LONGEST])).values)
    if not (words(values) or re.search(r"[一-鿿]|(?<![_^\d])\d+ +\d", values)):
        return text
    formulas = DELIMITED.findall(text)
    if len(formulas) == 1 and len(text) <= 200 and not re.search(r"\d", text.replace(formulas[0], "")):
        return unwrapped(formulas[0])
    return None


def stated(answer: Candidate) -> str | None:
    """The formula that a place states, None when it states none."""
    if answer.rule in ("answer-tag", "boxed"):
        prose = answer.rule == "answer-tag" and len(words(STYLE.sub("", answer.text[:LONGEST]))) > 3
        return None if prose else answer.text or None
    if answer.rule == "lone":
        text = unwrapped(answer.text).removesuffix(".")
        delimited = (DELIMITED.fullmatch(answer.text.strip()) or STYLE.fullmatch(text)) and "\n" not in text
        word = len(text) < 30 and len(text.split()) <= 2 and not re.search(r"\d|[一-鿿]{4}|\\f?boxed", text)
        return (_formula(text) or (text if delimited or word else "") or None) if len(text) < SPAN else None
    marked = answer.rule.endswith("marker")
    for reading in readings(answer.text, marked):
        if (formula := _formula(reading)) is not None:
            return formula
    said = clause(answer.text) if marked else ""
    few = said and len(said.split()) <= 3 and not re.search(r"\d|^not\b", said, re.IGNORECASE)
    return said if few else None


def target(gold: str) -> str:
    """The formula of a gold answer: of its tag, box or marker when it is a worked solution, else all of it."""
    if tagged(gold) is None and boxed(gold) is None and len(gold) < 200:
        return unwrapped(re.sub(r"\\{1,4}(?:boxed|fbox)\s*\{", "", gold))
    return next((formula for place in candidates(gold) if (formula := stated(place))), unwrapped(gold))
