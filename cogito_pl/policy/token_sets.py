"""Sets of the tokens that a response attends to: images, the question, other text, the response itself.

The sets are disjoint and cover everything, so that any notion of "the image" and "the text" is a sum of some of them.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cogito_pl.policy.prompt import Prompt
from cogito_pl.policy.prompt_encoder import PromptEncoder
from cogito_pl.problem import IMAGE_MARKER, Problem

TEXT_SETS = ("sink", "before", "question_before", "after", "question_after", "generated")
"""Position 0, which most models attend to whatever it holds; other text and the question before the first image; both
after it; the response."""


@dataclass(frozen=True)
class TokenSets:
    """The sets of one prompt: the six of `TEXT_SETS`, then one per image.

    Without an image all text is before it. A prompt that opens with an image has no sink.

    Args:
        of: The set of each prompt token, `[P]`.
        images: Number of images.
    """

    of: Tensor
    images: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of all sets, in their order."""
        return (*TEXT_SETS, *(f"image_{index}" for index in range(self.images)))

    def sizes(self, generated: int) -> Tensor:
        """Tokens of each set, `[S]`, with a response of `generated` tokens that can be attended to."""
        counts = self.of.bincount(minlength=len(self.names))
        counts[TEXT_SETS.index("generated")] = generated
        return counts

    def members(self, generated: int) -> Tensor:
        """One column per set that is 1 on its tokens, `[P + generated, S]`; a response follows the prompt."""
        tail = self.of.new_full((generated,), TEXT_SETS.index("generated"))
        return torch.nn.functional.one_hot(torch.cat([self.of, tail]), len(self.names)).float()

    def with_sinks(self, sinks: Tensor) -> "TokenSets":
        """The same sets with the tokens where `sinks`, `[P]`, is true in the set `sink`, those of images included."""
        return replace(self, of=self.of.masked_fill(sinks, TEXT_SETS.index("sink")))


def token_sets(encoder: PromptEncoder, problem: Problem, prompt: Prompt) -> TokenSets:
    """The sets of a problem's encoded prompt.

    Raises:
        ValueError: The images or the question cannot be told apart in the prompt of this model.
    """
    ids = prompt.ids.cpu()
    is_image = torch.isin(ids, torch.tensor(sorted(encoder.image_ids)))
    starts = is_image & ~torch.cat([is_image.new_zeros(1), is_image[:-1]])
    if int(starts.sum()) != len(problem.images):
        raise ValueError(
            f"the prompt of problem {problem.id!r} has {int(starts.sum())} runs of image tokens for "
            f"{len(problem.images)} images; this model's prompt format does not set images apart"
        )
    after_image = starts.cumsum(0) > 0
    asked = _question_tokens(encoder, problem, ids, is_image)
    of = torch.where(asked, torch.where(after_image, 4, 2), torch.where(after_image, 3, 1))
    of[0] = 0
    return TokenSets(torch.where(is_image, len(TEXT_SETS) - 1 + starts.cumsum(0), of), len(problem.images))


def find_sinks(maps: Tensor, share: float = 0.1) -> Tensor:
    """True on the tokens `[P]` of the prompt that draw attention as sinks do: much of it, from everywhere.

    Args:
        maps: Attention on each token of the prompt, mean over heads and response tokens, `[layers, P]`.
        share: A token that draws more than this share of all attention, mean over layers, is a sink.

    Raises:
        ValueError: `share` is not a share.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share} is not a share of attention; choose a number between 0 and 1, such as 0.1")
    return maps.mean(0) > share


def without_sinks(sums: Tensor) -> Tensor:
    """Relative attention: sums over sets, `[..., S]`, renormalised over the tokens that are no sinks.

    With A a row of attention, `sum_{j in set} A[j] / sum_{j not sink} A[j]`, and 0 for the sinks themselves.
    """
    kept = sums.clone()
    kept[..., TEXT_SETS.index("sink")] = 0
    return kept / kept.sum(-1, keepdim=True)


def image_maps(encoder: PromptEncoder, prompt: Prompt, sets: TokenSets, values: Tensor) -> list[Tensor]:
    """Values of prompt tokens, `[P]`, as one map `[rows, columns]` per image.

    Raises:
        ValueError: The model's family does not state how many rows and columns an image has.
    """
    grids = encoder.family.image_grids(encoder.processor, prompt) if sets.images else []
    return [values[sets.of == len(TEXT_SETS) + index].view(*grid) for index, grid in enumerate(grids)]


def _question_tokens(encoder: PromptEncoder, problem: Problem, ids: Tensor, is_image: Tensor) -> Tensor:
    """True on the tokens `[P]` that hold some of the question's own words."""
    text = encoder.text(problem)
    short = encoder.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    kept = [place for place, token in enumerate(short.input_ids) if token not in encoder.image_ids]
    if [short.input_ids[place] for place in kept] != ids[~is_image].tolist():
        raise ValueError(
            f"the prompt of problem {problem.id!r} is not its text with image tokens put in; "
            "this model's prompt format is not supported"
        )
    spans = _question_spans(encoder, problem, text)
    offsets = [short.offset_mapping[place] for place in kept]
    inside = [any(start < end and start < stop and end > begin for begin, stop in spans) for start, end in offsets]
    asked = torch.zeros_like(is_image)
    asked[~is_image] = torch.tensor(inside)
    return asked


def _question_spans(encoder: PromptEncoder, problem: Problem, text: str) -> list[tuple[int, int]]:
    """Where the pieces of the question stand in the prompt's text, as half-open ranges of characters."""
    system = encoder.system_prompt(problem).strip()
    place = text.find(system) + len(system) if system else 0
    earlier = [piece for turn in problem.history for piece in (*turn.question.split(IMAGE_MARKER), turn.response)]
    pieces = [
        *((piece, False) for piece in earlier),
        *((piece, True) for piece in problem.question.split(IMAGE_MARKER)),
    ]
    spans = []
    for piece, is_question in ((piece.strip(), is_question) for piece, is_question in pieces if piece.strip()):
        begin = text.find(piece, place)
        if begin < 0:
            raise ValueError(f"the chat template rewrites the question of problem {problem.id!r}: {piece!r} is gone")
        place = begin + len(piece)
        if is_question:
            spans.append((begin, place))
    return spans
