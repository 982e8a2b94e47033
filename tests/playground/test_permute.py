from collections import Counter

from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.permute import stratum, with_permuted_images


def drawn(count):
    return [PartSpec(part="test", seed=4).row(index) for index in range(count)]


def pixels(row):
    return tuple(image.tobytes() for image in row.images)


def test_permuting_exchanges_images_within_a_stratum_and_nothing_else():
    rows = drawn(160)
    permuted = list(with_permuted_images(rows))
    own = {row.id: row for row in rows}
    assert len(permuted) > 80
    for row in permuted:
        before = own[row.id]
        assert (row.question, row.answer, row.choices) == (before.question, before.answer, before.choices)
        assert stratum(row) == stratum(before)
        assert pixels(row) != pixels(before)
    kept = [own[row.id] for row in permuted]
    assert Counter(map(pixels, permuted)) == Counter(map(pixels, kept))


def test_problems_that_cannot_exchange_images_are_left_out():
    rows = drawn(24)
    alone = [row for row in rows if not row.images or sum(stratum(other) == stratum(row) for other in rows) == 1]
    left = {row.id for row in with_permuted_images(rows)}
    assert alone
    assert not left & {row.id for row in alone}
    assert left | {row.id for row in alone} == {row.id for row in rows}
