"""Solutions that ramble or stop early: they begin again at their end, or the answer is given before it."""

import random
from collections.abc import Sequence

from cogito_pl.playground.draft import Draft
from cogito_pl.playground.entries import CELL_NAME, entries_of
from cogito_pl.playground.slips import read_off, running


def paced(
    draft: Draft, steps: str, answer: str, *, repeats: float, stops: float, rng: random.Random
) -> tuple[str, str]:
    """Steps and answer of a solution whose length is not what the problem needs.

    Args:
        draft: The problem.
        steps: A solution of it, entry by entry.
        answer: The answer that follows from `steps`.
        repeats: Probability, at the end, that all entries are written once more; the same at the new end.
        stops: Probability, after every entry but the last, that the solution ends there, where an answer can be read
            off: a running number, or the name of a cell.
        rng: Decides both.
    """
    entries = entries_of(steps)
    for place in range(1, len(entries)):
        early = _answer_so_far(draft, entries[:place])
        if early is not None and rng.random() < stops:
            return " ".join(entries[:place]), early
    passes = 1
    while rng.random() < repeats:
        passes += 1
    return " ".join(entries * passes), answer


def _answer_so_far(draft: Draft, entries: Sequence[str]) -> str | None:
    """What the entries so far seem to say; None where they say nothing yet."""
    if draft.kind == "text":
        return entries[-1].split(" ")[0] if CELL_NAME.fullmatch(draft.answer) else None
    words = " ".join(entries).split(" ")
    numbers = [word for place, word in enumerate(words) if running(words, place)]
    return read_off(draft, numbers[-1]) if numbers else None
