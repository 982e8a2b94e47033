"""Image features: every image goes through the vision tower once per call, and only once while the tower is frozen."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cogito_pl.policy.parallel import Ranks
from cogito_pl.policy.prompt import EncodedImage, Prompt, join_images
from cogito_pl.policy.prompt_encoder import PromptEncoder


class ImageFeatures:
    """The vision tower of a model, with a bounded cache of features for as long as it is not trained.

    Args:
        model: The transformers model.
        encoder: Its family says how images are encoded.
        capacity_mib: Most memory of the features that are kept; the oldest are dropped first.
        ranks: Tells whether other ranks run the tower now.
    """

    def __init__(self, model: nn.Module, encoder: PromptEncoder, capacity_mib: int, ranks: Ranks) -> None:
        self.model, self.encoder, self.capacity, self.ranks = model, encoder, capacity_mib * 2**20, ranks
        self.held = 0  # bytes of features in the cache
        self.forwards = 0  # images that went through the tower
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()

    @property
    def frozen(self) -> bool:
        """Whether neither tower nor projector is trained, so that features stay what they are."""
        tower, projector = (self.encoder.family.part(self.model, part) for part in ("vision", "projector"))
        parameters = (parameter for module in tower + projector for parameter in module.parameters())
        return bool(tower) and not any(parameter.requires_grad for parameter in parameters)

    def of(self, prompts: Sequence[Prompt]) -> tuple[list[list[Tensor]], Tensor | None]:
        """Features of the images of each prompt, `[image tokens, d]` each.

        Also returns, where one is needed, a zero from dummy images that must enter the loss: every rank then runs the
        tower as often, and every parameter of it has a gradient.
        """
        frozen = self.frozen
        if not frozen:
            self.clear_cache()
        images = {image.key: image for prompt in prompts for image in prompt.images}
        found = {key: self._kept[key] for key in images if key in self._kept}
        todo = [key for key in images if key not in found]
        # One image at a time where features are kept: they must not depend on what they were encoded beside.
        runs = [[key] for key in todo] if frozen else [todo] if todo else []
        missing = self.missing_runs(len(runs))  # asked before any rank enters the tower
        for run in runs:
            for key, value in zip(run, self._encode([images[key] for key in run]), strict=True):
                found[key] = value
                if frozen:
                    self._keep(key, value.detach())
        return [[found[image.key] for image in prompt.images] for prompt in prompts], self.dummies(missing)

    def missing_runs(self, runs: int) -> int:
        """How often this rank must run the tower on a dummy, if it runs it `runs` times. Collective in step.

        Ranks in step run it equally often; others run it at least once while it is trained, and so does a rank alone:
        optimisers pass over parameters without a gradient, and what an update of texts does to the tower by weight
        decay and momentum would depend on the number of ranks.
        """
        missing = self.ranks.most(runs) - runs
        needed = not runs and torch.is_grad_enabled() and not self.frozen
        return max(missing, int(needed))

    def dummies(self, count: int) -> Tensor | None:
        """Encodes a dummy image `count` times: a zero that depends on every parameter of the tower, None for none."""
        if not count:
            return None
        device = next(self.model.parameters()).device
        fields = self.encoder.family.dummy_image(self.model, self.encoder.processor)
        fields = {name: value.to(device) for name, value in fields.items()}
        features = [self.encoder.family.encode_images(self.model, fields) for _ in range(count)]
        return sum(value.sum() for image in features for value in image) * 0.0

    def clear_cache(self) -> None:
        """Drops all kept features, for when the tower has other weights."""
        self._kept.clear()
        self.held = 0

    def _encode(self, images: Sequence[EncodedImage]) -> list[Tensor]:
        device = next(self.model.parameters()).device
        fields = {name: value.to(device) for name, value in join_images(images).items()}
        self.forwards += len(images)
        return self.encoder.family.encode_images(self.model, fields)

    def _keep(self, key: bytes, value: Tensor) -> None:
        self._kept[key] = value
        self.held += value.nbytes
        while self.held > self.capacity:
            self.held -= self._kept.popitem(last=False)[1].nbytes
