"""An image goes through the vision tower once per call, and once in all while the tower is frozen."""

from dataclasses import replace

import pytest
import torch

from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig
from tests.policy.test_log_probs import PROBLEMS, completions

TWICE = (PROBLEMS[2], replace(PROBLEMS[2], question="Which of <image> and <image> is smaller, then?"))
"""Two prompts of the same two images, and one of the second image alone."""
AGAIN = (*TWICE, replace(PROBLEMS[2], question="<image>How many?", images=PROBLEMS[2].images[1:]))


def frozen(folder, **settings):
    return Policy(PolicyConfig(name=str(folder), freeze=("vision", "projector"), **settings))


def log_probs(policy, problems):
    ids, mask = completions(policy, [6] * len(problems))
    return policy.log_probs([policy.encode(p) for p in problems], ids, mask).values


def held(policy):
    return sum(value.nbytes for value in policy.features._kept.values())


def test_a_frozen_tower_sees_an_image_once_and_a_trained_one_in_every_call(tiny_folder):
    for policy, forwards in ((frozen(tiny_folder), 4), (Policy(PolicyConfig(name=str(tiny_folder))), 8)):
        first = log_probs(policy, PROBLEMS)  # four images in all; two calls
        assert torch.equal(first, log_probs(policy, PROBLEMS))
        assert policy.features.forwards == forwards


@pytest.mark.parametrize("freeze", [(), ("vision", "projector")])
def test_an_image_of_several_prompts_is_encoded_once_per_call(tiny_folder, freeze):
    policy = Policy(PolicyConfig(name=str(tiny_folder), freeze=freeze))
    together = log_probs(policy, AGAIN)
    assert policy.features.forwards == 2
    policy.features.clear_cache()
    policy.sample([policy.encode(p) for p in AGAIN], SamplingConfig(max_tokens=2), [[0]] * 3)
    assert policy.features.forwards == 4
    ids, mask = completions(policy, [6] * 3)
    for row, each in enumerate(AGAIN):
        alone = policy.log_probs([policy.encode(each)], ids[row : row + 1], mask[row : row + 1]).values[0]
        torch.testing.assert_close(together[row], alone, atol=1e-5, rtol=0)


def test_the_gradient_of_an_image_of_two_prompts_is_the_sum_of_both(tiny_folder):
    def slope(problem_groups):
        policy = Policy(PolicyConfig(name=str(tiny_folder)))
        ids, mask = completions(policy, [6, 6])
        for rows in problem_groups:
            prompts = [policy.encode(TWICE[row]) for row in rows]
            policy.log_probs(prompts, ids[rows], mask[rows]).values.sum().backward()
        return policy.model.model.visual.patch_embed.proj.weight.grad

    both, apart = slope([[0, 1]]), slope([[0], [1]])
    assert (both - apart).norm() < 1e-5 * apart.norm()


def test_the_cache_counts_what_it_holds_and_keeps_holding_it(tiny_folder):
    policy = frozen(tiny_folder)
    policy.features.capacity = 20 * 128 * 4  # the 16 tokens of the two images, in float32, and no more than 20
    for _ in range(5):
        log_probs(policy, AGAIN)
        assert policy.features.held == held(policy) == 16 * 128 * 4
    assert policy.features.forwards == 2


def test_the_cache_is_bounded_and_dropped_when_the_tower_is_trained(tiny_folder):
    policy = frozen(tiny_folder, feature_cache_mib=0)
    log_probs(policy, PROBLEMS)
    assert policy.features.held == held(policy) == 0
    policy.features.capacity = 2**20
    log_probs(policy, PROBLEMS)
    assert 0 < policy.features.held == held(policy) <= 2**20
    policy.freeze(())
    log_probs(policy, PROBLEMS)
    assert policy.features.held == held(policy) == 0


def test_a_projector_that_is_trained_makes_no_features_to_keep(tiny_folder):
    policy = Policy(PolicyConfig(name=str(tiny_folder), freeze=("vision",)))
    log_probs(policy, PROBLEMS)
    assert policy.features.held == 0
