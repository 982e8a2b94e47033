r"""Which formula a place states. Knows LaTeX delimiters and prose; nothing of whether two formulas agree.

A tag or box states all that it holds. Elsewhere the formula is the whole text when that is no prose, else what follows
the last "is" of a marked sentence, else the only delimited formula of a single sentence, else the number that opens a
marked text, or its words when they are at most three; a whole response may be one word. Prose is never handed on, since
Math-Verify would find a number in it.
"""

import re

from cogito_pl.rewards.extract import Candidate, boxed, candidates, clause, tagged, unwrapped

_DELIMITED = re.compile(r"\$\$.+?\$\$|\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
STYLE = re.compile(r"\\(?:text|textbf|textit|textnormal|textrm|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
_WORD = re.compile(r"[^\W\d_]{3,}")
_STATED = re.compile(r"\b(?:is|are|be|was|equals|est)\b\s*:?|是|为")
PERCENT = re.compile(r"\s*(?:(?<!\\)%|\b(?:percent|percentage|pct)\b)")


def wordy(text: str) -> bool:
    """Whether a text is plain words rather than a formula."""
    tokens = re.split(r"[\s,.'$]+", STYLE.sub(r" \1 ", text).strip(" ,.'$"))
    return any(len(token) > 2 for token in tokens) and all(token.isalpha() for token in tokens)


def _formula_like(text: str) -> bool:
    bare = _DELIMITED.fullmatch(text.rstrip(" ."))
    rest = re.sub(r"\\(?:begin|end)\{\w+\}|\\[a-zA-Z]+", " ", PERCENT.sub("", STYLE.sub("", text)))
    words = _WORD.findall(rest)
    return (
        bool(text) and "\n\n" not in text and (bare is not None or not words or (len(words) == 1 and text[0].isdigit()))
    )


def stated(answer: Candidate) -> str | None:
    """The formula that a place states, None when it states none."""
    if answer.rule in ("answer-tag", "boxed"):
        return answer.text or None
    text = answer.text if answer.rule in ("statement", "lone") else clause(answer.text)
    text = text.strip().removesuffix(".").strip()
    if "marker" in answer.rule and not _formula_like(text) and (verbs := list(_STATED.finditer(text))):
        text = text[verbs[-1].end() :].strip()
    if _formula_like(text):
        return unwrapped(text) or None
    formulas = _DELIMITED.findall(text)
    if len(formulas) == 1 and len(text) <= 200 and "\n" not in text.replace(formulas[0], ""):
        return unwrapped(formulas[0])
    short = text if wordy(text) and len(text.split()) <= (1 if answer.rule == "lone" else 3) else None
    if "marker" in answer.rule:
        found = re.match(r"[-+]?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:/\d+)?(?![\w^*+/(-])", text)
        return found[0].strip("$,") if found else short
    return short if answer.rule == "lone" else None


def target(gold: str) -> str:
    """The formula of a gold answer: of its tag, box or marker when it is a worked solution, else all of it."""
    if tagged(gold) is None and boxed(gold) is None and len(gold) < 200:
        return unwrapped(gold)
    return next((formula for place in candidates(gold) if (formula := stated(place))), unwrapped(gold))
