"""From a problem to the tensors that a model reads, and from token ids back to text.

One processor call per prompt, so that nothing about a prompt depends on its batch mates.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from transformers import AutoConfig, GenerationConfig, PreTrainedConfig

from cogito_pl.policy.config import PolicyConfig
from cogito_pl.policy.families import find_family
from cogito_pl.policy.model_folder import read_for
from cogito_pl.policy.prompt import EncodedImage, Prompt, PromptCache
from cogito_pl.problem import Problem


class PromptEncoder:
    """Turns problems into prompts and token ids into text, for one model folder."""

    def __init__(self, config: PolicyConfig) -> None:
        self.config = config
        with read_for("policy.name", config.name):
            model_config = AutoConfig.from_pretrained(config.name)
        self.family = find_family(config.family, model_config.model_type)
        with read_for("policy.name", config.name):
            self.processor = self.family.load_processor(config.name)
        self.tokenizer = self.processor.tokenizer
        self.family.limit_pixels(self.processor, config.min_pixels, config.max_pixels)
        self._cache = PromptCache(config.prompt_cache_mib)
        self.image_ids, multimodal = self.family.token_ids(model_config)
        self.suppressed_ids = sorted(multimodal)
        """Ids that stand for images, videos or sounds: never sampled, refused in solutions."""
        self.end_ids = sorted(_end_ids(config.name, model_config) | {self.tokenizer.eos_token_id})
        """Ids that end a completion."""
        self.pad_id = (
            self.tokenizer.eos_token_id if self.tokenizer.pad_token_id is None else self.tokenizer.pad_token_id
        )

    def encode(self, problem: Problem) -> Prompt:
        """Decodes the images and tokenizes the prompt, unless it is still in the cache.

        Raises:
            ValueError: Image placeholders do not match the images (the text itself holds one, say).
        """
        prompt = self._cache.get(problem)
        if prompt is None:
            prompt = self._encode(problem)
            self._cache.keep(problem, prompt)
        return prompt

    def _encode(self, problem: Problem) -> Prompt:
        images = [self.family.prepare_image(image.load()) for image in problem.images]
        try:
            fields = self.processor(
                text=[self.text(problem)], images=images or None, add_special_tokens=False, return_tensors="pt"
            )
        except ValueError as error:
            raise ValueError(f"the prompt of problem {problem.id!r} cannot be encoded: {error}") from error
        ids = fields.pop("input_ids")[0]
        fields.pop("attention_mask", None)
        token_fields = {name: value[0] for name, value in fields.items() if value.shape == (1, len(ids))}
        image_fields = {name: value for name, value in fields.items() if name not in token_fields}
        placeholders = sum(token in self.image_ids for token in ids.tolist())
        if bool(placeholders) != bool(images):
            raise ValueError(
                f"the prompt of problem {problem.id!r} has {placeholders} image tokens for {len(images)} images"
            )
        encoded = self.family.split_images(image_fields, len(images))
        return Prompt(ids, token_fields, tuple(map(EncodedImage, encoded)))

    def count_tokens(self, problem: Problem) -> int:
        """Length of the encoded prompt, from the images' sizes alone where the family can tell."""
        ids = self.tokenizer(self.text(problem), add_special_tokens=False).input_ids
        placeholders = sum(token in self.image_ids for token in ids)
        counts = self.family.count_image_tokens(self.processor, [image.size for image in problem.images])
        if counts is None or placeholders != len(problem.images):
            return len(self.encode(problem))
        return len(ids) - placeholders + sum(counts)

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
        config = self.config
        messages = self.family.messages(
            problem.question, system_prompt=config.system_prompt, instruction=config.instruction
        )
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


def _end_ids(name: str, model_config: PreTrainedConfig) -> set[int]:
    try:
        ends = GenerationConfig.from_pretrained(name).eos_token_id
    except OSError:  # a folder without generation_config.json
        ends = model_config.get_text_config().eos_token_id
    return set(ends) if isinstance(ends, list) else {ends} - {None}
