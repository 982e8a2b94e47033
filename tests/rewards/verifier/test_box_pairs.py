"""Boxes are paired so that as many as possible overlap enough, even where other pairs overlap more in sum."""

import json

import pytest

from cogito_pl.rewards import Reward, RewardConfig
from cogito_pl.rewards.verifier.parsing.box_frames import BoxOptions
from tests.conftest import problem

GOLD = [[40, 0, 140, 10], [75, 0, 180, 10]]
FOUND = [[40, 0, 145, 10], [7, 0, 107, 10]]
"""Overlaps 0.95 and 0.50 with the first gold box, 0.50 and 0.18 with the second: in sum 1.14 or 1.00."""


@pytest.mark.parametrize(("iou", "correct"), [(0.5, True), (0.502, False)])
@pytest.mark.parametrize("order", [1, -1])
def test_two_pairs_that_overlap_enough_go_before_one_that_overlaps_more(iou, correct, order):
    reward = Reward(RewardConfig(boxes=BoxOptions(iou=iou), format=0.0))
    asked = problem(answer=json.dumps(GOLD), kind="boxes")
    (grade,) = reward.score([f"<answer>{json.dumps(FOUND[::order])}</answer>"], [asked]).grades
    reward.close()
    assert grade.correct == correct
    assert grade.score == (1.0 if correct else pytest.approx(0.5))
