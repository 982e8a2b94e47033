"""The record of a rollout: prompts, completions, what they were worth, how much they count.

Frozen: whoever changes something returns a new record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from cogito_pl.problem import Problem
from cogito_pl.rewards import Grade


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """`P` prompts with `G` completions each; row `b` of the `B = P x G` belongs to prompt `b // G`.

    Args:
        problems: One per prompt.
        draws: Each prompt's number in the order of draws, which with the seed decides its completions.
        prompts: Each prompt as the policy encoded it; opaque here.
        policy_step: Optimiser steps the policy had taken when it sampled.
        completions: Token ids, padded on the right, `[B, T]`.
        mask: True on completion tokens, the end token included, `[B, T]`.
        finished: False where a completion was cut at the token limit, `[B]`.
        texts: Decoded completions.
        grades: The verifier's verdicts.
        rewards: What each completion is worth, `[B]`.
        reward_terms: Unweighted parts of the reward by name, each `[B]`.
        advantages: What the surrogate multiplies by, `[B]`; zero until they are computed.
        weights: Weight of each prompt in the advantages, `[P]`.
        old_log_probs: Of the policy that sampled, `[B, T]`; None while a single update makes them the current ones.
        ref_log_probs: Of the reference policy, `[B, T]`; None without a KL term.
        stage: Name of the curriculum's stage that sampled it; empty without stages.
    """

    problems: tuple[Problem, ...]
    draws: tuple[int, ...]
    prompts: tuple[Any, ...]
    policy_step: int
    completions: Tensor
    mask: Tensor
    finished: Tensor
    texts: tuple[str, ...]
    grades: tuple[Grade, ...]
    rewards: Tensor
    reward_terms: Mapping[str, Tensor]
    advantages: Tensor
    weights: Tensor
    old_log_probs: Tensor | None = None
    ref_log_probs: Tensor | None = None
    stage: str = ""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def group_size(self) -> int:
        """Completions per prompt."""
        return len(self.texts) // len(self.problems)

    @property
    def lengths(self) -> Tensor:
        """Completion tokens, the end token included, `[B]`."""
        return self.mask.sum(1)

    @property
    def correct(self) -> Tensor:
        """1.0 where the verifier found the completion right, else 0.0, `[B]`."""
        return torch.tensor([float(grade.correct) for grade in self.grades], device=self.rewards.device)

    def problem_of(self, row: int) -> Problem:
        """The problem that completion `row` answers."""
        return self.problems[row // self.group_size]

    def group_accuracy(self) -> Tensor:
        """Share of right completions per prompt, `[P]`."""
        return self.correct.view(-1, self.group_size).mean(1)

    def with_rewards(self, rewards: Tensor) -> "Rollout":
        """The same rollout with other rewards `[B]`."""
        return replace(self, rewards=rewards)

    def reweighted(self, weights: Tensor) -> "Rollout":
        """Multiplies each prompt's advantages by its weight `[P]`."""
        rows = weights.repeat_interleave(self.group_size)
        return replace(self, advantages=self.advantages * rows, weights=self.weights * weights)

    def has_loss(self, *, every_term: bool, drop_zero_weight: bool) -> Tensor:
        """Rows that some loss term reaches, `[B]`: those with an advantage, or all where `every_term` is set.

        Args:
            every_term: A KL or entropy term reaches the other rows too.
            drop_zero_weight: A prompt without weight is left out of those terms as well: a deviation from the losses as
                published, which pay for it and pull it to the reference.
        """
        rows = torch.ones_like(self.advantages, dtype=torch.bool) if every_term else self.advantages != 0
        if drop_zero_weight:
            rows = rows & (self.weights != 0).repeat_interleave(self.group_size)
        return rows

    def micro_batch(self, rows: Sequence[int]) -> "MicroBatch":
        """The given rows, their columns cut to the longest completion among them."""
        rows = list(rows)
        width = max(1, int(self.lengths[rows].max()))

        def part(value: Tensor | None) -> Tensor | None:
            return None if value is None else value[rows, :width]

        return MicroBatch(
            prompts=tuple(self.prompts[row // self.group_size] for row in rows),
            completions=self.completions[rows, :width],
            mask=self.mask[rows, :width],
            advantages=self.advantages[rows],
            old_log_probs=part(self.old_log_probs),
            ref_log_probs=part(self.ref_log_probs),
        )


@dataclass(frozen=True, kw_only=True)
class MicroBatch:
    """Rows of a rollout for one forward; fields as in `Rollout`, one prompt per row."""

    prompts: tuple[Any, ...]
    completions: Tensor
    mask: Tensor
    advantages: Tensor
    old_log_probs: Tensor | None
    ref_log_probs: Tensor | None
