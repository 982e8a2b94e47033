"""Checks the data sources of a recipe before anything is trained: their files, and the columns of a breakdown."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cogito_pl.data.reading.folders import open_table
from cogito_pl.data.sampling_changes import SamplingChanges
from cogito_pl.data.source import Columns, Source
from cogito_pl.experiments.graded import OF_EVERY_ROW
from cogito_pl.experiments.log import libraries_log_to
from cogito_pl.experiments.phases import SettingsError


def check_sources(sources: Iterable[Mapping[str, Any]], by: Sequence[str] = ()) -> None:
    """Opens the sources, each once.

    Args:
        sources: As plain values.
        by: Columns that each of them must have beside those that make a problem.

    Raises:
        SettingsError: A source cannot be opened, or has no column of `by`.
    """
    for source in dict.fromkeys(map(source_of, sources)):
        try:
            with libraries_log_to(Path(os.devnull)):
                table = open_table(source)
        except (OSError, ValueError) as error:
            raise SettingsError(str(error)) from error
        known = [name for name in table.columns if name not in vars(source.columns).values()]
        if missing := [name for name in by if name not in (*known, *OF_EVERY_ROW)]:
            raise SettingsError(
                f"--by {missing[0]}: the source {source.label} of the test has no such column; choose one of "
                f"{', '.join((*OF_EVERY_ROW, *known))}, or leave --by out"
            )


def source_of(values: Mapping[str, Any]) -> Source:
    """A source from plain values."""
    nested = {"columns": Columns(**values["columns"]), "sampling": SamplingChanges(**values["sampling"])}
    return Source(**{**values, **nested})
