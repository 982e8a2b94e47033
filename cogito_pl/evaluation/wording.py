"""How benchmarks write options and image places into a question."""

import ast
import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from cogito_pl.evaluation.benchmark import RowError
from cogito_pl.problem import IMAGE_MARKER


def lettered(options: Sequence[str], form: str = "{}. {}") -> str:
    """Options with their labels, one a line."""
    return "\n".join(form.format(*pair) for pair in zip(ascii_uppercase, options, strict=False))


def letter_of(index: Any, options: Sequence[str]) -> str:
    """The label of the option at `index`. Raises RowError where there is none."""
    if not isinstance(index, int) or not 0 <= index < len(options):
        raise RowError(f"the answer {index!r} is not the index of one of {len(options)} options")
    return ascii_uppercase[index]


def options_in(text: str, separator: str) -> tuple[str, ...]:
    r"""The options that a text lists behind their labels A, B, ...: `"A. 3;B. 4"` has 3 and 4.

    Args:
        text: The list, from its first label on.
        separator: Pattern of what stands before and after a label, with `{}` in its place.

    Returns:
        The options in order; empty where the labels are not A, B, C, ... from the first.
    """
    starts: list[re.Match[str]] = []
    for label in ascii_uppercase:
        found = re.compile(separator.format(label)).search(text, starts[-1].end() if starts else 0)
        if not found:
            break
        starts.append(found)
    if len(starts) < 2 or text[: starts[0].start()].strip():
        return ()
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return tuple(text[start.end() : end].strip(" ;,\n") for start, end in zip(starts, ends, strict=True))


def literal_list(text: str, what: str) -> list[str]:
    """The values of a list that is written as Python writes it. Raises RowError where it is none."""
    try:
        values = ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise RowError(f"the {what} are no list as Python writes it: {text[:60]!r}") from error
    if not isinstance(values, list):
        raise RowError(f"the {what} are a {type(values).__name__}, not a list")
    return [str(value) for value in values]


def with_images(text: str, pattern: str, columns: Sequence[str], present: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Puts markers where a text names images; images that it does not name go before it.

    Args:
        text: The question with its options.
        pattern: What names an image, with its number as the group; the second mention of one stays words.
        columns: The column of image 1, of image 2, ...
        present: The columns that hold an image.

    Returns:
        The text with markers, and the columns in their order.
    """
    used: list[str] = []

    def placed(found: re.Match[str]) -> str:
        column = columns[int(found[1]) - 1] if 1 <= int(found[1]) <= len(columns) else None
        if column not in present or column in used:
            return f"[image {found[1]}]"
        used.append(column)
        return IMAGE_MARKER

    text = re.sub(pattern, placed, text)
    rest = [column for column in columns if column in present and column not in used]
    lead = IMAGE_MARKER * len(rest) + "\n" if rest and used else ""  # alone, they are put first when the row is read
    return lead + text, (*rest, *used)
