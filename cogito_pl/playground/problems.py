"""Drawn problems as problems in memory, without a file."""

from collections.abc import Iterable

from cogito_pl.playground.parts import PartSpec
from cogito_pl.problem import LazyImage, Problem


def drawn_problems(spec: PartSpec, indices: Iterable[int]) -> list[Problem]:
    """The problems of a part at these indices, with family and difficulty in `meta`."""
    return [
        Problem(
            id=row.id,
            question=row.question,
            answer=row.answer,
            kind=row.kind,
            choices=row.choices,
            images=tuple(LazyImage.of(image) for image in row.images),
            meta={"family": row.family, "difficulty": row.difficulty},
        )
        for row in map(spec.row, indices)
    ]
