"""Tokens that a model's tokenizer lacks: added as ordinary text, with rows that start from those of their pieces."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import nn
from transformers import AddedToken, AutoTokenizer, PreTrainedTokenizerBase


def add_tokens(tokenizer: PreTrainedTokenizerBase, tokens: Iterable[str]) -> dict[int, list[int]]:
    """Gives `tokenizer` those of `tokens` that it lacks, at the next ids. They are not special: decoding keeps them.

    Returns:
        Of each token that is new, its id and the ids of the pieces that spelt it before.

    Raises:
        ValueError: A token is special already, so that decoding would drop it.
    """
    pieces: dict[str, list[int]] = {}
    for token in tokens:
        if token in tokenizer.all_special_tokens:
            raise ValueError(
                f"policy.new_tokens: {token!r} is a special token of this model, which decoding drops; leave it out"
            )
        ids = tokenizer(token, add_special_tokens=False).input_ids
        if len(ids) != 1 or tokenizer.decode(ids) != token:
            pieces[token] = ids
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in pieces])
    return {tokenizer.convert_tokens_to_ids(token): ids for token, ids in pieces.items()}


@torch.no_grad()
def start_rows(model: nn.Module, pieces: Mapping[int, Sequence[int]]) -> None:
    """Gives new tokens the mean of the rows of their pieces, in the embedding and in a head with weights of its own.

        row[new] = 1 / n sum_i row[piece_i]

    The tables grow where an id lies behind their end; many models have spare rows there.

    Args:
        model: The transformers model.
        pieces: By the id of each new token, the ids of its pieces.
    """
    if not pieces:
        return
    if (rows := max(pieces) + 1) > len(model.get_input_embeddings().weight):
        with torch.random.fork_rng(devices=[]):
            model.resize_token_embeddings(rows, mean_resizing=False)
    head = model.get_output_embeddings()
    tables = [model.get_input_embeddings().weight, *(value for value in (head.weight, head.bias) if value is not None)]
    for table in {id(table): table for table in tables}.values():
        for token, ids in pieces.items():
            table[token] = table[list(ids)].float().mean(0).to(table.dtype)


def still_new(
    tokenizer: PreTrainedTokenizerBase, pieces: Mapping[int, Sequence[int]], folder: str
) -> dict[int, Sequence[int]]:
    """Those new tokens whose rows the weights in the model folder do not have: its tokenizer lacks them.

    Args:
        tokenizer: Of the run, the new tokens added.
        pieces: See `start_rows`.
        folder: Of `policy.init_from`. One without a tokenizer is taken to have that of `policy.name`.

    Raises:
        ValueError: Its tokenizer has tokens that the run lacks, or has them at other ids.
    """
    try:
        theirs = AutoTokenizer.from_pretrained(folder).get_added_vocab()
    except (OSError, ValueError):
        return dict(pieces)
    ours = tokenizer.get_added_vocab()
    if other := {token: place for token, place in theirs.items() if ours.get(token) != place}:
        raise ValueError(
            f"policy.init_from={folder} was trained with the tokens {', '.join(other)}, which this run's tokenizer has "
            "not, or not at these ids; set policy.new_tokens as that run did, or policy.name to that folder"
        )
    return {place: ids for place, ids in pieces.items() if place not in theirs.values()}


def check_new_tokens(of: str, theirs: Sequence[str] | None, ours: Sequence[str]) -> None:
    """Raises ValueError where a run with the new tokens `theirs` wrote the weights; None where it is not known.

    Args:
        of: The setting that names the weights, with its value.
        theirs: `policy.new_tokens` of the run that wrote them.
        ours: Those of this run.
    """
    if theirs is not None and list(theirs) != list(ours):
        raise ValueError(
            f"{of} is of a run with policy.new_tokens={list(theirs)}, and this run has {list(ours)}; set it as there"
        )
