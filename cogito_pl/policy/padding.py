"""Pads prompts and completions to one batch.

Layout of a row: padding, prompt, completion, padding. Prompts end in one column and completions start in the next, so
that the last columns of every row are its completion.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cogito_pl.policy.prompt import Prompt, join_images


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
    batch |= join_images([image for prompt in prompts for image in prompt.images])
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


def next_positions(position_ids: Tensor, mask: Tensor) -> Tensor:
    """The position `[B]` of the token that follows each row: one more than the largest so far."""
    largest = position_ids.amax(0) if position_ids.dim() == 3 else position_ids
    return largest.masked_fill(mask == 0, -1).amax(1) + 1
