"""An encoded prompt, and the cache of prompts for problems that are drawn again."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from cogito_pl.problem import Problem


@dataclass(frozen=True)
class EncodedImage:
    """What the image processor made of one image.

    Args:
        fields: Pixels, grid and what else the model takes, each with the image or its patches along the first axis.
    """

    fields: Mapping[str, Tensor]

    @cached_property
    def key(self) -> bytes:
        """Digest of the fields, the same for the same image."""
        digest = hashlib.blake2b(digest_size=16)
        for name, value in sorted(self.fields.items()):
            digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            digest.update(value.contiguous().view(torch.uint8).numpy())
        return digest.digest()


@dataclass(frozen=True)
class Prompt:
    """One encoded prompt.

    Args:
        ids: Token ids, image placeholders expanded, `[L]`.
        token_fields: Further inputs of the model per token, such as its modality, each `[L]`.
        images: Its images, in the order of their placeholders.
    """

    ids: Tensor
    token_fields: Mapping[str, Tensor]
    images: tuple[EncodedImage, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def image_fields(self) -> dict[str, Tensor]:
        """The fields of all its images."""
        return join_images(self.images)

    @property
    def nbytes(self) -> int:
        """Memory of its tensors."""
        pixels = (value for image in self.images for value in image.fields.values())
        return sum(value.nbytes for value in (self.ids, *self.token_fields.values(), *pixels))


def join_images(images: Sequence[EncodedImage]) -> dict[str, Tensor]:
    """The fields of several images as one forward takes them, one image after the other along the first axis.

    Where images differ in their other axes, the smaller ones are filled up with zeros, as transformers' image
    processors do for images of one batch.
    """
    fields: dict[str, list[Tensor]] = {}
    for image in images:
        for name, value in image.fields.items():
            fields.setdefault(name, []).append(value)
    return {name: _stack(values) for name, values in fields.items()}


def _stack(values: Sequence[Tensor]) -> Tensor:
    if len(values) == 1:
        return values[0]
    if len({value.shape[1:] for value in values}) == 1:
        return torch.cat(list(values))
    shape = [max(sizes) for sizes in zip(*(value.shape[1:] for value in values), strict=True)]
    stacked = values[0].new_zeros(sum(len(value) for value in values), *shape)
    start = 0
    for value in values:
        stacked[(slice(start, start + len(value)), *map(slice, value.shape[1:]))] = value
        start += len(value)
    return stacked


class PromptCache:
    """Encoded prompts by problem: by the very object, so that two problems with one id are never mistaken.

    Args:
        capacity_mib: Most memory of the prompts that are kept; the oldest are dropped first.
    """

    def __init__(self, capacity_mib: int) -> None:
        self.capacity, self.held = capacity_mib * 2**20, 0
        self._kept: OrderedDict[int, tuple[Problem, Prompt]] = OrderedDict()

    def get(self, problem: Problem) -> Prompt | None:
        """The prompt of `problem`, if it is kept."""
        kept = self._kept.get(id(problem))
        return kept[1] if kept is not None else None

    def keep(self, problem: Problem, prompt: Prompt) -> None:
        """Keeps the prompt, and the problem with it, so that its identity stays its own."""
        self._kept[id(problem)] = (problem, prompt)
        self.held += prompt.nbytes
        while self.held > self.capacity:
            self.held -= self._kept.popitem(last=False)[1][1].nbytes
