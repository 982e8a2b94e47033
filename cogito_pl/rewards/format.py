r"""The format reward: whether a response has the form that the prompt asks for.

`tags`: the whole response is `<think>...</think>` followed by `<answer>...</answer>`, each tag once, with nothing but
white space around and between them. `boxed`: the response states a balanced `\boxed{...}` that is not empty, after the
reasoning, which stands first and is closed when there is one. `both`: tags, and such a box in the answer.
"""

from typing import Literal

from cogito_pl.rewards.verifier.parsing.delimiters import boxed

Form = Literal["tags", "boxed", "both"]
_TAGS = ("<think>", "</think>", "<answer>", "</answer>")


def format_reward(response: str, form: Form = "tags") -> float:
    """Whether a response has the form that the prompt asks for.

    Args:
        response: The response, special tokens already removed.
        form: Which form; the module describes them.

    Returns:
        1.0 or 0.0.
    """
    if form == "boxed":
        return float(_thinks_first(response) and _has_box(response.rpartition("</think>")[2]))
    return float(_tagged(response) and (form == "tags" or _has_box(response.rpartition("<answer>")[2])))


def _tagged(response: str) -> bool:
    if any(response.count(tag) != 1 for tag in _TAGS):
        return False
    before, _, rest = response.partition("<think>")
    thought, _, rest = rest.partition("</think>")
    between, opened, rest = rest.partition("<answer>")
    _, closed, after = rest.partition("</answer>")
    tidy = not (before.strip() or between.strip() or after.strip())
    return tidy and bool(opened) and bool(closed) and not any(tag in thought for tag in _TAGS)


def _thinks_first(response: str) -> bool:
    opened, closed = response.count("<think>"), response.count("</think>")
    return opened == closed == 0 or (opened == closed == 1 and response.lstrip().startswith("<think>"))


def _has_box(text: str) -> bool:
    return bool((boxed(text) or "").strip())
