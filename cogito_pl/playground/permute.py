"""A control: problems that show the images of another one, so that only what words and sizes give away is left."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from cogito_pl.playground.parts import Row


def with_permuted_images(rows: Iterable[Row]) -> Iterator[Row]:
    """Passes the images on to the next problem of the same stratum, and those of its last problem to its first.

    Rows without images, and the only row of a stratum, have nothing to exchange and are left out.

    Args:
        rows: Problems of any families.

    Yields:
        The rows stratum by stratum, with another's images.
    """
    for _, members in groupby(sorted((row for row in rows if row.images), key=stratum), key=stratum):
        members = list(members)
        if len(members) > 1:
            for row, donor in zip(members, (members[-1], *members[:-1]), strict=True):
                yield replace(row, images=donor.images)


def stratum(row: Row) -> tuple[str, int, tuple[tuple[int, int], ...]]:
    """What a problem shares with those it may exchange images with: family, difficulty, sizes in pixels."""
    return row.family, row.difficulty, tuple(image.size for image in row.images)
