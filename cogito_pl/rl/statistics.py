"""Statistics of a rollout: one plain record per prompt, and means over them."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import torch.distributed as dist

from cogito_pl.data.draw_order import DrawOutcome
from cogito_pl.rl.rollout import Rollout

Outcome = dict[str, Any]
"""One prompt: `id`, `difficulty` (null where it has none), `p`, `weight`, `correct` and `wrong` (the lengths in tokens
of its correct and of its wrong completions), `truncated` (completions cut at the token limit), `zero_advantage`
(completions without an advantage) and `terms` (the mean of each unweighted term of the reward)."""

BINS: dict[str, Callable[[float], bool]] = {
    "p/zero": lambda p: p == 0,
    "p/to_quarter": lambda p: 0 < p <= 0.25,
    "p/to_half": lambda p: 0.25 < p <= 0.5,
    "p/to_three_quarters": lambda p: 0.5 < p <= 0.75,
    "p/below_one": lambda p: 0.75 < p < 1,
    "p/one": lambda p: p == 1,
}
"""The histogram of p, the share of correct completions of a prompt."""


def outcomes(rollout: Rollout, difficulty: str) -> list[Outcome]:
    """The prompts of a rollout, in order.

    Args:
        rollout: As it is trained on.
        difficulty: Which entry of a problem's `meta` tells its difficulty; decimals are rounded to one place.
    """
    size, rows = rollout.group_size, []
    correct = (rollout.correct > 0).tolist()
    lengths, finished = rollout.lengths.tolist(), rollout.finished.tolist()
    zero = (rollout.advantages == 0).tolist()
    terms = {name: values.float().view(-1, size).mean(1).tolist() for name, values in rollout.reward_terms.items()}
    for place, (problem, weight) in enumerate(zip(rollout.problems, rollout.weights.tolist(), strict=True)):
        group = range(place * size, (place + 1) * size)
        level = problem.meta.get(difficulty)
        rows.append(
            {
                "id": problem.id,
                "difficulty": f"{level:.1f}" if isinstance(level, float) else None if level is None else str(level),
                "p": sum(correct[row] for row in group) / size,
                "weight": round(weight, 6),
                "correct": [lengths[row] for row in group if correct[row]],
                "wrong": [lengths[row] for row in group if not correct[row]],
                "truncated": sum(not finished[row] for row in group),
                "zero_advantage": sum(zero[row] for row in group),
                "terms": {name: round(values[place], 6) for name, values in terms.items()},
            }
        )
    return rows


def summary(prompts: Sequence[Outcome]) -> dict[str, float]:
    """Means over at least one prompt, by name; lengths only where there are any.

    The histogram `p/...`, `accuracy` and `weight` are over prompts; `zero_advantage`, `truncated`, `format`,
    `correct_length_tokens` and `wrong_length_tokens` are over completions.
    """
    completions = sum(len(prompt["correct"]) + len(prompt["wrong"]) for prompt in prompts)
    values = {name: fmean(inside(prompt["p"]) for prompt in prompts) for name, inside in BINS.items()}
    values["accuracy"] = fmean(prompt["p"] for prompt in prompts)
    values["weight"] = fmean(prompt["weight"] for prompt in prompts)
    values["zero_advantage"] = sum(prompt["zero_advantage"] for prompt in prompts) / completions
    values["truncated"] = sum(prompt["truncated"] for prompt in prompts) / completions
    values["format"] = fmean(prompt["terms"]["format"] for prompt in prompts)
    for kind in ("correct", "wrong"):
        if lengths := [length for prompt in prompts for length in prompt[kind]]:
            values[f"{kind}_length_tokens"] = fmean(lengths)
    return values


def draw_outcomes(sampled: Sequence[Rollout], index_of: Callable[[int, int], int]) -> list[DrawOutcome]:
    """The outcomes of the draws of all ranks, ordered by attempt and draw. Collective.

    Args:
        sampled: A rollout and its refills.
        index_of: The place in the data of the problem that a draw took, by its number and attempt.
    """
    outcomes = []
    for attempt, rollout in enumerate(sampled):
        rewards = rollout.rewards.view(-1, rollout.group_size).mean(1).tolist()
        for draw, accuracy, reward in zip(rollout.draws, rollout.group_accuracy().tolist(), rewards, strict=True):
            outcomes.append(DrawOutcome(draw, index_of(draw, attempt), accuracy, reward, rollout.stage, attempt))
    if dist.is_initialized() and dist.get_world_size() > 1:
        parts: list[list[DrawOutcome]] = [[]] * dist.get_world_size()
        dist.all_gather_object(parts, outcomes)
        outcomes = [outcome for part in parts for outcome in part]
    return sorted(outcomes, key=lambda outcome: (outcome.attempt, outcome.number))
