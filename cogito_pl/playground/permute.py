"""Permutes images among problems (control): what is solved then is solved from words and image sizes alone."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from cogito_pl.playground.parts import Row


def with_permuted_images(rows: Iterable[Row]) -> Iterator[Row]:
    """Gives each problem the images of the one before it in its stratum, and the first those of the last.

    Rows without images and strata of a single row are left out.

    Args:
        rows: Problems of any families.

    Yields:
        The rows, stratum by stratum, each with the images of another.
    """
    for _, members in groupby(sorted((row for row in rows if row.images), key=stratum), key=stratum):
        members = list(members)
        if len(members) > 1:
            for row, donor in zip(members, (members[-1], *members[:-1]), strict=True):
                yield replace(row, images=donor.images)


def stratum(row: Row) -> tuple[str, int, tuple[tuple[int, int], ...]]:
    """What problems that exchange images have in common: family, difficulty, image sizes in pixels."""
    return row.family, row.difficulty, tuple(image.size for image in row.images)
