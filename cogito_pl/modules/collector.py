"""From a batch of problems to a graded rollout: encode, sample, decode, verify. Knows no trainer and no loss."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cogito_pl.data.loading import Batch
from cogito_pl.policy import Policy, SamplingConfig
from cogito_pl.rewards import Reward
from cogito_pl.rl.rollout import Rollout
from cogito_pl.seeds import stable_seed


def collect_rollout(
    policy: Policy,
    reward: Reward,
    batch: Batch,
    sampling: SamplingConfig,
    *,
    group_size: int,
    seed_key: tuple[object, ...],
    policy_step: int,
    rollout_batch_size: int,
) -> Rollout:
    """Samples and grades completions; a pure function of the policy's weights, the seed and the draws.

    Args:
        policy: Samples.
        reward: Grades.
        batch: The problems, with the numbers of their draws.
        sampling: How completions are drawn.
        group_size: Completions per problem.
        seed_key: What the seeds depend on besides the draw and the place in the group.
        policy_step: Recorded in the rollout.
        rollout_batch_size: Completions that are decoded side by side, in whole groups.

    Returns:
        The rollout, advantages still zero.
    """
    prompts = [policy.encode(problem) for problem in batch.problems]
    seeds = [
        [stable_seed(*seed_key, number, problem.id, sample) for sample in range(group_size)]
        for number, problem in zip(batch.draws, batch.problems, strict=True)
    ]
    chunk = max(1, rollout_batch_size // group_size)
    starts = range(0, len(prompts), chunk)
    others = policy.ranks.most(len(starts)) - len(starts)  # asked before any rank samples, which ranks do in step
    parts = [policy.sample(prompts[start : start + chunk], sampling, seeds[start : start + chunk]) for start in starts]
    for _ in range(others):
        policy.sample(prompts[:1], sampling, seeds[:1])
    completions = stack_rows([part.ids for part in parts], policy.encoder.pad_id)
    mask = stack_rows([part.mask for part in parts], False)
    texts = tuple(policy.encoder.decode(ids[keep].tolist()) for ids, keep in zip(completions, mask, strict=True))
    result = reward.score(texts, [problem for problem in batch.problems for _ in range(group_size)])
    rewards = torch.tensor(result.total, device=completions.device)
    return Rollout(
        problems=batch.problems,
        draws=batch.draws,
        prompts=tuple(prompts),
        policy_step=policy_step,
        completions=completions,
        mask=mask,
        finished=torch.cat([part.finished for part in parts]),
        texts=texts,
        grades=tuple(result.grades),
        rewards=rewards,
        reward_terms={name: torch.tensor(values, device=rewards.device) for name, values in result.terms.items()},
        advantages=torch.zeros_like(rewards),
        weights=torch.ones(len(prompts), device=rewards.device),
    )


def stack_rows(parts: Sequence[Tensor], fill: int | bool) -> Tensor:
    """Stacks `[B_i, T_i]` to `[sum B_i, max T_i]`, filled on the right."""
    width = max(part.shape[1] for part in parts)
    return torch.cat([torch.nn.functional.pad(part, (0, width - part.shape[1]), value=fill) for part in parts])
