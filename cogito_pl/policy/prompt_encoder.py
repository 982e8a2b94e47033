"""From a problem to the tensors that a model reads, and from token ids back to text.

One processor call per prompt, so that nothing about a prompt depends on its batch mates.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import AutoConfig, GenerationConfig, PreTrainedConfig

from cogito_pl.policy.config import PolicyConfig
from cogito_pl.policy.families import find_family
from cogito_pl.policy.model_folder import read_for
from cogito_pl.policy.prompt import EncodedImage, Prompt, PromptCache
from cogito_pl.problem import Problem

Turns = Literal["last", "all"]
"""Which responses of a conversation are trained on."""


def asked(problem: Problem, turns: Turns) -> Problem:
    """The problem whose prompt precedes all that is trained on: its first turn alone for `all`."""
    return problem.opening if turns == "all" else problem


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

    def rejection(
        self, problem: Problem, *, turns: Turns = "last", max_sequence_tokens: int | None = None
    ) -> str | None:
        """Why this policy cannot take the problem (too long, stray placeholders), or None.

        Args:
            problem: With its solution, where it has one.
            turns: See `encode_response`.
            max_sequence_tokens: Most tokens of the prompt and the response together.
        """
        try:
            tokens = self.count_tokens(asked(problem, turns))
            response = 0 if problem.solution is None else len(self.encode_response(problem, turns)[0])
        except ValueError as error:
            return str(error)
        if tokens > self.config.max_prompt_tokens:
            return f"the prompt has {tokens} tokens, more than policy.max_prompt_tokens={self.config.max_prompt_tokens}"
        if max_sequence_tokens is not None and tokens + response > max_sequence_tokens:
            total = f"prompt and response have {tokens + response} tokens"
            return f"{total}, more than max_sequence_tokens={max_sequence_tokens}"
        return None

    def text(self, problem: Problem) -> str:
        """The prompt as the chat template writes it, with one placeholder per image, earlier turns included."""
        return self._prompt_texts(problem)[-1]

    def system_prompt(self, problem: Problem) -> str:
        """The system message of a problem: its own, else `policy.system_prompt`; none where it is empty."""
        return self.config.system_prompt if problem.system is None else problem.system

    def _prompt_texts(self, problem: Problem) -> list[str]:
        """What precedes each response of a problem, as the chat template writes it, from the first turn to the last."""
        messages: list[dict[str, Any]] = []
        texts = []
        for place, question in enumerate(problem.questions):
            system = "" if place else self.system_prompt(problem)
            messages += self.family.messages(question, system_prompt=system, instruction=self.config.instruction)
            texts.append(self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
            if place < len(problem.history):
                said = [{"type": "text", "text": problem.history[place].response}]
                messages.append({"role": "assistant", "content": said})
        return texts

    def encode_response(self, problem: Problem, turns: Turns = "last") -> tuple[Tensor, Tensor]:
        """What follows the prompt of `asked(problem, turns)`, and where in it the assistant speaks, both `[T]`.

        Args:
            problem: With a solution.
            turns: `last`: the solution alone. `all`: every response, each as if it had been sampled (its text and an
                end token), and between them what the chat template puts there, the next question among it.

        Raises:
            ValueError: A multimodal token in the text, or for `all`, a conversation that is not one sequence.
        """
        pieces = [self.encode_completion(problem.solution)]
        if turns == "all":
            for turn, between in reversed(list(zip(problem.history, self._between(problem), strict=True))):
                ids = self.tokenizer(between, add_special_tokens=False).input_ids
                pieces = [self.encode_completion(turn.response), torch.tensor(self._text_only(ids)), *pieces]
        spoken = [torch.full((len(piece),), place % 2 == 0) for place, piece in enumerate(pieces)]
        return torch.cat(pieces), torch.cat(spoken)

    def _between(self, problem: Problem) -> Iterator[str]:
        """What the chat template puts between each response's end token and the next response."""
        texts, end = self._prompt_texts(problem), self.tokenizer.eos_token
        if len(problem.opening.images) < len(problem.images):
            raise ValueError("there is an image after the first question, where turns=all takes none; set turns=last")
        for before, turn, after in zip(texts, problem.history, texts[1:], strict=False):
            said = before + turn.response + end
            if not after.startswith(said):
                raise ValueError(
                    "the chat template rewrites earlier responses, so that turns=all finds no single sequence; set "
                    "turns=last"
                )
            yield after.removeprefix(said)

    def encode_completion(self, text: str) -> Tensor:
        """Ids of a written response and its end token, `[T]`. Raises ValueError on a multimodal token in the text."""
        ids = self._text_only(self.tokenizer(text, add_special_tokens=False).input_ids)
        return torch.tensor([*ids, self.tokenizer.eos_token_id])

    def _text_only(self, ids: list[int]) -> list[int]:
        if stray := set(ids) & set(self.suppressed_ids):
            raise ValueError(f"the solution holds the token {self.tokenizer.convert_ids_to_tokens(min(stray))!r}")
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of a completion without its special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)


def _end_ids(name: str, model_config: PreTrainedConfig) -> set[int]:
    try:
        ends = GenerationConfig.from_pretrained(name).eos_token_id
    except OSError:  # a folder without generation_config.json
        ends = model_config.get_text_config().eos_token_id
    return set(ends) if isinstance(ends, list) else {ends} - {None}
