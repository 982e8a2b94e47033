"""How the released codes read texts: the first answer tag counts, and Math-Verify gets texts as they are.

Tags are found in linear time, whatever a response holds.
"""

import logging
import re

_TURN = re.compile(r"</think>\s*<answer>")


def first_answer(text: str) -> str | None:
    """The content of the first `<answer>...</answer>`, None when there is none."""
    start = text.find("<answer>")
    end = text.find("</answer>", start)
    return text[start + len("<answer>") : end] if start >= 0 <= end else None


def thought_then_answer(text: str) -> bool:
    """Whether a text is `<think>...</think>`, white space, `<answer>...</answer>`, with anything in the blocks."""
    turn = _TURN.search(text, len("<think>"))
    framed = text.startswith("<think>") and text.endswith("</answer>")
    return bool(framed and turn and turn.end() <= len(text) - len("</answer>"))


def verified(first: str, second: str) -> bool:
    """Whether Math-Verify finds that two texts agree, in this order: it takes the gold first, which not all callers do.

    Its log is silenced: it would print the whole of every response that takes it long.
    """
    import math_verify

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    return math_verify.verify(math_verify.parse(first), math_verify.parse(second))
