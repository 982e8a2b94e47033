"""Rollouts made by hand, one number per completion."""

from collections.abc import Sequence

import torch

from cogito_pl.rewards import Grade
from cogito_pl.rl.rollout import Rollout
from tests.conftest import problem


def graded(
    correct: Sequence[int],
    group_size: int,
    *,
    lengths: Sequence[int] | None = None,
    form: Sequence[int] | None = None,
    extra: Sequence[float] | None = None,
    limit: int = 4096,
    stage: str = "",
    meta: Sequence[dict] | None = None,
) -> Rollout:
    """A rollout with the reward `correct + form / 2 + extra`; completions of `limit` tokens were cut."""
    count = len(correct)
    lengths = torch.tensor([300] * count if lengths is None else lengths)
    form = torch.tensor([1.0] * count if form is None else form, dtype=torch.float32)
    right = torch.tensor(correct, dtype=torch.float32)
    prompts = count // group_size
    return Rollout(
        problems=tuple(problem(seed=i, meta=meta[i] if meta else {}) for i in range(prompts)),
        draws=tuple(range(prompts)), prompts=tuple(range(prompts)), policy_steps=(0,) * prompts,
        completions=torch.ones(count, int(lengths.max()), dtype=torch.long),
        mask=torch.arange(int(lengths.max())) < lengths[:, None],
        finished=lengths < limit, texts=("text",) * count,
        grades=tuple(Grade(bool(r), float(r), True, "", "boxed") for r in correct),
        rewards=right + 0.5 * form + (0 if extra is None else torch.tensor(extra)),
        reward_terms={"accuracy": right, "format": form},
        sampled_log_probs=torch.zeros(count, int(lengths.max())), advantages=torch.zeros(count), stage=stage,
    )  # fmt: skip
