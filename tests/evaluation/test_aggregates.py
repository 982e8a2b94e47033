"""The numbers of the benchmarks, against tables computed by hand."""

import itertools
import random
from statistics import fmean

import pytest
import torch

from cogito_pl.evaluation.aggregates.all_of_group import AllOfGroup
from cogito_pl.evaluation.aggregates.categories import ByCategory
from cogito_pl.evaluation.aggregates.four_dimensions import Composite, FourDimensions, four_dimensions
from cogito_pl.evaluation.aggregates.graded import Scored
from cogito_pl.evaluation.aggregates.repeats import Repeats, pass_at_k
from cogito_pl.evaluation.aggregates.total import Total
from cogito_pl.evaluation.aggregates.variants import OverVariants
from cogito_pl.evaluation.aggregates.versions import MeanOfVersions


def computed(metric, scores: dict[str, float]) -> dict[str, float]:
    """The numbers of one completion per problem."""
    metric.update(Scored(name, 0, score) for name, score in scores.items())
    return metric.compute()


def test_accuracy_is_over_all_problems_and_within_every_category():
    meta = {"a": {"task": "Geometry Problem"}, "b": {"task": "Geometry Problem"}, "c": {"task": "VQA"}, "d": {}}
    found = computed(ByCategory(meta, columns=("task",)), {"a": 1, "b": 0, "c": 1, "d": 1})
    assert found == {"accuracy": 0.75, "task/geometry_problem": 0.5, "task/vqa": 1.0, "n": 4, "missing": 0}


def test_versions_of_unequal_size_count_the_same():
    meta = {"a": {"version": "Text Lite"}, "b": {"version": "Text Lite"}, "c": {"version": "Vision Only"}}
    found = computed(MeanOfVersions(meta), {"a": 1, "b": 1, "c": 0})
    assert found == {"accuracy": 0.5, "version/text_lite": 1, "version/vision_only": 0, "n": 3, "missing": 0}


def test_the_worst_case_counts_a_question_only_if_no_variant_fails():
    correct = {"q1": (1, 1, 1), "q2": (1, 1, 0), "q3": (0, 0, 0)}
    meta = {f"{q}/{v}": {"seed": q} for q in correct for v in range(3)}
    scores = {f"{q}/{v}": score for q, row in correct.items() for v, score in enumerate(row)}
    found = computed(OverVariants(meta, variants=3), scores)
    assert found["average"] == pytest.approx(5 / 9)
    assert found["worst"] == pytest.approx(1 / 3)
    assert found["robustness"] == pytest.approx(3 / 5)


def test_a_question_that_lacks_a_variant_has_no_worst_case_and_is_counted():
    meta = {f"{q}/{v}": {"seed": q} for q in "ab" for v in range(3)}
    found = computed(OverVariants(meta, variants=3), {"a/0": 1, "a/1": 1, "a/2": 1, "b/0": 0, "b/1": 1})
    assert (found["worst"], found["incomplete_questions"], found["average"]) == (1.0, 1.0, 0.8)
    assert (found["n"], found["missing"]) == (5.0, 1.0)
    assert "worst" not in computed(OverVariants(meta, variants=10), {"a/0": 1})


def test_nothing_solved_has_robustness_zero():
    assert computed(OverVariants({"a": {"seed": "1"}}, variants=1), {"a": 0})["robustness"] == 0


def composites() -> dict[str, tuple[tuple[int, ...], int]]:
    """By hand: one each of CM, loose CM (one step of two), RM in both counts, IG, and two IK."""
    return {"cm": ((1, 1), 1), "loose": ((1, 0, 1), 1), "rm": ((0, 0), 1), "ig": ((1, 1), 0), "ik": ((1, 0, 0), 0),
            "none": ((0, 0), 0)}  # fmt: skip


def test_the_four_dimensions_of_we_math_by_hand():
    meta, scores = {}, {}
    for name, (steps, whole) in composites().items():
        for role, score in (*((str(n), step) for n, step in enumerate(steps, 1)), ("multi", whole)):
            parts = len(steps)
            about = {"composite": name, "role": role, "parts": parts, "steps": parts if role == "multi" else 1}
            meta[f"{name}/{role}"], scores[f"{name}/{role}"] = about, score
    found = computed(FourDimensions(meta), scores)
    assert (found["ik"], found["ig"]) == (2 / 6, 1 / 6)
    assert (found["strict_cm"], found["strict_rm"], found["strict"]) == (1 / 6, 2 / 6, 1.5 / 6)
    assert (found["loose_cm"], found["loose_rm"], found["loose"]) == (2 / 6, 1 / 6, 2.5 / 6)
    assert found["strict_rm_rate"] == pytest.approx(2 / 3)
    assert found["loose_rm_rate"] == pytest.approx(1 / 3)
    assert (found["s1"], found["s2"], found["s3"]) == (7 / 14, 2 / 4, 1 / 2)
    assert found["incomplete_composites"] == 0
    left_out = {name: score for name, score in scores.items() if name != "cm/2"}
    again = computed(FourDimensions(meta), left_out)
    assert (again["incomplete_composites"], again["strict"]) == (1.0, 0.5 / 5)


def test_the_score_of_we_math_is_mastery_plus_half_of_inadequate_generalisation():
    draw = random.Random(3)
    for share in (0.1, 0.6, 0.9):
        drawn = [
            Composite(tuple(draw.random() < share for _ in range(parts)), draw.random() < share)
            for parts in [2] * 360 + [3] * 165
        ]
        found = four_dimensions(drawn)
        for count in ("strict", "loose"):
            assert found[count] == pytest.approx(found[f"{count}_cm"] + found["ig"] / 2)
            assert found["ik"] + found["ig"] + found[f"{count}_cm"] + found[f"{count}_rm"] == pytest.approx(1)


def test_we_math_with_sixty_percent_at_random_has_the_expected_scores():
    parts = ((2, 360 / 525), (3, 165 / 525))
    strict = sum(weight * 0.6**n * (0.6 + 0.4 / 2) for n, weight in parts)
    loose = sum(weight * ((1 - 0.4**n) * 0.6 + 0.6**n * 0.4 / 2) for n, weight in parts)
    draw = random.Random(5)
    drawn = [
        Composite(tuple(draw.random() < 0.6 for _ in range(n)), draw.random() < 0.6)
        for n in ([2] * 360 + [3] * 165) * 40
    ]
    found = four_dimensions(drawn)
    assert found["strict"] == pytest.approx(strict, abs=0.01)
    assert found["loose"] == pytest.approx(loose, abs=0.01)


def test_we_math_without_any_whole_solved_has_no_division_by_zero():
    found = four_dimensions([Composite((True, True), False)])
    assert (found["strict_rm_rate"], found["loose_rm_rate"], found["strict"]) == (0, 0, 0.5)


def test_hallusionbench_counts_figures_and_pairs_of_which_all_are_correct():
    meta = {f"{f}{q}": {"figure": f"f{f}", "pair": f"q{q}"} for f, q in itertools.product("12", "ab")}
    found = computed(AllOfGroup(meta), {"1a": 1, "1b": 1, "2a": 1, "2b": 0})
    assert (found["aacc"], found["facc"], found["qacc"]) == (0.75, 0.5, 0.5)
    assert found["score"] == pytest.approx(1.75 / 3)


def test_pass_at_k_is_the_share_of_draws_with_a_correct_one():
    for n, c, k in itertools.product((1, 4, 6), (0, 1, 3), (1, 2, 4)):
        if k <= n and c <= n:
            draws = list(itertools.combinations([1] * c + [0] * (n - c), k))
            assert pass_at_k(n, c, k) == pytest.approx(fmean(float(any(draw)) for draw in draws))
    with pytest.raises(ValueError, match="take 1 to 2"):
        pass_at_k(2, 1, 3)


def test_repeats_give_the_average_and_pass_at_k():
    metric = Repeats({"a": {}, "b": {}}, samples=4)
    metric.update(Scored(name, k, score) for name, row in {"a": (1, 0, 0, 0), "b": (1, 1, 1, 1)}.items()
                  for k, score in enumerate(row))  # fmt: skip
    found = metric.compute()
    assert found == {"avg@4": 0.625, "pass@1": 0.625, "pass@2": 0.75, "pass@4": 1.0, "n": 2, "missing": 0}


def test_points_are_summed_by_type():
    meta = {"a": {"type": "Scene VQA"}, "b": {"type": "Scene VQA"}, "c": {"type": "Doc VQA"}}
    found = computed(Total(meta), {"a": 1, "b": 1, "c": 0})
    assert (found["score"], found["score/scene_vqa"], found["score/doc_vqa"]) == (2, 2, 0)
    assert found["accuracy"] == pytest.approx(2 / 3)


META = {f"p{n}": {"task": "odd" if n % 2 else "even"} for n in range(7)}
SCORED = [Scored(f"p{n}", k, float((n + k) % 3 == 0)) for n in range(7) for k in range(2)]


def by_ranks(shares: list[list[Scored]]) -> list[dict[str, float]]:
    """What every rank computes after torchmetrics has gathered the states of all."""
    metrics = [ByCategory(META, samples=2, columns=("task",)) for _ in shares]
    for metric, share in zip(metrics, shares, strict=True):
        metric.update(share)
    states = [{name: value.clone() for name, value in metric.metric_state.items()} for metric in metrics]

    def gather(metric):
        names = {id(value): name for name, value in metric.metric_state.items()}
        return lambda state, group: [other[names[id(state)]] for other in states]

    for metric in metrics:
        metric.dist_sync_fn, metric.distributed_available_fn = gather(metric), lambda: True
    return [metric.compute() for metric in metrics]


def test_numbers_depend_neither_on_the_ranks_nor_on_the_order_nor_on_what_is_given_twice():
    [alone] = by_ranks([SCORED])
    assert 0 < alone["accuracy"] < 1
    assert alone["missing"] == 0
    shuffled = random.Random(0).sample(SCORED, len(SCORED))
    for shares in ([shuffled], [SCORED[::2], SCORED[1::2]], [SCORED, SCORED[:5]], [[], shuffled[:3], shuffled[2:]]):
        assert by_ranks(shares) == [alone] * len(shares)


def test_what_was_not_graded_is_counted_and_not_wrong():
    metric = ByCategory(META, samples=2)
    metric.update([Scored("p1", 1, 1.0)])
    assert metric.compute() == {"accuracy": 1.0, "n": 1.0, "missing": 6.0}
    assert ByCategory(META).compute() == {"n": 0.0, "missing": 7.0}


def test_a_problem_or_sample_of_another_run_is_refused():
    metric = ByCategory(META, samples=2)
    for wrong in (Scored("elsewhere", 0, 1.0), Scored("p1", 2, 1.0)):
        with pytest.raises(ValueError, match=f"sample {wrong.sample} of problem '{wrong.id}' is not one of 7 problems"):
            metric.update([wrong])
    with pytest.raises(ValueError, match="nothing to sum up"):
        ByCategory({})


def test_the_states_are_sums_of_one_size_on_every_rank():
    metric = ByCategory(META, samples=2)
    assert {name: tuple(value.shape) for name, value in metric.metric_state.items()} == {
        "total": (7, 2),
        "count": (7, 2),
    }
    assert metric.total.dtype == torch.float64
