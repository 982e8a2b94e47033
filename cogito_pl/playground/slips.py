"""Careless solutions: the careful one, in which each step goes wrong with a small probability and is carried on.

What a step is depends on the solution. A running count comes out one too high or too low, and all later ones with it.
A sum leaves out a term. A search stops at a cell before the one that is looked for. A look-up misnames what it found.
The answer follows from the steps as they stand, so a model that imitates careless solutions is consistent, but not
reliable. (Sums are never off by one: the tiny base stayed as unsure of each of its hundreds of sums over 150 rollouts.)
"""

import random
import re
from itertools import accumulate

from cogito_pl.playground.arithmetic import LARGEST
from cogito_pl.playground.draft import Draft
from cogito_pl.playground.entries import CELL_NAME, ends_entry, entries_of
from cogito_pl.playground.scene import EMPTY, FOUND
from cogito_pl.playground.things import COLOURS, SHAPES

NUMBER = re.compile(r"[+-]?\d+")
SEARCH_WEIGHT = 2
"""A cell of a search goes wrong so many times as often as a running count: most searches are short."""
TERM_WEIGHT = 2
"""The same of the terms of a sum, which are fewer than cells."""
LOOK_UP_WEIGHT = 4
"""The same of a look-up, which names what it found once."""


def careless(draft: Draft, rate: float, rng: random.Random) -> tuple[str, str]:
    """Steps and answer of a careless solution.

    Args:
        draft: The problem with its careful solution.
        rate: Probability of a slip in every update of a running count; 0 gives the careful solution.
        rng: Decides where slips happen.
    """
    if not draft.scenes:
        return _term_left_out(draft, TERM_WEIGHT * rate, rng)
    if draft.kind != "text":
        return _miscounted(draft, rate, rng)
    if CELL_NAME.fullmatch(draft.answer):
        return _stopped_too_soon(draft, SEARCH_WEIGHT * rate, rng)
    return _misnamed(draft, LOOK_UP_WEIGHT * rate, rng)


def read_off(draft: Draft, number: str) -> str:
    """The answer that follows from the last running number: itself, or the letter of the option with the lead."""
    if draft.kind != "choice":
        return number
    lead = int(number)
    return "A" if lead > 0 else "B" if lead < 0 else "C"


def running(words: list[str], place: int) -> bool:
    """Whether a word is a running number, and not a digit that was read, an operand or the first term of a sum."""
    return place > 0 and bool(NUMBER.fullmatch(words[place])) and ends_entry(words, place)


def _miscounted(draft: Draft, rate: float, rng: random.Random) -> tuple[str, str]:
    words, shift, last = draft.steps.split(" "), 0, draft.answer
    for place in range(len(words)):
        if running(words, place):
            if rng.random() < rate:
                shift += rng.choice((-1, 1))
            value = int(words[place]) + shift
            signed = draft.kind == "choice" and value
            last = words[place] = f"{value:+d}" if signed else str(value if draft.kind == "choice" else max(0, value))
    return " ".join(words), read_off(draft, last)


def _term_left_out(draft: Draft, rate: float, rng: random.Random) -> tuple[str, str]:
    """A term is left out only where every total stays among those that sums have."""
    first, *terms = entries_of(draft.steps)
    moves = [int(term.split(" ")[0]) for term in terms]
    for place in reversed(range(len(moves))):
        rest = moves[:place] + moves[place + 1 :]
        if rng.random() < rate and all(0 <= total <= LARGEST for total in accumulate(rest, initial=int(first))):
            moves = rest
    totals = list(accumulate(moves, initial=int(first)))
    steps = [first, *(f"{move:+d} {total}" for move, total in zip(moves, totals[1:], strict=True))]
    return " ".join(steps), str(totals[-1])


def _stopped_too_soon(draft: Draft, rate: float, rng: random.Random) -> tuple[str, str]:
    entries = entries_of(draft.steps)
    for place, entry in enumerate(entries[:-1]):
        name, *seen = entry.split(" ")
        if seen != [EMPTY] and rng.random() < rate:
            return " ".join([*entries[: place + 1], FOUND]), name
    return draft.steps, draft.answer


def _misnamed(draft: Draft, rate: float, rng: random.Random) -> tuple[str, str]:
    if rng.random() >= rate:
        return draft.steps, draft.answer
    words = draft.answer.split(" ")
    place = rng.randrange(len(words))
    names = COLOURS if words[place] in COLOURS else SHAPES
    words[place] = rng.choice([name for name in names if name != words[place]])
    wrong = " ".join(words)
    told = draft.steps.endswith(f" {draft.answer}")
    return draft.steps.removesuffix(draft.answer) + wrong if told else draft.steps, wrong
