"""Answer tags as the released codes read them: the first one counts. In linear time, whatever a response holds."""

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
