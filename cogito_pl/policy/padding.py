"""Prompts and completions side by side: padding, masks and positions of one forward.

Layout of a row: padding, prompt, completion, padding. Prompts end in one column and completions start in the next, so
that the last columns of every row are its completion.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cogito_pl.policy.prompt import Prompt


def pad_prompts(prompts: Sequence[Prompt], pad_id: int, device: torch.device) -> dict[str, Tensor]:
    """Model inputs of left-padded prompts: `input_ids`, `attention_mask` and token fields `[B, L]`, image fields.

    Raises:
        ValueError: When the prompts' processors disagree on their fields.
    """
    width = max(map(len, prompts))
    batch = {
        "input_ids": torch.full((len(prompts), width), pad_id),
        "attention_mask": torch.zeros(len(prompts), width, dtype=torch.long),
    }
    for name, value in prompts[0].token_fields.items():
        batch[name] = torch.zeros(len(prompts), width, dtype=value.dtype)
    for row, prompt in enumerate(prompts):
        batch["input_ids"][row, width - len(prompt) :] = prompt.ids
        batch["attention_mask"][row, width - len(prompt) :] = 1
        if prompt.token_fields.keys() != prompts[0].token_fields.keys():
            raise ValueError(
                f"token fields differ within a batch: {set(prompt.token_fields)} and {set(prompts[0].token_fields)}"
            )
        for name, value in prompt.token_fields.items():
            batch[name][row, width - len(prompt) :] = value
    for name in {name for prompt in prompts for name in prompt.image_fields}:
        batch[name] = torch.cat([prompt.image_fields[name] for prompt in prompts if name in prompt.image_fields])
    return {name: value.to(device) for name, value in batch.items()}


def append_completions(batch: dict[str, Tensor], completions: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Adds right-padded completions `[B, T]` with their mask to padded prompts; completions are text throughout."""
    joined = dict(batch)
    joined["input_ids"] = torch.cat([batch["input_ids"], completions], 1)
    joined["attention_mask"] = torch.cat([batch["attention_mask"], mask.long()], 1)
    for name, value in batch.items():
        if name not in joined or name in {"input_ids", "attention_mask"} or value.shape != batch["input_ids"].shape:
            continue
        joined[name] = torch.cat([value, value.new_zeros(completions.shape)], 1)
    return joined


def positions(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """Position ids, explicit in every forward: M-RoPE `[3, B, L]` where the model has it, else `[B, L]`.

    The model's own fallback reads state left by an earlier call (`rope_deltas`), which is stale after a rollout.
    """
    mask = batch["attention_mask"]
    index: Any = getattr(model.model, "get_rope_index", None)
    if index is None:
        return (mask.cumsum(1) - 1).clamp(min=0)
    names = ("mm_token_type_ids", "image_grid_thw", "video_grid_thw", "second_per_grid_ts")
    known = {name: batch[name] for name in names if name in batch}
    return index(batch["input_ids"], attention_mask=mask, **known)[0]


def next_positions(position_ids: Tensor, mask: Tensor) -> Tensor:
    """The position `[B]` of the token that follows each row: one more than the largest so far."""
    largest = position_ids.amax(0) if position_ids.dim() == 3 else position_ids
    return largest.masked_fill(mask == 0, -1).amax(1) + 1
