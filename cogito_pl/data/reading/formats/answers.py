"""Takes the answer out of a response, by the rule that a source states as `answer_in`."""

from cogito_pl.data.reading.formats.row_format import RowError
from cogito_pl.data.source import AnswerIn
from cogito_pl.rewards.verifier.parsing.delimiters import boxed, tagged


def answer_in(response: str | None, rule: AnswerIn) -> str:
    r"""The answer that a response states.

    Args:
        response: The last response of a row.
        rule: `box`: its last `\boxed{...}`; `tag`: its last `<answer>...</answer>`; `last_line`: its last line that is
            not empty; `response`: all of it.

    Raises:
        RowError: There is no response, or nothing of that kind in it.
    """
    text = (response or "").strip()
    if not text:
        raise RowError("the answer is empty: the row has no response to take it from")
    found = {
        "box": lambda: boxed(text),
        "tag": lambda: tagged(text),
        "last_line": lambda: text.splitlines()[-1],
        "response": lambda: text,
    }[rule]()
    if not (found or "").strip():
        what = {"box": r"\boxed{...}", "tag": "<answer>...</answer>"}[rule]
        raise RowError(f"the answer is empty: the response has no {what}")
    return found.strip()
