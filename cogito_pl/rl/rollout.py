"""The record of a rollout: prompts, completions, what they are worth, how much they count.

Frozen: whoever changes something returns a new record, and every record checks the shapes of its fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from cogito_pl.problem import Problem
from cogito_pl.rewards import Grade

OF_PROMPTS = ("problems", "draws", "prompts", "policy_steps", "weights")
OF_ROWS = ("texts", "grades", "finished", "rewards", "advantages", "counts")
OF_TOKENS = ("completions", "mask", "trained", "sampled_log_probs", "old_log_probs", "ref_log_probs")


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """`P` prompts with `G` completions each; row `b` of the `B = P x G` rows belongs to prompt `b // G`.

    Args:
        problems: One per prompt.
        draws: Each prompt's number in the order of draws, which with the seed decides its completions.
        prompts: Each prompt as the policy encoded it; opaque here.
        policy_steps: Optimiser steps that the policy had taken when it sampled each prompt's completions.
        completions: Token ids, padded on the right, `[B, T]`.
        mask: True on completion tokens, the end token included, `[B, T]`.
        sampled_log_probs: Of each token under the distribution it was sampled from, `[B, T]`.
        finished: False where a completion was cut at the token limit, `[B]`.
        texts: Decoded completions.
        grades: The verifier's verdicts.
        rewards: What each completion is worth, `[B]`.
        reward_terms: Unweighted parts of the reward by name, each `[B]`.
        trained: True on the tokens that are trained on, `[B, T]`; all of `mask` when None. The others are attended to:
            text that the policy did not sample.
        advantages: What the surrogate multiplies by, `[B]`; zero until they are computed.
        weights: Weight of each prompt in the advantages, `[P]`; one when None.
        counts: How often each completion stands in the loss, `[B]` integers; once when None. A row counted k times has
            the gradient of k copies, denominators included, for one forward; 0 leaves it out.
        old_log_probs: Of the policy before the first update on the rollout, `[B, T]`; None while a single update makes
            them the current ones.
        ref_log_probs: Of the reference policy, `[B, T]`; None without a KL term.
        stage: Name of the curriculum's stage that sampled it; empty without stages.

    Raises:
        ValueError: A field has another shape than the record; the message names the field and both shapes.
    """

    problems: tuple[Problem, ...]
    draws: tuple[int, ...]
    prompts: tuple[Any, ...]
    policy_steps: tuple[int, ...]
    completions: Tensor
    mask: Tensor
    sampled_log_probs: Tensor
    finished: Tensor
    texts: tuple[str, ...]
    grades: tuple[Grade, ...]
    rewards: Tensor
    reward_terms: Mapping[str, Tensor]
    advantages: Tensor
    trained: Tensor = None
    weights: Tensor = None
    counts: Tensor = None
    old_log_probs: Tensor | None = None
    ref_log_probs: Tensor | None = None
    stage: str = ""

    def __post_init__(self) -> None:
        prompts, rows = len(self.problems), len(self.texts)
        if not prompts or rows % prompts:
            raise ValueError(f"a rollout of {rows} completions of {prompts} prompts is not one of whole groups")
        defaults = {"trained": self.mask, "weights": self.rewards.new_ones(prompts)}
        defaults["counts"] = torch.ones(rows, dtype=torch.long, device=self.rewards.device)
        for name in [name for name in defaults if getattr(self, name) is None]:
            object.__setattr__(self, name, defaults[name])
        self._check((prompts,), {name: getattr(self, name) for name in OF_PROMPTS})
        self._check((rows,), {name: getattr(self, name) for name in OF_ROWS} | dict(self.reward_terms))
        self._check((rows, self.completions.shape[-1]), {name: getattr(self, name) for name in OF_TOKENS})

    def _check(self, shape: tuple[int, ...], values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            found = tuple(value.shape) if isinstance(value, Tensor) else value is not None and (len(value),)
            if found and found != shape:
                raise ValueError(
                    f"rollout.{name} has the shape {list(found)}, expected {list(shape)} for {len(self.problems)} "
                    f"prompts with {len(self.texts)} completions; leave groups out by `counted` or `admit`"
                )

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
        """1.0 where the verifier found the completion correct, else 0.0, `[B]`."""
        return torch.tensor([float(grade.correct) for grade in self.grades], device=self.rewards.device)

    @property
    def policy_step(self) -> int:
        """Optimiser steps of the newest policy that sampled."""
        return max(self.policy_steps)

    def problem_of(self, row: int) -> Problem:
        """The problem that completion `row` answers."""
        return self.problems[row // self.group_size]

    def group_accuracy(self) -> Tensor:
        """Share of correct completions per prompt, `[P]`."""
        return self.correct.view(-1, self.group_size).mean(1)

    def with_rewards(self, rewards: Tensor) -> "Rollout":
        """The same rollout with other rewards `[B]`."""
        return replace(self, rewards=rewards)

    def with_reward_term(self, name: str, values: Tensor, weight: float) -> "Rollout":
        """Adds `weight` times `values` `[B]` to the rewards, and keeps the values as the term `name`."""
        rewards, terms = self.rewards + weight * values, {**self.reward_terms, name: values}
        return replace(self, rewards=rewards, reward_terms=terms)

    def reweighted(self, weights: Tensor) -> "Rollout":
        """Multiplies each prompt's advantages by its weight `[P]`."""
        rows = weights.repeat_interleave(self.group_size)
        return replace(self, advantages=self.advantages * rows, weights=self.weights * weights)

    def counted(self, counts: Tensor) -> "Rollout":
        """Multiplies how often each row stands in the loss by `counts` `[B]`, integers."""
        return replace(self, counts=self.counts * counts.to(self.counts))

    def select(self, prompts: Sequence[int]) -> "Rollout":
        """The rollout of the groups at the places `prompts`, in that order."""
        rows = [row for place in prompts for row in range(place * self.group_size, (place + 1) * self.group_size)]

        def chosen(value: Any, places: list[int]) -> Any:
            if isinstance(value, tuple):
                return tuple(value[place] for place in places)
            return None if value is None else value[places]

        fields = {name: chosen(getattr(self, name), list(prompts)) for name in OF_PROMPTS}
        fields |= {name: chosen(getattr(self, name), rows) for name in (*OF_ROWS, *OF_TOKENS)}
        return replace(self, **fields, reward_terms={name: value[rows] for name, value in self.reward_terms.items()})

    def join(self, other: "Rollout") -> "Rollout":
        """The groups of this rollout, then those of `other`, which has the same group size and reward terms."""
        if (self.group_size, self.reward_terms.keys()) != (other.group_size, other.reward_terms.keys()):
            raise ValueError(
                f"rollouts with {self.group_size} completions a prompt and the terms {sorted(self.reward_terms)}, and "
                f"with {other.group_size} and {sorted(other.reward_terms)}, do not join; both must be equal"
            )
        width = max(self.completions.shape[1], other.completions.shape[1])

        def joined(first: Any, second: Any) -> Any:
            if first is None or isinstance(first, tuple):
                return first and first + second
            tokens = [nn.functional.pad(x, (0, width - x.shape[1])) if x.dim() == 2 else x for x in (first, second)]
            return torch.cat(tokens)

        names = (*OF_PROMPTS, *OF_ROWS, *OF_TOKENS)
        fields = {name: joined(getattr(self, name), getattr(other, name)) for name in names}
        terms = {name: torch.cat([value, other.reward_terms[name]]) for name, value in self.reward_terms.items()}
        return replace(self, **fields, reward_terms=terms)

    def has_loss(self, *, every_term: bool, drop_zero_weight: bool) -> Tensor:
        """Rows that some loss term reaches, `[B]`: counted ones with an advantage, or all where `every_term` is set.

        `drop_zero_weight` leaves prompts of weight zero out of KL and entropy too: a deviation from the losses as
        published, which pay for their forward and pull them to the reference.
        """
        rows = self.counts > 0
        if not every_term:
            rows = rows & (self.advantages != 0)
        if drop_zero_weight:
            rows = rows & (self.weights != 0).repeat_interleave(self.group_size)
        return rows

    def micro_batch(self, rows: Sequence[int]) -> "MicroBatch":
        """The given rows, their columns cut to the longest completion among them."""
        rows = list(rows)
        width = max(1, int(self.lengths[rows].max()))
        tokens = {name: getattr(self, name) for name in OF_TOKENS}
        return MicroBatch(
            prompts=tuple(self.prompts[row // self.group_size] for row in rows),
            advantages=self.advantages[rows],
            counts=self.counts[rows],
            **{name: None if value is None else value[rows, :width] for name, value in tokens.items()},
        )


@dataclass(frozen=True, kw_only=True)
class MicroBatch:
    """Rows of a rollout for one forward; fields as in `Rollout`, one prompt per row."""

    prompts: tuple[Any, ...]
    advantages: Tensor
    counts: Tensor
    completions: Tensor
    mask: Tensor
    trained: Tensor
    sampled_log_probs: Tensor
    old_log_probs: Tensor | None
    ref_log_probs: Tensor | None
