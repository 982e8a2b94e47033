"""The reward for form. Knows the tags; nothing of what stands between them."""

_TAGS = ("<think>", "</think>", "<answer>", "</answer>")


def format_reward(response: str) -> float:
    """Whether a response is one reasoning block followed by one answer block.

    Args:
        response: The response, special tokens already removed.

    Returns:
        1.0 when the whole response is exactly `<think>...</think>` followed by `<answer>...</answer>`, each tag once,
        with nothing but white space around and between them; else 0.0.
    """
    if any(response.count(tag) != 1 for tag in _TAGS):
        return 0.0
    before, _, rest = response.partition("<think>")
    thought, _, rest = rest.partition("</think>")
    between, opened, rest = rest.partition("<answer>")
    _, closed, after = rest.partition("</answer>")
    tidy = not (before.strip() or between.strip() or after.strip())
    return float(tidy and bool(opened) and bool(closed) and not any(tag in thought for tag in _TAGS))
