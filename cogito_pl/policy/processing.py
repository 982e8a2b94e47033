"""From a problem to the tensors that a model reads, and from token ids back to text.

One processor call per prompt, so that nothing about a prompt can depend on its batch mates. Knows tokenizers and image
processors; nothing of weights.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import AutoConfig, AutoProcessor, AutoTokenizer, GenerationConfig, ProcessorMixin
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from cogito_pl.policy.config import PolicyConfig
from cogito_pl.policy.prompt import Prompt, PromptCache
from cogito_pl.problem import IMAGE_MARKER, Problem

MAX_ASPECT = 180  # Qwen's resize refuses more than 200; a longer strip is padded to this
MULTIMODAL_ID = re.compile(r"^(image|video|audio|vision|boi|eoi|boa|eoa)\w*_(token_id|token_index)$")


class ImageTextProcessor(Qwen2_5_VLProcessor):
    """Qwen2.5-VL's processor without its video half, which alone needs torchvision."""

    @classmethod
    def get_attributes(cls) -> list[str]:
        """The parts that are built and saved."""
        return ["image_processor", "tokenizer"]

    def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str | None = None) -> None:
        self.image_token, self.video_token = "<|image_pad|>", "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        self.image_token_ids, self.video_token_ids, self.audio_token_ids = (
            [self.image_token_id],
            [self.video_token_id],
            [],
        )
        ProcessorMixin.__init__(
            self, image_processor, tokenizer, chat_template=chat_template or tokenizer.chat_template
        )

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> None:
        """Writes the files of a stock Qwen2.5-VL folder, so that any tool reads it."""
        self.tokenizer.chat_template = self.chat_template
        self.tokenizer.save_pretrained(save_directory)
        self.image_processor.save_pretrained(save_directory)


def load_processor(folder: str) -> ProcessorMixin:
    """The processor in a model folder; Qwen2.5-VL's is built without its video half, once, here."""
    if AutoConfig.from_pretrained(folder).model_type != "qwen2_5_vl":
        return AutoProcessor.from_pretrained(folder)
    template = Path(folder) / "chat_template.json"  # older folders keep it apart from the tokenizer
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.chat_template is None and template.exists():
        tokenizer.chat_template = json.loads(template.read_text())["chat_template"]
    return ImageTextProcessor(Qwen2VLImageProcessorPil.from_pretrained(folder), tokenizer)


class PromptEncoder:
    """Turns problems into prompts and token ids into text, for one model folder."""

    def __init__(self, config: PolicyConfig) -> None:
        self.config = config
        self.processor = load_processor(config.name)
        self.tokenizer = self.processor.tokenizer
        self._limit_pixels()
        self._cache = PromptCache(config.prompt_cache_mib)
        model_config = AutoConfig.from_pretrained(config.name)
        self.image_ids = _token_ids(model_config, re.compile(r"^image_token_(id|index)$"))
        self.suppressed_ids = sorted(_token_ids(model_config, MULTIMODAL_ID))
        """Ids that stand for images, videos or sounds: never sampled, refused in solutions."""
        self.end_ids = sorted(_end_ids(config.name, model_config) | {self.tokenizer.eos_token_id})
        """Ids that end a completion."""
        self.pad_id = (
            self.tokenizer.eos_token_id if self.tokenizer.pad_token_id is None else self.tokenizer.pad_token_id
        )

    def encode(self, problem: Problem) -> Prompt:
        """Decodes the images and tokenizes the prompt, unless it is kept from an earlier time.

        Raises:
            ValueError: Where image placeholders do not match the images (the text itself holds one, say).
        """
        prompt = self._cache.get(problem)
        if prompt is None:
            prompt = self._encode(problem)
            self._cache.keep(problem, prompt)
        return prompt

    def _encode(self, problem: Problem) -> Prompt:
        images = [fit_aspect(image.load()) for image in problem.images]
        try:
            fields = self.processor(
                text=[self.text(problem)], images=images or None, add_special_tokens=False, return_tensors="pt"
            )
        except ValueError as error:
            raise ValueError(f"the prompt of problem {problem.id!r} cannot be encoded: {error}") from error
        ids = fields.pop("input_ids")[0]
        fields.pop("attention_mask", None)
        token_fields = {name: value[0] for name, value in fields.items() if value.shape[:2] == (1, len(ids))}
        image_fields = {name: value for name, value in fields.items() if name not in token_fields}
        placeholders = sum(token in self.image_ids for token in ids.tolist())
        if bool(placeholders) != bool(images):
            raise ValueError(
                f"the prompt of problem {problem.id!r} has {placeholders} image tokens for {len(images)} images"
            )
        return Prompt(ids, token_fields, image_fields)

    def count_tokens(self, problem: Problem) -> int:
        """Length of the encoded prompt, from the images' sizes alone where the processor can tell."""
        ids = self.tokenizer(self.text(problem), add_special_tokens=False).input_ids
        placeholders = sum(token in self.image_ids for token in ids)
        count = getattr(self.processor, "_get_num_multimodal_tokens", None)
        if count is None or placeholders != len(problem.images):
            return len(self.encode(problem))
        if not problem.images:
            return len(ids)
        sizes = [padded_size(image.size)[::-1] for image in problem.images]
        return len(ids) - placeholders + sum(count(image_sizes=sizes)["num_image_tokens"])

    def rejection(self, problem: Problem) -> str | None:
        """Why this policy cannot take the problem (too long, stray placeholders), or None."""
        try:
            tokens = self.count_tokens(problem)
            if problem.solution is not None:
                self.encode_completion(problem.solution)
        except ValueError as error:
            return str(error)
        if tokens > self.config.max_prompt_tokens:
            return f"the prompt has {tokens} tokens, more than policy.max_prompt_tokens={self.config.max_prompt_tokens}"
        return None

    def text(self, problem: Problem) -> str:
        """The prompt as the chat template writes it, with one placeholder per image."""
        blocks: list[dict[str, str]] = []
        for index, piece in enumerate(problem.question.split(IMAGE_MARKER)):
            if index:
                blocks.append({"type": "image"})
            if piece.strip():
                blocks.append({"type": "text", "text": piece.strip("\n")})
        if self.config.instruction:
            blocks.append({"type": "text", "text": "\n" + self.config.instruction})
        messages = [{"role": "user", "content": blocks}]
        if self.config.system_prompt:
            messages.insert(0, {"role": "system", "content": [{"type": "text", "text": self.config.system_prompt}]})
        return self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)

    def encode_completion(self, text: str) -> Tensor:
        """Ids of a written response and its end token, `[T]`. Raises ValueError on a multimodal token in the text."""
        ids = self.tokenizer(text, add_special_tokens=False).input_ids
        if stray := set(ids) & set(self.suppressed_ids):
            raise ValueError(f"the solution holds the token {self.tokenizer.convert_ids_to_tokens(min(stray))!r}")
        return torch.tensor([*ids, self.tokenizer.eos_token_id])

    def decode(self, ids: Iterable[int]) -> str:
        """Text of a completion without its special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def _limit_pixels(self) -> None:
        limits = {"shortest_edge": self.config.min_pixels, "longest_edge": self.config.max_pixels}
        limits = {key: value for key, value in limits.items() if value is not None}
        images = self.processor.image_processor
        size = dict(images.size)
        if limits and None in (size.get("shortest_edge"), size.get("longest_edge")):
            raise ValueError(
                f"policy.min_pixels and policy.max_pixels do not apply to {type(images).__name__}, "
                f"whose size is {images.size}; leave them null"
            )
        images.size = type(images.size)(**{**size, **limits})


def fit_aspect(image: Image.Image) -> Image.Image:
    """Pads a strip longer than 180 times its width with white, since no model takes it as it is."""
    size = padded_size(image.size)
    if size == image.size:
        return image
    canvas = Image.new("RGB", size, "white")
    canvas.paste(image)
    return canvas


def padded_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height, the short side raised to at least a 180th of the long one."""
    least = -(-max(size) // MAX_ASPECT)
    return max(size[0], least), max(size[1], least)


def _token_ids(model_config: Any, pattern: re.Pattern[str]) -> set[int]:
    values = (value for name, value in model_config.to_dict().items() if pattern.match(name))
    return {value for value in values if isinstance(value, int)}


def _end_ids(name: str, model_config: Any) -> set[int]:
    try:
        ends = GenerationConfig.from_pretrained(name).eos_token_id
    except OSError:  # a folder without generation_config.json
        ends = model_config.get_text_config().eos_token_id
    return set(ends) if isinstance(ends, list) else {ends} - {None}
