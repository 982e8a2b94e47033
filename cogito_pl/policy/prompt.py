"""An encoded prompt, and those that are kept for problems that are drawn again."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cogito_pl.problem import Problem


@dataclass(frozen=True)
class Prompt:
    """One encoded prompt.

    Args:
        ids: Token ids, image placeholders expanded, `[L]`.
        token_fields: What else the model wants to know of each token (its modality), each `[L]`.
        image_fields: Pixels and grids of this prompt's images, concatenated along the first axis.
    """

    ids: Tensor
    token_fields: Mapping[str, Tensor]
    image_fields: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Memory of its tensors."""
        return sum(value.nbytes for value in (self.ids, *self.token_fields.values(), *self.image_fields.values()))


class PromptCache:
    """Encoded prompts by problem: the very object, so that two problems of one name are never mistaken.

    Args:
        capacity_mib: Pixels and ids that are kept, oldest dropped first.
    """

    def __init__(self, capacity_mib: int) -> None:
        self.capacity, self.held = capacity_mib * 2**20, 0
        self._kept: OrderedDict[int, tuple[Problem, Prompt]] = OrderedDict()

    def get(self, problem: Problem) -> Prompt | None:
        """The prompt of `problem`, if it is kept."""
        kept = self._kept.get(id(problem))
        return kept[1] if kept is not None else None

    def keep(self, problem: Problem, prompt: Prompt) -> None:
        """Keeps the problem with its prompt, and so its identity."""
        self._kept[id(problem)] = (problem, prompt)
        self.held += prompt.nbytes
        while self.held > self.capacity:
            self.held -= self._kept.popitem(last=False)[1][1].nbytes
