"""Qwen3-VL: Qwen2.5-VL's interface, with DeepStack (arXiv 2406.04334).

For every image token the tower gives one vector for the embedding, and one for each of `D` of its layers; these are
added to the hidden states after each of the first `D` layers of the language model. Image features hold all of them
side by side, `[image tokens, (1 + D) d]`, so that they are encoded, kept and passed on together.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures
from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor

from cogito_pl.policy.families.qwen2_5_vl import Qwen2_5VL, WithoutVideo


class ImageTextProcessor(WithoutVideo, Qwen3VLProcessor):
    """Qwen3-VL's processor for images and text."""


class Qwen3VL(Qwen2_5VL):
    """Qwen3-VL, dense models."""

    model_types = ("qwen3_vl",)
    parts: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **Qwen2_5VL.parts,
        "projector": ("visual.merger", "visual.deepstack_merger_list"),
    }
    processor_class = ImageTextProcessor

    def encode_images(self, model: nn.Module, fields: Mapping[str, Tensor]) -> list[Tensor]:
        """One tensor of features per image, `[image tokens, (1 + D) d]`."""
        output = model.get_image_features(**fields, return_dict=True)
        return [torch.cat(levels, 1) for levels in zip(output.pooler_output, *output.deepstack_features, strict=True)]

    def feature_inputs(self, model: nn.Module, features: Sequence[Tensor]) -> dict[str, Any]:
        """The features as a forward takes them: of the embedding, and of each DeepStack layer."""
        levels = 1 + len(model.config.vision_config.deepstack_visual_indexes)
        first, *others = zip(*(value.chunk(levels, 1) for value in features), strict=True)
        output = BaseModelOutputWithDeepstackFeatures(pooler_output=first, deepstack_features=others)
        return {"mm_encoder_outputs": {"image": output}}
