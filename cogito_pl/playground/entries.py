"""The entries that a written solution consists of: one for each cell that it looks at, or for each term of a sum."""

import re

from cogito_pl.playground.locating import STEPS
from cogito_pl.playground.scene import ROW_NAMES

CELL_NAME = re.compile(rf"[{ROW_NAMES}][1-4]")
MOVE = re.compile(r"[+-]\d")
IMAGE_WORDS = ("first", "second")
"""What stands before the first cell of one of two images."""
RELATIONS = tuple(relation.split()[0] for relation in STEPS)
"""What stands before a neighbouring cell, in the entry of the thing beside it."""


def entries_of(steps: str) -> list[str]:
    """Cuts a solution into its entries; joined by spaces they are the solution again."""
    words, entries = steps.split(" "), []
    for place, word in enumerate(words):
        if place == 0 or (ends_entry(words, place - 1) and entries[-1] not in IMAGE_WORDS):
            entries.append(word)
        else:
            entries[-1] += f" {word}"
    return entries


def ends_entry(words: list[str], place: int) -> bool:
    """Whether the next word begins an entry: the name of a cell, that of an image, or, in a sum, the next term."""
    if place + 1 == len(words):
        return True
    following = words[place + 1]
    if CELL_NAME.fullmatch(following):
        return words[place] not in RELATIONS
    in_sum = words[0].isdigit()
    return following in IMAGE_WORDS or (in_sum and bool(MOVE.fullmatch(following)))
