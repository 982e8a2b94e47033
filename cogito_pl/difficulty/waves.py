"""Which trials are run next, side by side: a pure function of what is known. Knows no model.

Every problem under way contributes the trials that it needs in any case. Where they are too few to fill a batch, which
costs about as much when it is half empty, trials are added that will be needed if each problem goes on as it last went.
"""

from collections.abc import Mapping, Sequence

from cogito_pl.difficulty.scorer import Outcomes, Scorer, Task, expected_path

Known = Mapping[str, tuple[Outcomes, int]]
"""What is known of every problem under way: the outcomes of its trials, and how many pictures it has."""


def next_wave(scorer: Scorer, known: Known, *, most: int, least: int) -> list[tuple[str, Task]]:
    """The next trials, as pairs of problem id and task; none once every problem is decided.

    Args:
        scorer: Says what is wanted.
        known: The problems under way.
        most: Trials of a wave.
        least: Fill a smaller wave up to this many with trials that may turn out not to be needed.
    """
    certain = [
        (name, task) for name, (outcomes, pictures) in known.items() for task in scorer.wanted(outcomes, pictures)
    ]
    if not certain or len(certain) >= least:
        return certain[:most]
    return certain + _likely(scorer, known, set(certain), least - len(certain))


def _likely(scorer: Scorer, known: Known, taken: set[tuple[str, Task]], room: int) -> list[tuple[str, Task]]:
    """Further trials along each problem's expected path, one from every problem in turn."""
    paths: Sequence = [(name, expected_path(scorer, *what)) for name, what in known.items()]
    found: list[tuple[str, Task]] = []
    while paths and len(found) < room:
        going = []
        for name, path in paths:
            task = next((task for task in path if (name, task) not in taken), None)
            if task is not None and len(found) < room:
                found.append((name, task))
                going.append((name, path))
        paths = going
    return found
