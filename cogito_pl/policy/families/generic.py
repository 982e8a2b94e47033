"""Any other image-text-to-text model of transformers, by its own forward on padded sequences with pixels."""

from collections.abc import Mapping, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import AutoProcessor, ProcessorMixin

from cogito_pl.policy.families.family import Family, accepted

BLANK = 64
"""Side of the dummy image before the processor scales it."""


class Generic(Family):
    """A model of which nothing is known but transformers' common interface.

    Image features are neither shared between completions nor kept, and prompts are not shared in training forwards;
    a family of the model's own is faster.
    """

    def load_processor(self, folder: str) -> ProcessorMixin:
        """The processor that the folder names."""
        return AutoProcessor.from_pretrained(folder)

    def count_image_tokens(self, processor: ProcessorMixin, sizes: Sequence[tuple[int, int]]) -> list[int] | None:
        """Tokens of images of these widths and heights, where the processor can tell."""
        count = getattr(processor, "_get_num_multimodal_tokens", None)
        if count is None:
            return None
        return list(count(image_sizes=[(height, width) for width, height in sizes])["num_image_tokens"])

    def split_images(self, fields: Mapping[str, Tensor], count: int) -> list[dict[str, Tensor]]:
        """All images of a prompt as one: how a processor lays several of them out is not known."""
        return [dict(fields)] if count else []

    def encode_images(self, model: nn.Module, fields: Mapping[str, Tensor]) -> list[Tensor]:
        """The features as the model's own forward makes them, one tensor per image or one for all."""
        tower = model.model.get_image_features
        features = tower(**accepted(tower, fields), return_dict=True).pooler_output
        return [features] if isinstance(features, Tensor) else list(features)

    def dummy_image(self, model: nn.Module, processor: ProcessorMixin) -> dict[str, Tensor]:
        """A white image."""
        fields = processor.image_processor(images=[Image.new("RGB", (BLANK, BLANK), "white")], return_tensors="pt")
        return {name: value for name, value in fields.items() if isinstance(value, torch.Tensor)}
