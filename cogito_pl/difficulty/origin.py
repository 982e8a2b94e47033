"""What difficulty scores are of, as far as a run that uses them must agree: model, prompt and verifier.

A run agrees with scores of its own starting model, asked and graded as it asks and grades. It need not sample as they
did, nor compute in the same precision.
"""

import hashlib
import json
from typing import Any

import torch
from torch import nn

from cogito_pl.policy import PromptEncoder
from cogito_pl.policy.adapters import MARK, START, plain_name
from cogito_pl.rewards import Reward
from cogito_pl.seeds import digest

VALUES = 4096
"""Values of a tensor that its digest looks at, evenly spread."""


def origin(encoder: PromptEncoder, weights: str, reward: Reward, source: str) -> dict[str, Any]:
    """Model, prompt and verifier, as plain values; what stands beside them is for messages.

    Args:
        encoder: Of the policy.
        weights: See `same_model_digest`.
        reward: Its verifier.
        source: Name of the data source, whose own settings of grading count.
    """
    config, grading = encoder.config, dict(reward.grading_settings())
    code = grading.pop("code", None)
    own = grading.pop("per_source", {}).get(source)
    if own is not None:
        grading["options"] = own
    if "boxes" in grading:  # a part of the boxes is no correct answer
        grading["boxes"] = {name: value for name, value in grading["boxes"].items() if name != "partial"}
    found = {
        "model": {"weights": weights},
        "prompt": {
            "system_prompt": config.system_prompt,
            "instruction": config.instruction,
            "chat_template": digest(str(encoder.processor.chat_template)),
            "image_size": dict(encoder.processor.image_processor.size),
            **({"new_tokens": config.new_tokens} if config.new_tokens else {}),
        },
        "verifier": grading,
        "source": source,
        "from": config.init_from or config.name,
        "code": code,
    }
    return json.loads(json.dumps(found))  # as a file gives it back: tuples are lists


def same_model_digest(model: nn.Module) -> str:
    """Digest of a model's weights rounded to bfloat16, the same for a model that is held in float32 and in bfloat16.

    Adapters that have not been trained yet, which change nothing, are left out.
    """
    weights = {name: value for name, value in model.state_dict().items() if f".{START}." not in name}
    adapted = any("lora_B" in name and bool(value.any()) for name, value in weights.items())
    total = hashlib.blake2b(digest_size=8)
    for name, value in sorted((plain_name(name), value) for name, value in weights.items()):
        if adapted or MARK not in name:
            flat = value.detach().flatten()
            some = flat[:: max(1, flat.numel() // VALUES)].to("cpu", torch.bfloat16)
            total.update(
                f"{name} {tuple(value.shape)}".encode() + some.contiguous().view(torch.uint8).numpy().tobytes()
            )
    return total.hexdigest()
