"""Seeds and digests are the same in every process, on every machine and in every version."""

import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cogito_pl.seeds import digest, stable_seed

PARTS = st.one_of(st.integers(), st.text(), st.floats(allow_nan=False), st.tuples(st.text(), st.integers()))


def test_seeds_stay_what_they_were():
    assert stable_seed(17, "training", 3, "p0", 1) == 7061273940239612257
    assert stable_seed(17, "training", 3, "p0", 1, bits=32) == 3288161913
    assert stable_seed(1.5, ("a", 2), bits=64) == 10547050109043127362


@given(st.lists(PARTS, max_size=4), st.integers(1, 64))
def test_a_seed_has_the_leading_bits_of_the_longest(key, bits):
    assert stable_seed(*key, bits=bits) == stable_seed(*key, bits=64) >> (64 - bits) < 2**bits


@given(st.lists(PARTS, max_size=4))
def test_the_default_seeds_a_generator_of_torch(key):
    generator = torch.Generator().manual_seed(stable_seed(*key))
    assert generator.initial_seed() == stable_seed(*key)


@pytest.mark.parametrize("other", [("ab", "c"), ("a", "bc", ""), ("bc", "a"), (("a", "bc"),), ("a",)])
def test_a_key_is_more_than_its_letters(other):
    assert stable_seed("a", "bc") != stable_seed(*other)
    assert stable_seed(1) != stable_seed("1")


def test_digests_are_blake2b_of_text_or_bytes():
    assert digest("abc") == digest(b"abc") == "d8bb14d833d59559"
    assert digest("é", 16) == hashlib.blake2b("é".encode(), digest_size=16).hexdigest()
