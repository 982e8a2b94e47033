"""The interface of a family: everything about a model that depends on its architecture."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from PIL import Image
from torch import Tensor, nn
from transformers import PreTrainedConfig, ProcessorMixin
from transformers.modeling_outputs import BaseModelOutputWithPooling

from cogito_pl.policy.prompt import Prompt
from cogito_pl.problem import IMAGE_MARKER

MULTIMODAL = ("image", "video", "audio", "vision", "boi", "eoi", "boa", "eoa")
"""How the names of a configuration's multimodal token ids begin."""


class Family(ABC):
    """How one architecture reads images, numbers positions and is composed. Holds no state of a model.

    Methods that are not abstract have defaults that fit most image-text-to-text models of transformers. A family with
    `takes_rows` can be forwarded on rows that share a prompt and on image features that were computed before; others
    are forwarded on whole padded sequences with pixels (`policy.layout: padded`).
    """

    model_types: ClassVar[tuple[str, ...]] = ()
    """Values of `model_type` in a model's config.json for which `policy.family: auto` chooses this family."""

    takes_rows: ClassVar[bool] = False
    """Whether the model takes explicit positions, a four-dimensional mask and image features."""

    parts: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "vision": ("visual", "vision_tower", "vision_model", "vision_encoder"),
        "projector": ("visual.merger", "multi_modal_projector", "connector", "aligner", "mm_projector"),
        "language": ("language_model", "text_model"),
        "embeddings": ("language_model.embed_tokens", "text_model.embed_tokens"),
        "head": ("lm_head",),
    }
    """Paths of the submodules of each part, below the model or its `.model`; those that a model has count."""

    @property
    def name(self) -> str:
        """Its class, for messages."""
        return type(self).__name__

    # Reading a problem

    @abstractmethod
    def load_processor(self, folder: str) -> ProcessorMixin:
        """The processor of the model in `folder`: tokenizer, chat template and image processor."""

    def token_ids(self, config: PreTrainedConfig) -> tuple[set[int], set[int]]:
        """Ids that stand for an image's tokens in a prompt, and all ids that stand for images, videos or sounds."""
        names = {name: value for name, value in config.to_dict().items() if isinstance(value, int)}
        ids = {name: value for name, value in names.items() if name.endswith(("_token_id", "_token_index"))}
        image = {value for name, value in ids.items() if name.startswith("image_token_")}
        return image, {value for name, value in ids.items() if name.startswith(MULTIMODAL)}

    def messages(self, question: str, *, system_prompt: str, instruction: str) -> list[dict[str, Any]]:
        """The chat that asks `question`, in which images stand where their markers are; the instruction follows it."""
        content: list[dict[str, str]] = []
        for index, piece in enumerate(question.split(IMAGE_MARKER)):
            if index:
                content.append({"type": "image"})
            if piece.strip():
                content.append({"type": "text", "text": piece.strip("\n")})
        if instruction:
            content.append({"type": "text", "text": "\n" + instruction})
        messages = [{"role": "user", "content": content}]
        if system_prompt:
            messages.insert(0, {"role": "system", "content": [{"type": "text", "text": system_prompt}]})
        return messages

    def limit_pixels(self, processor: ProcessorMixin, least: int | None, most: int | None) -> None:
        """Sets `policy.min_pixels` and `policy.max_pixels`, where they are not None.

        Raises:
            ValueError: The image processor has no such limits.
        """
        if (least, most) != (None, None):
            raise ValueError(
                f"policy.min_pixels={least} and policy.max_pixels={most} do not apply to the family {self.name}: "
                f"its image processor scales images to {dict(processor.image_processor.size)}; leave them null"
            )

    def prepare_image(self, image: Image.Image) -> Image.Image:
        """The RGB image as the processor can take it."""
        return image

    def count_image_tokens(self, processor: ProcessorMixin, sizes: Sequence[tuple[int, int]]) -> list[int] | None:
        """Tokens of images of these widths and heights; None where only the processed image tells."""
        return None

    def scale_image(self, processor: ProcessorMixin, image: Image.Image) -> tuple[Image.Image, int | None]:
        """The image at the size to which the processor scales it, and the side of a visual token in its pixels.

        The side is None, and the image as it was, where an image is not cut into square tokens.
        """
        return image, None

    def image_grids(self, processor: ProcessorMixin, prompt: Prompt) -> list[tuple[int, int]]:
        """Rows and columns of visual tokens of each of the prompt's images.

        Raises:
            ValueError: The tokens of an image are not laid out in a grid.
        """
        raise ValueError(f"the family {self.name} does not say how the tokens of an image are laid out in a grid")

    @abstractmethod
    def split_images(self, fields: Mapping[str, Tensor], count: int) -> list[dict[str, Tensor]]:
        """The processor's image fields for `count` images as one mapping per image that can be encoded by itself."""

    # Forwards

    @abstractmethod
    def encode_images(self, model: nn.Module, fields: Mapping[str, Tensor]) -> list[Tensor]:
        """One tensor of features per image, `[image tokens, d]`, from the vision tower and its projector."""

    @abstractmethod
    def dummy_image(self, model: nn.Module, processor: ProcessorMixin) -> dict[str, Tensor]:
        """Fields of a small image, encoded by ranks without images so that every rank runs the vision tower."""

    def feature_inputs(self, model: nn.Module, features: Sequence[Tensor]) -> dict[str, Any]:
        """What a forward takes in the place of pixels: features `[image tokens, d]` in the order of placeholders."""
        return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=tuple(features))}}

    def positions(self, model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Position ids, explicit in every forward: `[3, B, L]` where the model has M-RoPE, else `[B, L]`.

        A model's own fallback may read state of an earlier call (`rope_deltas`), which is stale after a rollout.

        Args:
            model: The transformers model.
            batch: Padded inputs; see `padding.pad_prompts`.
        """
        mask = batch["attention_mask"]
        index = getattr(model.model, "get_rope_index", None)
        if index is None:
            return (mask.cumsum(1) - 1).clamp(min=0)
        return index(**accepted(index, batch))[0]

    # Composition

    def part(self, model: nn.Module, name: str) -> list[nn.Module]:
        """The modules of a part: `vision`, `projector`, `language`, `embeddings` or `head`; empty if it has none."""
        found = (_submodule(model, root + path) for path in self.parts[name] for root in ("model.", ""))
        return list({id(module): module for module in found if module is not None}.values())

    def blocks(self, model: nn.Module) -> Iterator[nn.Module]:
        """Layers of the language model and vision tower, each of which is sharded as one unit by FSDP2.

        Raises:
            ValueError: None of the one or the other are found.
        """
        for part in ("language", "vision"):
            blocks = [block for module in self.part(model, part) for block in _outermost_blocks(module)]
            if not blocks:
                raise ValueError(
                    f"policy.family={self.name} finds no {part} layers in {type(model).__name__} to shard; name a "
                    "family whose `parts` say where they are"
                )
            yield from blocks


def accepted(function: Callable[..., Any], fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of `fields` that `function` names as parameters."""
    names = _parameters(getattr(function, "__func__", function))
    return {name: value for name, value in fields.items() if name in names}


@cache
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _submodule(model: nn.Module, path: str) -> nn.Module | None:
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None


def _outermost_blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield from _outermost_blocks(child)
