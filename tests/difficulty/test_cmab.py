"""The scorer looks at the first right response, whoever else is scored, and its record outlives the model."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.difficulty.balance import BalanceConfig, balance
from cogito_pl.difficulty.captures import capture_path, load_capture, save_capture
from cogito_pl.difficulty.cmab import CMAB, CMABConfig
from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig, token_sets
from cogito_pl.rewards import Grade
from cogito_pl.rewards.reward import RewardResult
from tests.policy.test_log_probs import PROBLEMS


class ParityReward:
    """Calls a response right when its length is divisible by three: unlike right answers, some samples are."""

    def score(self, responses, problems):
        grades = [Grade(len(text) % 3 == 0, 0.0, True, "", "parity") for text in responses]
        return RewardResult([], {}, grades)


class NothingIsRight:
    def score(self, responses, problems):
        return RewardResult([], {}, [Grade(False, 0.0, True, "", "never") for _ in responses])


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


CONFIG = CMABConfig(tries=6, tries_at_once=3, sampling=SamplingConfig(max_tokens=12), sample_rows=6)


@pytest.fixture(scope="module")
def records(policy):
    return CMAB(CONFIG).score(policy, ParityReward(), PROBLEMS)


def test_a_record_states_the_balance_of_the_first_right_response(policy, records):
    assert any(record.solved for record in records)
    for problem, record in zip(PROBLEMS, records, strict=True):
        assert record.id == problem.id
        if not record.solved:
            assert (record.tries, record.rho, record.variants, record.capture) == (6, None, None, None)
            continue
        assert len(record.response) % 3 == 0
        prompt = policy.encode(problem)
        sets = token_sets(policy.encoder, problem, prompt)
        assert record.image_tokens == int((sets.of > 5).sum())
        assert record.image_tokens + record.text_tokens == len(prompt)
        assert record.capture.sums.shape == (4, record.response_tokens, 6 + len(problem.images))
        assert record.capture.sizes.sum() == len(prompt) + record.response_tokens - 1
        assert record.rho == record.variants["paper"] == balance(record.capture.sums, record.capture.sizes)


def test_a_record_does_not_depend_on_other_problems_nor_on_how_many_tries_are_drawn_at_once(policy, records):
    for at_once, rows in ((1, 1), (6, 64)):
        scorer = CMAB(replace(CONFIG, tries_at_once=at_once, sample_rows=rows))
        for problem, expected in zip(PROBLEMS, records, strict=True):
            (record,) = scorer.score(policy, ParityReward(), [problem])
            assert (record.response, record.tries, record.solved) == (
                expected.response,
                expected.tries,
                expected.solved,
            )
            assert record.rho == pytest.approx(expected.rho, rel=1e-4) if record.solved else record.rho is None


def test_another_seed_draws_other_responses(policy, records):
    others = CMAB(replace(CONFIG, seed=1)).score(policy, ParityReward(), PROBLEMS)
    assert [record.response for record in others] != [record.response for record in records]


def test_a_problem_that_nobody_solves_is_unsolved_after_all_tries(policy):
    (record,) = CMAB(CONFIG).score(policy, NothingIsRight(), PROBLEMS[:1])
    assert record.row() == {
        "id": PROBLEMS[0].id, "solved": False, "tries": 6, "rho": None, "variants": None,
        "image_tokens": 0, "text_tokens": 0, "response_tokens": 0, "response": None,
    }  # fmt: skip


def test_responses_drawn_elsewhere_are_verified_and_looked_at(policy):
    right, wrong = CMAB(CONFIG).score_given(policy, ParityReward(), PROBLEMS[:2], ["123456", "12"])
    assert (right.solved, right.response, right.tries) == (True, "123456", 1)
    assert right.response_tokens == len(policy.encoder.encode_completion("123456"))
    assert right.rho > 0
    assert (wrong.solved, wrong.rho) == (False, None)


def test_the_balance_s_setting_decides_the_score(policy):
    config = replace(CONFIG, balance=BalanceConfig(per_token=True))
    (record,) = CMAB(config).score_given(policy, ParityReward(), PROBLEMS[:1], ["123"])
    assert record.rho == record.variants["per_token"] != record.variants["paper"]


def test_a_capture_on_disk_gives_every_variant_again(tmp_path, records):
    record = next(record for record in records if record.solved)
    path = save_capture(tmp_path, record.id, record.capture)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    found = load_capture(tmp_path, record.id)
    assert torch.equal(found.sums, record.capture.sums)
    for name, config in {"paper": BalanceConfig(), "question": BalanceConfig(text="question")}.items():
        assert balance(found.sums, found.sizes, config) == record.variants[name]
    with pytest.raises(FileNotFoundError, match=r"no attention of problem '\.\./\.\./other'"):
        load_capture(tmp_path, "../../other")
    path.rename(capture_path(tmp_path, "other"))
    with pytest.raises(ValueError, match="not of 'other'"):
        load_capture(tmp_path, "other")


def test_a_sharded_policy_is_refused(policy):
    policy.ranks.in_step = True
    try:
        with pytest.raises(ValueError, match="not with FSDP2"):
            CMAB(CONFIG).score(policy, ParityReward(), PROBLEMS[:1])
    finally:
        policy.ranks.in_step = False


@pytest.mark.parametrize("settings", [{"tries": 0}, {"tries_at_once": 0}, {"sample_rows": 0}])
def test_impossible_settings_are_refused_by_name(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        replace(CONFIG, **settings)


def test_greedy_tries_cannot_be_several():
    with pytest.raises(ValueError, match="temperature=0"):
        replace(CONFIG, sampling=SamplingConfig(temperature=0))
