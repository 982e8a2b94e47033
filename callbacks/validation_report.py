"""The table at the end of `validate`: accuracy with its interval, over all problems and by group."""

from collections.abc import Iterable, Sequence
from typing import Any

import lightning.pytorch as L
import torch.distributed as dist
from rich.console import Console
from rich.table import Table

from cogito_pl.experiments.intervals import share_interval
from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.rollout import Rollout

Graded = tuple[dict[str, Any], float]  # what a problem is grouped by, and its share of correct completions
MOST_VALUES = 12


class ValidationReport(RolloutCallback):
    """Prints accuracy, with its 95% interval over problems, by kind, source and columns of `meta`; a fit is silent.

    The command line adds it to every run; name it under `trainer.callbacks` to change the columns.

    Args:
        columns: Entries of the problems' `meta` to group by; by default those with 2 to 12 different values that do
            not differ in every problem.
    """

    def __init__(self, columns: Sequence[str] | None = None) -> None:
        self.columns = columns
        self._graded: list[Graded] = []

    def on_validation_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Starts afresh."""
        self._graded = []

    def on_validation_rollout(
        self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout, source: str
    ) -> None:
        """Notes the verdicts of a batch."""
        if trainer.state.fn == "validate":
            for problem, share in zip(rollout.problems, rollout.group_accuracy().tolist(), strict=True):
                groups = {"kind": problem.kind, "source": source}
                meta = {f"meta.{name}": value for name, value in problem.meta.items()}
                self._graded.append((groups | meta, share))

    def on_validation_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Prints the table, on the first rank."""
        if trainer.state.fn != "validate":
            return
        parts = [self._graded]
        if trainer.world_size > 1:
            parts = parts * trainer.world_size
            dist.all_gather_object(parts, self._graded)
        if trainer.is_global_zero and trainer.validate_loop.verbose:
            shown = table([graded for part in parts for graded in part], self.columns)
            whole = {name: value for name, value in trainer.callback_metrics.items() if name.count("/") == 1}
            shown.caption = ", ".join(f"{name} {float(value):.4g}" for name, value in whole.items())
            Console().print(shown)


def table(graded: Sequence[Graded], columns: Sequence[str] | None) -> Table:
    """Number of problems, accuracy and its interval: of all, and of each value of each column.

    Raises:
        ValueError: No problem has an entry that `columns` names.
    """
    shown = Table("", title="validation")
    for name in ("n", "accuracy", "95% interval"):
        shown.add_column(name, justify="right")
    shown.add_row("all", *figures(share for _, share in graded))
    shown.add_section()
    for column in grouping(graded, columns):
        values = {groups[column] for groups, _ in graded if column in groups}
        for value in sorted(values, key=lambda value: (isinstance(value, str), value)):
            mine = [share for groups, share in graded if groups.get(column) == value]
            shown.add_row(f"{column} {value}", *figures(mine))
        shown.add_section()
    return shown


def grouping(graded: Sequence[Graded], columns: Sequence[str] | None) -> list[str]:
    """The columns to group by, in order."""
    known = dict.fromkeys(name for groups, _ in graded for name in groups)
    if columns is not None:
        wanted = [f"meta.{name}" for name in columns]
        if missing := [name for name in wanted if name not in known]:
            has = ", ".join(name.removeprefix("meta.") for name in known if name.startswith("meta."))
            raise ValueError(f"ValidationReport.columns: no problem has the entry {missing[0][5:]!r}; there are {has}")
        return ["kind", "source", *wanted]
    held = {name: [groups[name] for groups, _ in graded if name in groups] for name in known}
    few = {name for name, values in held.items() if 2 <= len(set(values)) <= min(MOST_VALUES, len(values) - 1)}
    return [name for name in known if name in {"kind", "source"} | few]


def figures(shares: Iterable[float]) -> tuple[str, str, str]:
    """Count, mean and interval, as text."""
    values = list(shares)
    mean, low, high = share_interval(values)
    return f"{len(values):,}", f"{mean:.1%}", f"{low:.1%} to {high:.1%}"
