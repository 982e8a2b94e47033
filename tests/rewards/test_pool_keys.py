"""What a kept grade depends on: everything in its request; and a busy or broken machine is not remembered."""

import itertools
import os
import time
from pathlib import Path

import pytest
from graders import obedient

from cogito_pl.rewards import Grade, GradeOptions, GradeRequest, GraderPool

RESPONSE, GOLD, KIND = ("r", "s"), ("g", "h"), ("text", "math")
CHOICES, OPTIONS = ((), ("A", "B")), (GradeOptions(), GradeOptions(decimals=1))


def echo(response, gold, kind, choices=(), options=None):
    """Tells what it was asked."""
    return Grade(True, 1.0, True, repr((response, gold, kind, tuple(choices), options)), "echo")


def first_time_busy(response, gold, kind, choices=(), options=None):
    """Hangs, or dies, twice at most: `gold` is a folder that counts."""
    count = len(os.listdir(gold))
    (Path(gold) / str(count)).touch()
    if response == "hang" and count < 1:
        time.sleep(60)
    if response == "die" and count < 2:
        os._exit(3)
    return obedient("fine", gold, kind)


@pytest.fixture(scope="module")
def pool():
    with GraderPool(workers=1, grader=echo) as pool:
        yield pool


def test_requests_that_differ_in_one_thing_do_not_share_a_grade(pool):
    requests = [GradeRequest(*parts) for parts in itertools.product(RESPONSE, GOLD, KIND, CHOICES, OPTIONS)]
    for request in requests:  # one call each, so that every answer but the first could come from the cache
        (grade,) = pool.grade_all([request])
        assert grade.extracted == repr(tuple(request))
    assert pool.counters["cache_hits"] == 0


@pytest.mark.parametrize(("response", "rule"), [("hang", "deadline"), ("die", "died")])
def test_what_a_machine_did_once_is_graded_again(tmp_path, response, rule):
    with GraderPool(workers=1, deadline_s=0.5, grader=first_time_busy) as pool:
        request = GradeRequest(response, str(tmp_path), "text")
        assert pool.grade_all([request])[0].rule == rule
        assert pool.grade_all([request])[0].rule == "test"
        assert pool.counters["cache_hits"] == 0
