"""Image features: an image goes through the vision tower once per forward, and once ever while the tower is frozen."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cogito_pl.policy.freezing import find_part
from cogito_pl.policy.parallel import Ranks
from cogito_pl.policy.prompt import Prompt


class ImageFeatures:
    """The vision tower of a model, with a bounded cache for as long as it does not learn.

    Args:
        model: A transformers model with `get_image_features`.
        capacity_mib: Features that are kept, oldest dropped first.
        ranks: Tells whether other ranks run the tower now.
    """

    def __init__(self, model: nn.Module, capacity_mib: int, ranks: Ranks) -> None:
        self.model, self.capacity, self.ranks = model, capacity_mib * 2**20, ranks
        self.held = 0
        self.forwards = 0  # images that went through the tower
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()

    @property
    def frozen(self) -> bool:
        """Whether no part of the tower learns, so that features stay what they are."""
        return not any(parameter.requires_grad for parameter in find_part(self.model, "vision").parameters())

    def of(self, prompts: Sequence[Prompt]) -> tuple[list[Tensor | None], Tensor | None]:
        """Features `[image tokens, d]` of each prompt, None for those without images.

        Also returns, where other ranks need one, a zero from a dummy image that must enter the loss: every rank then
        runs the tower as often, and every parameter of it has a gradient.
        """
        frozen = self.frozen
        if not frozen:
            self.clear_cache()
        keys = [_key(prompt) if frozen and prompt.image_fields else None for prompt in prompts]
        found = [self._kept.get(key) if key else None for key in keys]
        todo = [i for i, prompt in enumerate(prompts) if prompt.image_fields and found[i] is None]
        # One image at a time where features are kept: they must not depend on what they were encoded beside.
        runs = [[place] for place in todo] if frozen else [todo] if todo else []
        missing = self.ranks.most(len(runs)) - len(runs)  # asked before any rank enters the tower
        for run in runs:
            for place, value in zip(run, self._encode([prompts[place] for place in run]), strict=True):
                found[place] = value
                if frozen:
                    self._keep(keys[place], value)
        if not frozen and not runs and self.ranks.several and torch.is_grad_enabled():
            missing = max(missing, 1)
        dummies = [self._dummy() for _ in range(missing)]
        return found, sum(dummies) if dummies else None

    def clear_cache(self) -> None:
        """Lets go of what is kept, for when the tower has other weights."""
        self._kept.clear()
        self.held = 0

    def _dummy(self) -> Tensor:
        vision = find_part(self.model, "vision")
        config, weight = self.model.config.vision_config, next(vision.parameters())
        side = config.spatial_merge_size
        patch = config.in_channels * config.temporal_patch_size * config.patch_size**2
        pixels = torch.zeros(side * side, patch, device=weight.device)
        grid = torch.tensor([[1, side, side]], device=weight.device)
        (features,) = self.model.get_image_features(pixels, grid, return_dict=True).pooler_output
        return features.sum() * 0.0

    def _encode(self, prompts: Sequence[Prompt]) -> list[Tensor]:
        device = next(self.model.parameters()).device
        names = prompts[0].image_fields
        fields = {name: torch.cat([prompt.image_fields[name] for prompt in prompts]).to(device) for name in names}
        features = self.model.get_image_features(**fields, return_dict=True).pooler_output
        counts = [len(prompt.image_fields["image_grid_thw"]) for prompt in prompts]
        self.forwards += sum(counts)
        return [torch.cat(features[end - count : end]) for count, end in zip(counts, _running_sum(counts), strict=True)]

    def _keep(self, key: bytes, value: Tensor) -> None:
        self._kept[key] = value.detach()
        self.held += value.numel() * value.element_size()
        while self.held > self.capacity:
            _, dropped = self._kept.popitem(last=False)
            self.held -= dropped.numel() * dropped.element_size()


def _key(prompt: Prompt) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(prompt.image_fields):
        digest.update(prompt.image_fields[name].contiguous().view(torch.uint8).numpy())
    return digest.digest()


def _running_sum(counts: Sequence[int]) -> list[int]:
    return torch.tensor(counts).cumsum(0).tolist()
