"""What a trial depends on: weights, prompt, sampling, mask, grading and seed; not paths, batches or thresholds."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from cogito_pl.difficulty.scorer import Scorer, Task
from cogito_pl.policy import PromptEncoder, SamplingConfig
from cogito_pl.problem import Problem
from cogito_pl.seeds import digest, stable_seed

VALUES = 4096
"""Values of a tensor that its digest looks at, evenly spread: a step of any optimiser changes some of them."""
PROMPT = ("system_prompt", "instruction", "dtype")
"""Settings of the policy that change what the model reads or computes."""


def trial_settings(
    encoder: PromptEncoder,
    weights: str,
    scorer: Scorer,
    sampling: SamplingConfig,
    grading: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """What decides the outcome of a trial, as plain values that can be compared and read."""
    return {
        "weights": weights,
        "family": type(encoder.family).__qualname__,
        "chat_template": digest(str(encoder.processor.chat_template).encode()),
        "image_size": dict(encoder.processor.image_processor.size),
        **{name: getattr(encoder.config, name) for name in PROMPT},
        "sampling": asdict(sampling),
        "hidden": scorer.trial_settings(),
        "grading": dict(grading),
        "seed": seed,
    }


def weights_digest(model: nn.Module) -> str:
    """Digest of a model's weights: names, shapes, types and up to `VALUES` values of each."""
    total = hashlib.blake2b(digest_size=8)
    for name, value in sorted(model.state_dict().items()):
        total.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        flat = value.detach().flatten()
        some = flat[:: max(1, flat.numel() // VALUES)]
        total.update(some.to("cpu").contiguous().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def trial_seed(seed: int, problem_id: str, task: Task) -> int:
    """A seed that depends on these alone, the same in every process and on every machine."""
    return stable_seed(seed, problem_id, float(task.ratio), task.repeat)


def problem_digest(problem: Problem) -> str:
    """Digest of what a model is shown and what is expected of it, images by their sizes."""
    seen = (problem.question, problem.answer, problem.kind, problem.choices, [p.size for p in problem.images])
    return digest(repr(seen), 6)
