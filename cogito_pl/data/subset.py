"""Selects the problems to train on: those of some strata, or a random control of the same size."""

from collections.abc import Sequence
from dataclasses import dataclass

from cogito_pl.data.scores import UNGRADED, stratum_counts, stratum_of
from cogito_pl.problem import Problem
from cogito_pl.seeds import digest

SOLVED = ("easy", "medium", "hard")


@dataclass(frozen=True, kw_only=True)
class SubsetConfig:
    """Trains on a part of the problems: the difficulty selection of arXiv 2511.06722, or its control.

    Args:
        strata: The strata to train on, joined.
        control_seed: Train on as many problems drawn at random from `pool` with this seed; null to train on the strata
            themselves.
        pool: The strata that the control is drawn from; the solved ones by default.
    """

    strata: tuple[str, ...]
    control_seed: int | None = None
    pool: tuple[str, ...] = SOLVED

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if not self.strata:
            raise ValueError("data.subset.strata is empty; name the strata to train on, or leave data.subset out")
        if not self.pool:
            raise ValueError("data.subset.pool is empty; name the strata to draw a control from, or leave it out")
        for setting in ("strata", "pool"):
            if len(set(getattr(self, setting))) < len(getattr(self, setting)):
                raise ValueError(f"data.subset.{setting}={getattr(self, setting)} repeats a name; give each once")


def subset_of(problems: Sequence[Problem], config: SubsetConfig | None) -> list[Problem]:
    """The problems to train on, in their order.

    Raises:
        ValueError: A stratum that is named holds no problem, or the pool has too few for the control.
    """
    if config is None:
        return list(problems)
    there = stratum_counts(problems)
    if missing := [name for name in config.strata if name not in there]:
        held = ", ".join(sorted(there.keys() - {UNGRADED})) or "no problem has one"
        raise ValueError(
            f"data.subset.strata={list(config.strata)}: no problem is {missing[0]} ({held}); name other strata, or "
            "give the problems theirs by data.strata or by a column `stratum`"
        )
    chosen = [problem for problem in problems if stratum_of(problem) in config.strata]
    if config.control_seed is None:
        return chosen
    pool = {(problem.source, problem.id): problem for problem in problems if stratum_of(problem) in config.pool}
    if len(pool) < len(chosen):
        raise ValueError(
            f"data.subset.pool={list(config.pool)} has {len(pool)} problems of different ids, too few for a control of "
            f"{len(chosen)} {' and '.join(config.strata)} ones; add strata to the pool"
        )
    names = {repr(key): problem for key, problem in pool.items()}
    return [names[name] for name in random_control(list(names), len(chosen), config.control_seed)]


def random_control(ids: Sequence[str], size: int, seed: int) -> list[str]:
    """A random subset of `size` ids: the control for a chosen subset of that size.

    Which ids are chosen depends on the set and the seed, not on the order of `ids`, which is kept.

    Args:
        ids: The pool, such as all solved problems.
        size: Number of ids to choose.
        seed: Another seed, another subset.

    Raises:
        ValueError: Ids repeat, or are fewer than `size`.
    """
    if len(set(ids)) < len(ids):
        raise ValueError(f"{len(ids) - len(set(ids))} of {len(ids)} ids repeat; each must occur once")
    if not 0 <= size <= len(ids):
        raise ValueError(f"size={size} of a random control exceeds its pool of {len(ids)}")
    ranked = sorted(ids, key=lambda name: digest(repr((seed, name)), 16))
    chosen = set(ranked[:size])
    return [name for name in ids if name in chosen]
