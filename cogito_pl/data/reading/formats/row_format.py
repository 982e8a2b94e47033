"""The interface of a row format: which columns it needs, and what of a row is the question, the answer, the images."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from cogito_pl.data.source import Columns, Source
from cogito_pl.problem import Exchange
from cogito_pl.rewards import KINDS

_log = logging.getLogger(__name__)

Cells = Mapping[str, Any]


class RowError(ValueError):
    """A row cannot become a problem; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What a row holds, as it stands there: its values are checked when a problem is made of them."""

    question: Any
    answer: Any = None
    kind: Any = None
    choices: Any = None
    solution: Any = None
    id: Any = None
    history: tuple[Exchange, ...] = ()
    system: str | None = None


class RowFormat(ABC):
    """How a row holds a problem. One class, without state, for every value of a source's `format`."""

    name: ClassVar[str]
    """The value of `format`."""
    defaults: ClassVar[Mapping[str, str]] = {}
    """Names of columns that are this format's own, where the setting under `columns` has its default."""
    needs: ClassVar[tuple[str, ...]]
    """Settings under `columns` whose column every source has."""
    without: ClassVar[tuple[str, ...]] = ()
    """Settings under `columns` that name nothing here."""
    telltale: ClassVar[frozenset[str]]
    """Columns by which a source of this format is recognised, for the message to somebody who set another one."""

    @abstractmethod
    def recognises(self, cells: Cells, columns: Columns) -> bool:
        """Whether a row is of this format."""

    @abstractmethod
    def fields(self, cells: Cells, columns: Columns) -> Fields:
        """What the row holds. Raises RowError where that cannot be told."""

    def images(self, cells: Cells, columns: Columns) -> Any:
        """The row's images: one, a list of them, or None."""
        return cells.get(columns.images)

    def named(self, columns: Columns) -> Columns:
        """The columns under the names that this format has for them; None for those that name nothing here."""
        changed = {}
        for column in fields(Columns):
            given = getattr(columns, column.name)
            if column.name in self.without and given != column.default:
                raise ValueError(
                    f"format: {self.name} has no use for columns.{column.name}={given!r}: it takes that from the "
                    "conversation; leave it out, or set `format: columns`"
                )
            if column.name in self.without:
                changed[column.name] = None
            elif given == column.default and column.name in self.defaults:
                changed[column.name] = self.defaults[column.name]
        return replace(columns, **changed)


def existing_columns(
    source: Source, form: RowFormat, present: Sequence[str], with_images: Sequence[str], hint: str = ""
) -> Columns:
    """The source's columns by the names that `form` has for them, with None for defaults that the data lack.

    Args:
        source: States the columns.
        form: Its format.
        present: The columns of the data.
        with_images: Those of them that hold images.
        hint: Ends the message about a column that is needed and absent.

    Raises:
        ValueError: A column that is needed or was named is absent, the kind is stated nowhere, or there are images
            that no setting mentions.
    """
    has = f"{source.path} has the columns {', '.join(present)}"
    try:
        columns = form.named(source.columns)
    except ValueError as error:
        raise ValueError(f"source {source.label}: {error}") from error
    if source.answer_in != "column":
        columns = replace(columns, answer=None)
    for column in fields(Columns):
        name = getattr(columns, column.name)
        if name is None or name in present:
            continue
        needed = column.name in form.needs
        if needed or getattr(source.columns, column.name) != column.default:
            also = "; `answer_in` takes it from the response" if column.name == "answer" else ""
            also += hint if needed else ""
            raise ValueError(f"source {source.label}: columns.{column.name}={name!r} does not exist; {has}{also}")
        columns = replace(columns, **{column.name: None})
    if columns.kind is None and source.kind is None:
        raise ValueError(
            f"source {source.label}: the kind of the answers is stated nowhere; set `kind` to one of "
            f"{', '.join(KINDS)} or reward.verifiers, or name a column under `columns.kind`; {has}"
        )
    unnamed = ", ".join(name for name in with_images if name not in vars(columns).values())
    if unnamed and columns.images is None and source.columns.images is not None:
        raise ValueError(
            f"source {source.label}: no setting names the images in {unnamed}; set `columns.images`, or set it to null "
            "to use the text alone"
        )
    if unnamed:
        _log.warning("source %s: the images in %s are not used", source.label, unnamed)
    return columns
