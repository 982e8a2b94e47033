import json
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogito_pl.problem import LazyImage, Problem
from cogito_pl.rewards import BoxOptions, Reward, RewardConfig, check_gold, grade
from cogito_pl.rewards.verifier.boxes import Box, best_partners, overlap, parse

THREE = [[10, 10, 50, 50], [60, 60, 90, 90], [100, 100, 120, 130]]
corner = st.integers(0, 40)
boxes = st.lists(
    st.tuples(corner, corner, st.integers(1, 20), st.integers(1, 20)).map(
        lambda box: [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    ),
    min_size=1,
    max_size=5,
)


def verdict(answer: object, gold: object = THREE, **options: object):
    stated = {"boxes": gold, **options} if options else gold
    return grade(answer if isinstance(answer, str) else json.dumps(answer), json.dumps(stated), "boxes")


@pytest.mark.parametrize(
    ("answer", "score"),
    [(THREE, 1.0), (THREE[:1], 1 / 2), (THREE[:2], 4 / 5), ([*THREE, [0, 0, 5, 5]], 6 / 7), ([[0, 0, 5, 5]], 0.0)],
)
def test_misses_and_extra_boxes_cost(answer, score):
    found = verdict(answer)
    assert found.score == pytest.approx(score)
    assert found.correct is (answer == THREE)


def test_some_overlap_is_not_enough():
    gold = [[0, 0, 10, 10]]
    assert not verdict([[9, 9, 19, 19]], gold).correct
    assert not verdict([[0, 0, 10, 4.9]], gold).correct
    assert verdict([[0, 0, 10, 5]], gold).correct
    assert not verdict([[0, 0, 10, 5]], gold, iou=0.75).correct
    assert verdict([[0, 0, 10, 8]], gold, iou=0.75).correct


def test_partial_credit_by_overlap_grows_with_it():
    gold = [[0, 0, 10, 10]]
    scores = [verdict([[0, 0, 10, height]], gold, partial="overlap").score for height in (2, 4, 6, 10)]
    assert scores == [pytest.approx(share) for share in (0.2, 0.4, 0.6, 1.0)]


@given(answer=boxes, gold=boxes)
def test_the_pairs_are_the_best_of_all_and_the_score_is_symmetric(answer, gold):
    left, right = sorted(([Box(tuple(box)) for box in side] for side in (answer, gold)), key=len)
    overlaps = [[overlap(one, other) for other in right] for one in left]
    ways = [
        [overlaps[row][column] for row, column in enumerate(way)] for way in permutations(range(len(right)), len(left))
    ]
    pairs = max(sum(share >= 0.5 for share in way) for way in ways)
    assert verdict(answer, gold).score == pytest.approx(2 * pairs / (len(answer) + len(gold)))
    assert verdict(answer, gold).score == verdict(gold, answer).score
    assert verdict(answer, gold).correct is (2 * pairs == len(answer) + len(gold))


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_partners_have_the_greatest_worth_of_all(rows, columns, seed):
    chance = np.random.default_rng(seed)
    worth = np.round(chance.random((rows, columns)) * chance.integers(0, 2, (rows, columns)), 1)
    pairs, tall = best_partners(worth), worth if rows <= columns else worth.T
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs) == min(rows, columns)
    best = max(
        sum(tall[row, column] for row, column in enumerate(way))
        for way in permutations(range(tall.shape[1]), len(tall))
    )
    assert sum(worth[pair] for pair in pairs) == pytest.approx(best)


LABELLED = [{"bbox_2d": [10, 10, 50, 50], "label": "Cat"}, {"bbox_2d": [60, 60, 90, 90], "label": "a {dog} café"}]


@pytest.mark.parametrize(
    "response",
    [
        json.dumps(LABELLED),
        json.dumps(LABELLED, ensure_ascii=False),
        json.dumps({"objects": LABELLED}),
        f"<answer>```json\n{json.dumps(LABELLED, indent=2)}\n```</answer>",
        '{"label": "cat", "bbox": [10,10,50,50]}\n{"label": "dog café", "bbox": [60,60,90,90]}'.replace(
            "dog", "a {dog}"
        ),
    ],
)
def test_labelled_boxes_are_read_however_they_are_written(response):
    assert verdict(response, LABELLED).correct


def test_labels_count_where_the_gold_has_them():
    (cat, dog), swapped = LABELLED, [LABELLED[0] | {"label": "dog"}, LABELLED[1] | {"label": "cat"}]
    assert verdict([cat["bbox_2d"], dog["bbox_2d"]], LABELLED).score == 0.0
    assert verdict(swapped, LABELLED).score == 0.0
    assert verdict([cat | {"label": "CAT."}], [cat]).correct
    assert verdict(LABELLED, [cat["bbox_2d"], dog["bbox_2d"]]).correct
    assert verdict("[{'bbox_2d': [10, 10, 50, 50], 'label': 'cat'}]", [cat]).correct


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no boxes",
        "[1, 2, 3]",
        "[" * 1900,
        '{"bbox_2d": [1, 2' * 100,
        '{"' * 900,
        '"label": "' * 190,
        "[1,2,3,4]" * 501,
        "\ud800",
    ],
)
def test_what_states_no_boxes_is_unreadable_and_raises_nothing(text):
    assert parse(text) is None
    assert verdict(text).rule == "none"


def test_an_empty_list_states_that_there_is_nothing():
    assert verdict("[]", []).correct
    assert verdict("```json\n[]\n```", THREE).parsed
    assert verdict("[]", THREE).score == verdict(THREE, []).score == 0.0


@pytest.mark.parametrize(
    ("answer", "frame", "answer_frame"),
    [
        ([100, 100, 500, 500], "pixels", "thousand"),
        ([0.1, 0.1, 0.5, 0.5], "pixels", "unit"),
        ([64, 48, 320, 240], "pixels", "pixels"),
        ([64, 48, 320, 240], "pixels", None),
    ],
)
def test_the_gold_comes_to_the_frame_of_the_answer(answer, frame, answer_frame):
    said = {"frame": frame, "answer_frame": answer_frame, "size": [640, 480], "iou": 0.99}
    assert verdict([answer], [[64, 48, 320, 240]], **said).correct
    wrong = verdict([[side * 2 for side in answer]], [[64, 48, 320, 240]], **said)
    assert wrong.parsed
    assert not wrong.correct


def problem(answer: object, *images: LazyImage) -> Problem:
    return Problem(
        id="p", question="<image>" * len(images) + "?", answer=json.dumps(answer), kind="boxes", images=images
    )


def test_a_reward_takes_the_size_from_the_image_and_lets_the_row_overrule_it():
    image = LazyImage("p", (640, 480), load=lambda: None)
    reward = Reward(RewardConfig(boxes=BoxOptions(frame="pixels", answer_frame="thousand")))
    row = {"boxes": [[0.1, 0.1, 0.5, 0.5]], "frame": "unit"}
    problems = [problem([[64, 48, 320, 240]], image), problem(row, image)]
    assert [verdict.correct for verdict in reward.score(["[100,100,500,500]"] * 2, problems).grades] == [True, True]
    assert [reward.rejection(each) for each in problems] == [None, None]
    blind = problem([[64, 48, 320, 240]])
    assert "size" in reward.rejection(blind)
    with pytest.raises(ValueError, match="only with the size"):
        reward.score(["[100,100,500,500]"], [blind])
    half = Reward(RewardConfig(boxes=BoxOptions(answer_frame="thousand")))
    assert "boxes.frame" in half.rejection(blind)


@pytest.mark.parametrize(
    ("gold", "reason"),
    [
        ("the red car", "holds no list"),
        ("[[5, 5, 1, 1]]", "no area"),
        ('{"boxes": [[1,1,5,5]], "colour": "red"}', "colour"),
        ('{"boxes": [[1,1,5,5]], "iou": 2}', "iou"),
        ('{"boxes": [[1,1,5,5]], "iou": "half"}', "iou"),
        ('{"boxes": [[1,1,5,5]], "frame": "inches"}', "inches"),
        ('{"boxes": [[1,1,5,5]], "size": [640]}', "size"),
    ],
)
def test_a_gold_that_cannot_be_compared_is_refused_with_a_reason(gold, reason):
    assert reason in check_gold(gold, "boxes")
