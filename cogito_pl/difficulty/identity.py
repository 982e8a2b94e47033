"""What a trial depends on: weights, prompt, sampling, mask, grading and seed; not paths, batches or thresholds.

A response depends on all of these but the grading, and on what its problem shows; a verdict on the response, the
grading, and what its problem expects. Stored responses can therefore be graded again (`regrading.py`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from cogito_pl.difficulty.scorer import Scorer, Task
from cogito_pl.policy import PromptEncoder, SamplingConfig
from cogito_pl.seeds import digest, stable_seed

VALUES = 4096
"""Values of a tensor that its digest looks at, evenly spread: a step of any optimiser changes some of them."""
TRIAL_FORMAT = 2
"""Of the lines that trials are stored as; 1 had image sizes in the place of their content, and no rules."""
GRADING = "grading"
"""The key of the settings that decide verdicts alone."""
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
    """What decides the outcome of a trial, as plain values that can be compared, read and stored as JSON.

    Args:
        encoder: Of the policy.
        weights: See `weights_digest`.
        scorer: Says what a trial hides and what is kept of it.
        sampling: How responses are sampled.
        grading: What decides verdicts, see `Reward.grading_settings`.
        seed: Of masks and responses.
    """
    return {
        "trial_format": TRIAL_FORMAT,
        "weights": weights,
        "family": type(encoder.family).__qualname__,
        "chat_template": digest(str(encoder.processor.chat_template).encode()),
        "image_size": dict(encoder.processor.image_processor.size),
        **{name: getattr(encoder.config, name) for name in PROMPT},
        **({"new_tokens": list(encoder.config.new_tokens)} if encoder.config.new_tokens else {}),
        "sampling": asdict(sampling),
        "hidden": scorer.trial_settings(),
        "seed": seed,
        GRADING: dict(grading),
    }


def response_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The part of `trial_settings` that decides responses: where it differs, trials are sampled anew."""
    return {name: value for name, value in settings.items() if name != GRADING}


def rules_digest(settings: Mapping[str, Any]) -> str:
    """Digest of the part of `trial_settings` that decides verdicts: where it differs, responses are graded again."""
    return digest(json.dumps(settings.get(GRADING), sort_keys=True))


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
