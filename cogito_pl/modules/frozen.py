"""Log-probabilities that stay fixed while a rollout is trained on: of the policy that sampled, and of the reference."""

from dataclasses import replace

import torch
from torch import Tensor

from cogito_pl.policy import Policy
from cogito_pl.policy.reference import Reference
from cogito_pl.rl.rollout import Rollout
from cogito_pl.rl.schedule import RolloutSchedule


@torch.no_grad()
def with_frozen_log_probs(
    rollout: Rollout,
    policy: Policy,
    reference: Reference | None,
    *,
    reached: Tensor,
    schedule: RolloutSchedule,
    temperature: float,
) -> Rollout:
    """Adds them to the rollout. Ranks make equally many forwards.

    Args:
        rollout: As it was sampled and weighted.
        policy: That sampled it.
        reference: Of the KL term; None where there is none.
        reached: Rows that some loss term reaches, `[B]`; the others need no forward.
        schedule: Where the policy takes one update on a rollout, its own log-probabilities of old are the current ones.
        temperature: Of sampling.
    """
    moves = schedule.updates_per_rollout > 1
    zeros = torch.zeros_like(rollout.mask, dtype=torch.float32)
    old = zeros.clone() if moves else None
    ref = zeros.clone() if reference is not None else None
    parts = reached.nonzero()[:, 0].split(schedule.micro_batch)
    parts = [part for part in parts if len(part) and (moves or reference)]
    for part in parts:
        micro = rollout.micro_batch(part.tolist())
        inputs, columns = (micro.prompts, micro.completions, micro.mask), slice(micro.mask.shape[1])
        if old is not None:
            old[part, columns] = policy.log_probs(*inputs, temperature=temperature).values
        if ref is not None:
            ref[part, columns] = reference.log_probs(*inputs, temperature=temperature)
    passes = int(moves) + int(reference is not None and reference.live)
    for _ in range(passes * (policy.ranks.most(len(parts)) - len(parts))):  # other ranks have more rows
        policy.zero()
    if reference is not None:
        reference.offload()
    return replace(rollout, old_log_probs=old, ref_log_probs=ref)
