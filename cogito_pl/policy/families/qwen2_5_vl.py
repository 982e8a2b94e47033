"""Qwen2-VL and Qwen2.5-VL: images of any size as a grid of square tokens, M-RoPE, a projector in the tower."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import AutoTokenizer, ProcessorMixin
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil, smart_resize

from cogito_pl.policy.families.family import Family
from cogito_pl.policy.prompt import Prompt

MAX_ASPECT = 180
"""The image processor refuses images that are more than 200 times as long as wide; longer ones are padded to this."""


class WithoutVideo:
    """Mixed into a processor of the Qwen family, leaves out its video half, which alone needs torchvision."""

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The parts that are built and saved."""
        return ["image_processor", "tokenizer"]

    def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str | None = None) -> None:
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id, self.video_token_id = tokenizer.convert_tokens_to_ids([self.image_token, self.video_token])
        self.image_token_ids, self.video_token_ids = [self.image_token_id], [self.video_token_id]
        self.audio_token_ids: list[int] = []
        template = chat_template or tokenizer.chat_template
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=template)

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> None:
        """Writes the files of a stock folder, so that any tool reads it."""
        self.tokenizer.chat_template = self.chat_template
        self.tokenizer.save_pretrained(save_directory)
        self.image_processor.save_pretrained(save_directory)


class ImageTextProcessor(WithoutVideo, Qwen2_5_VLProcessor):
    """Qwen2.5-VL's processor for images and text; of these, Qwen2-VL's does the same."""


class Qwen2_5VL(Family):
    """Qwen2-VL and Qwen2.5-VL."""

    model_types = ("qwen2_vl", "qwen2_5_vl")
    takes_rows = True
    parts: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "vision": ("visual",),
        "projector": ("visual.merger",),
        "language": ("language_model",),
        "embeddings": ("language_model.embed_tokens",),
        "head": ("lm_head",),
    }
    processor_class: ClassVar[type[WithoutVideo]] = ImageTextProcessor

    def load_processor(self, folder: str) -> ProcessorMixin:
        """The processor without its video half, from a folder of any age."""
        template = Path(folder) / "chat_template.json"  # older folders keep it apart from the tokenizer
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if tokenizer.chat_template is None and template.exists():
            tokenizer.chat_template = json.loads(template.read_text())["chat_template"]
        return self.processor_class(Qwen2VLImageProcessorPil.from_pretrained(folder), tokenizer)

    def limit_pixels(self, processor: ProcessorMixin, least: int | None, most: int | None) -> None:
        """Sets the smallest and largest area, in pixels, to which images are scaled."""
        limits = {"shortest_edge": least, "longest_edge": most}  # areas, whatever they are called
        limits = {key: value for key, value in limits.items() if value is not None}
        images = processor.image_processor
        images.size = type(images.size)(**{**dict(images.size), **limits})

    def prepare_image(self, image: Image.Image) -> Image.Image:
        """Pads a strip that is longer than 180 times its width with white."""
        size = padded_size(image.size)
        if size == image.size:
            return image
        canvas = Image.new("RGB", size, "white")
        canvas.paste(image)
        return canvas

    def count_image_tokens(self, processor: ProcessorMixin, sizes: Sequence[tuple[int, int]]) -> list[int]:
        """Tokens of images of these widths and heights."""
        side = token_side(processor)
        scaled = (self._scaled_size(processor, padded_size(size)) for size in sizes)
        return [width * height // side**2 for width, height in scaled]

    def scale_image(self, processor: ProcessorMixin, image: Image.Image) -> tuple[Image.Image, int]:
        """The image at the size to which the processor scales it, and the side of a visual token in its pixels."""
        image = self.prepare_image(image)
        size = self._scaled_size(processor, image.size)
        if image.size != size:
            image = image.resize(size, Image.Resampling(processor.image_processor.resample))
        return image, token_side(processor)

    def image_grids(self, processor: ProcessorMixin, prompt: Prompt) -> list[tuple[int, int]]:
        """Rows and columns of visual tokens of each of the prompt's images."""
        merge = processor.image_processor.merge_size
        grids = [image.fields["image_grid_thw"][0] // merge for image in prompt.images]
        return [(int(rows), int(columns)) for _, rows, columns in grids]

    def split_images(self, fields: Mapping[str, Tensor], count: int) -> list[dict[str, Tensor]]:
        """Patches and grid of every image."""
        if not count:
            return []
        grids = fields["image_grid_thw"]  # [images, 3]: patches in time, height and width
        pixels = fields["pixel_values"].split(grids.prod(1).tolist())  # [patches, values] each
        return [
            {"pixel_values": mine, "image_grid_thw": grid} for mine, grid in zip(pixels, grids.split(1), strict=True)
        ]

    def encode_images(self, model: nn.Module, fields: Mapping[str, Tensor]) -> list[Tensor]:
        """One tensor of features per image, `[image tokens, d]`."""
        return list(model.get_image_features(**fields, return_dict=True).pooler_output)

    def dummy_image(self, model: nn.Module, processor: ProcessorMixin) -> dict[str, Tensor]:
        """A black image of one visual token."""
        config = model.config.vision_config
        side = config.spatial_merge_size
        values = config.in_channels * config.temporal_patch_size * config.patch_size**2
        return {"pixel_values": torch.zeros(side**2, values), "image_grid_thw": torch.tensor([[1, side, side]])}

    def _scaled_size(self, processor: ProcessorMixin, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height to which the processor scales an image, whole tokens both."""
        limits = processor.image_processor.size
        least, most = limits["shortest_edge"], limits["longest_edge"]
        height, width = smart_resize(size[1], size[0], token_side(processor), least, most)
        return width, height


def padded_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height, the short side raised to at least a 180th of the long one."""
    least = -(-max(size) // MAX_ASPECT)
    return max(size[0], least), max(size[1], least)


def token_side(processor: ProcessorMixin) -> int:
    """Side of a visual token in pixels of the scaled image."""
    return processor.image_processor.patch_size * processor.image_processor.merge_size
