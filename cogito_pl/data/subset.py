"""Selects the problems to train on: those of some strata, those that a filter keeps, or a random control."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cogito_pl.data.score_files import find_score_files
from cogito_pl.data.score_match import matched
from cogito_pl.data.scores import UNGRADED, check_complete, stratum_counts, stratum_of
from cogito_pl.data.strata import Aspect, named_files
from cogito_pl.problem import Problem
from cogito_pl.seeds import digest

SOLVED = ("easy", "medium", "hard")


@dataclass(frozen=True, kw_only=True)
class SubsetConfig:
    """Trains on a part of the problems, or on a random control of its size.

    By strata it is the selection of arXiv 2511.06722, by `keep` the filter of VL-Cogito (arXiv 2507.22607).

    Args:
        strata: The strata to train on, joined; all where none is named.
        keep: Train on what the pass-rate filter keeps alone: the problems whose column `keep` is true. The scorer
            `PassRate` writes it, by default for problems of which at most half of 8 trials are correct.
        file: Score file with the column `keep`, a list of such files, or a folder of them; problems are matched by
            source and id. Null takes the data's own column.
        allow_other: As `data.strata.allow_other`, for this file.
        control_seed: Train on as many problems drawn at random from `pool` with this seed; null to train on the chosen
            ones themselves.
        pool: The strata that the control is drawn from; by default the solved ones, and all problems where no stratum
            is named.
    """

    strata: tuple[str, ...] = ()
    keep: bool = False
    file: tuple[str, ...] | str | None = None
    allow_other: tuple[Aspect, ...] = ()
    control_seed: int | None = None
    pool: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if not self.strata and not self.keep:
            raise ValueError(
                "data.subset.strata is empty; name the strata to train on, set data.subset.keep=true, or leave "
                "data.subset out"
            )
        if self.files and not self.keep:
            raise ValueError(
                f"data.subset.file={self.file} is read for data.subset.keep alone; set keep=true, or name the scores "
                "of strata as data.strata.file"
            )
        if self.pool is not None and not self.pool:
            raise ValueError("data.subset.pool is empty; name the strata to draw a control from, or leave it out")
        for setting in ("strata", "pool"):
            names = getattr(self, setting) or ()
            if len(set(names)) < len(names):
                raise ValueError(f"data.subset.{setting}={names} repeats a name; give each once")

    @property
    def files(self) -> tuple[str, ...]:
        """The files and folders with the column `keep`, as they are named."""
        return named_files(self.file)

    @property
    def score_column(self) -> str:
        """The column that is read."""
        return "keep"


def with_keep(problems: Sequence[Problem], config: SubsetConfig | None) -> list[Problem]:
    """The problems with the column `keep` of score files, where `config` names any, in place of the data's own.

    Raises:
        FileNotFoundError: There is no such file.
        OtherScoresError: As in `matched`.
        ValueError: Problems have no verdict, or an id is ambiguous.
    """
    if config is None or not config.files:
        return list(problems)
    files = find_score_files(config.files, config.score_column, "data.subset.file")
    rows = matched(problems, files, allowed=config.allow_other, setting="data.subset")
    pairs = list(zip(problems, rows, strict=True))
    missing = [problem for problem, row in pairs if row is None or row["keep"] is None]
    check_complete(missing, problems, "keep", f"data.subset.file={config.file}")
    return [replace(problem, meta={**problem.meta, "keep": row["keep"]}) for problem, row in pairs]


def subset_of(problems: Sequence[Problem], config: SubsetConfig | None) -> list[Problem]:
    """The problems to train on, in their order.

    Raises:
        ValueError: A stratum that is named holds no problem, a problem has no `keep`, nothing is kept, or the pool has
            too few problems for the control.
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
    chosen = [p for p in problems if (not config.strata or stratum_of(p) in config.strata) and is_kept(p, config)]
    if not chosen:
        raise ValueError("data.subset keeps no problem; choose other strata, or raise scorer.keep_at_most and score")
    if config.control_seed is None:
        return chosen
    strata = config.pool if config.pool is not None else SOLVED if config.strata else tuple(there)
    pool = {(problem.source, problem.id): problem for problem in problems if stratum_of(problem) in strata}
    if len(pool) < len(chosen):
        what = " and ".join([*config.strata, *(["kept"] if config.keep else [])])
        raise ValueError(
            f"data.subset.pool={list(strata)} has {len(pool)} problems of different ids, too few for a control of "
            f"{len(chosen)} {what} ones; add strata to the pool"
        )
    names = {repr(key): problem for key, problem in pool.items()}
    return [names[name] for name in random_control(list(names), len(chosen), config.control_seed)]


def is_kept(problem: Problem, config: SubsetConfig) -> bool:
    """Whether the filter keeps a problem, as it keeps all where it is off. Raises ValueError without a verdict."""
    if config.keep and not isinstance(problem.meta.get("keep"), bool):
        raise ValueError(
            f"data.subset.keep=true, and problem {problem.id!r} of the source {problem.source!r} has no column `keep` "
            "of true or false; name the scores of configs/score/pass_rate.yaml as data.subset.file"
        )
    return not config.keep or problem.meta["keep"]


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
