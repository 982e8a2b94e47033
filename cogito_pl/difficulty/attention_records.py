"""Attention of responses to problems of any source: captured with a model, or read from the trials that CMAB left."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from cogito_pl.difficulty.identity import weights_digest
from cogito_pl.difficulty.scorer import Task
from cogito_pl.difficulty.trials import SETTINGS, TrialStore
from cogito_pl.files import read_jsonl
from cogito_pl.policy import Policy, PromptEncoder, find_sinks, token_sets, without_sinks
from cogito_pl.policy.token_sets import TEXT_SETS
from cogito_pl.problem import Problem

T = TypeVar("T", Problem, "AttentionRecord")
SINK_SHARE = 0.1
"""A prompt token that draws more than this share of all attention is a sink, as position 0 always is."""


@dataclass(frozen=True, kw_only=True)
class AttentionRecord:
    """Attention of one response; `S` token sets as in `TokenSets`, means over heads unless said otherwise.

    Args:
        id: Of the problem.
        problem: The problem; None where only its trials are known.
        correct: The verdict on the response; None where it was not graded.
        response: Ids of the response, `[T]`.
        tokens: Text of each of them, or its number where no tokenizer was given.
        sums: Attention on each token set, `[layers, T, S]`.
        relative: The same with sinks removed and the rest renormalised, `[layers, T, S]`.
        sizes: Tokens of each set, `[S]`.
        maps: Attention on each token of the prompt, mean over response tokens, `[layers, P]`; None where not kept.
        heads: Attention of each head on each token set, mean over response tokens, `[layers, heads, S]`, or None.
        of: The set of each prompt token, `[P]`, or None.
        sinks: True on the prompt tokens that `relative` leaves out, `[P]`, or None.
        grids: Rows and columns of visual tokens of each image.
    """

    id: str
    problem: Problem | None
    correct: bool | None
    response: Tensor
    tokens: tuple[str, ...]
    sums: Tensor
    relative: Tensor
    sizes: Tensor
    maps: Tensor | None = None
    heads: Tensor | None = None
    of: Tensor | None = None
    sinks: Tensor | None = None
    grids: tuple[tuple[int, int], ...] = ()

    def image_share(self, *, relative: bool = False) -> Tensor:
        """Share of attention on the images, `[layers, T]`; with `relative`, of the attention outside of sinks."""
        return (self.relative if relative else self.sums)[..., len(TEXT_SETS) :].sum(-1)

    def head_share(self) -> Tensor:
        """Share of every head's attention that falls on the images, `[layers, heads]`.

        Raises:
            ValueError: The attention of heads was not kept.
        """
        return self._kept("heads")[..., len(TEXT_SETS) :].sum(-1)

    def image_maps(self, *, relative: bool = False) -> list[Tensor]:
        """Share of attention on every image token, mean over layers, a map `[rows, columns]` per image.

        Args:
            relative: Of the attention outside of sinks; image tokens that are sinks are NaN.

        Raises:
            ValueError: The maps were not kept.
        """
        values, of = self._kept("maps").mean(0), self._kept("of")
        if relative:
            sinks = self._kept("sinks")
            values = values.masked_fill(sinks, torch.nan) / (1 - values[sinks].sum())
        return [values[of == len(TEXT_SETS) + place].view(*grid) for place, grid in enumerate(self.grids)]

    def _kept(self, name: str) -> Tensor:
        if (value := getattr(self, name)) is None:
            raise ValueError(
                f"the trials of problem {self.id!r} were kept without {name}; score with scorer.maps=true, or capture "
                "the attention with the model"
            )
        return value


def with_id(items: Iterable[T], problem_id: str) -> T:
    """The problem, or the record, with this id.

    Raises:
        ValueError: There is none.
    """
    known = []
    for item in items:
        if item.id == problem_id:
            return item
        known.append(item.id)
    raise ValueError(f"no problem has the id {problem_id!r}; the first of {len(known):,} are {', '.join(known[:5])}")


def attend(
    policy: Policy,
    problem: Problem,
    response: Tensor | str,  # [T] ids, end token included
    *,
    correct: bool | None = None,
    sink_share: float = SINK_SHARE,
) -> AttentionRecord:
    """Captures the attention of a response, in a second forward sinks apart where position 0 is not the only one.

    Args:
        policy: The model, its tokenizer and its prompt.
        problem: The problem.
        response: The response; text is tokenized and ended.
        correct: The verdict on it.
        sink_share: See `find_sinks`.
    """
    ids = policy.encoder.encode_completion(response) if isinstance(response, str) else response.cpu()
    prompt = policy.encode(problem)
    sets = token_sets(policy.encoder, problem, prompt)
    found = policy.attention(prompt, ids, sets)
    sinks = find_sinks(found.maps, sink_share) | (sets.of == TEXT_SETS.index("sink"))
    removed = sets.with_sinks(sinks)
    others = found.sums if torch.equal(removed.of, sets.of) else policy.attention(prompt, ids, removed).sums
    return AttentionRecord(
        id=problem.id,
        problem=problem,
        correct=correct,
        response=ids,
        tokens=token_texts(ids, policy.encoder),
        sums=found.sums,
        relative=without_sinks(others),
        sizes=sets.sizes(len(ids) - 1),
        maps=found.maps,
        heads=found.heads,
        of=sets.of,
        sinks=sinks,
        grids=tuple(policy.family.image_grids(policy.encoder.processor, prompt)) if sets.images else (),
    )


def focus_on(policy: Policy, record: AttentionRecord, places: Sequence[int]) -> AttentionRecord:
    """The record with `maps` and `heads` of some response tokens alone, by their places; sinks stay as they are."""
    focus = torch.zeros(len(record.response))
    focus[list(places)] = 1 / len(places)
    prompt = policy.encode(record.problem)
    found = policy.attention(prompt, record.response, token_sets(policy.encoder, record.problem, prompt), focus)
    return replace(record, maps=found.maps, heads=found.heads)


def kept_records(
    folder: str | Path, problems: Sequence[Problem] | None = None, encoder: PromptEncoder | None = None
) -> list[AttentionRecord]:
    """The first correct response of every solved problem, from a folder of trials that CMAB left; no model is needed.

    Sinks are position 0 alone, for sums over sets cannot tell others.

    Args:
        folder: The folder, `<name>.trials`.
        problems: Those to look up, for their images; all of the folder, without images, when None.
        encoder: Decodes the tokens of responses.

    Raises:
        OtherTrialsError: The trials under a problem's id are those of another problem.
        ValueError: Problems were solved and the folder holds no attention.
    """
    folder = Path(folder)
    store = TrialStore.read(folder, json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    for problem in problems or ():
        store.check(problem)
    wanted = [(name, None) for name in store.problems] if problems is None else [(p.id, p) for p in problems]
    records = [_kept_record(name, problem, store, encoder) for name, problem in wanted if store.kept(name)]
    solved = sum(any(store.outcomes(name).values()) for name, _ in wanted)
    if solved and not records:
        raise ValueError(f"{folder} holds no attention of {solved:,} solved problems; score them with CMAB")
    return records


def made_by(folder: str | Path, policy: Policy) -> bool:
    """Whether the trials in `folder` are those of this model."""
    settings = json.loads((Path(folder) / SETTINGS).read_text(encoding="utf-8"))
    return settings["weights"] == weights_digest(policy.model)


def records_of(
    folder: str | Path, policy: Policy, problems: Sequence[Problem] | None
) -> tuple[list[AttentionRecord], list[AttentionRecord]]:
    """The first correct and the first wrong response of every problem that has one, from a folder of trials.

    Where `policy` is the model of the trials and the problems are known, attention is captured again, maps and sinks
    included. Else it is what was kept, without wrong responses.

    Raises:
        ValueError: There is nothing to show.
    """
    same = made_by(folder, policy)
    kept = kept_records(folder, problems, policy.encoder if same else None)
    if same and problems is not None:
        correct = [attend(policy, record.problem, record.response, correct=True) for record in kept]
        return correct, wrong_records(policy, folder, problems)
    if not kept:
        raise ValueError(f"{folder}: nothing was solved; name the model and the data of these trials to see wrong ones")
    return kept, []


def _kept_record(
    name: str, problem: Problem | None, store: TrialStore, encoder: PromptEncoder | None
) -> AttentionRecord:
    kept = store.kept(name)
    if "sums" not in kept:
        raise ValueError(f"{store.folder} keeps no attention; score with cogito_pl.difficulty.CMAB")
    of = kept["of"].long() if "of" in kept else None
    return AttentionRecord(
        id=name,
        problem=problem,
        correct=True,
        response=kept["response"],
        tokens=token_texts(kept["response"], encoder),
        sums=kept["sums"],
        relative=without_sinks(kept["sums"]),
        sizes=kept["sizes"],
        maps=kept.get("maps"),
        heads=kept.get("heads"),
        of=of,
        sinks=None if of is None else of == TEXT_SETS.index("sink"),
        grids=tuple((int(rows), int(columns)) for rows, columns in kept.get("grids", ())),
    )


def wrong_records(policy: Policy, folder: str | Path, problems: Sequence[Problem]) -> list[AttentionRecord]:
    """The first wrong response of every problem that has one, from a folder of trials; its attention is captured now.

    Trials keep the text of wrong responses, which is tokenized again. Responses without a token are left out.

    Args:
        policy: The model that the trials were run with.
        folder: The folder, `<name>.trials`.
        problems: Those to look up.
    """
    first: dict[str, tuple[Task, str, bool]] = {}
    for file in sorted(Path(folder).glob("trials.rank*.jsonl")):
        for row in read_jsonl(file):
            trial = (Task(row["ratio"], row["repeat"]), row["response"], row["finished"])
            if not row["correct"] and row["ratio"] == 0:
                first[row["id"]] = min(first.get(row["id"], trial), trial)
    records = []
    for problem in problems:
        if problem.id in first:
            _, text, finished = first[problem.id]
            ids = policy.encoder.encode_completion(text)
            ids = ids if finished else ids[:-1]
            if len(ids):
                records.append(attend(policy, problem, ids, correct=False))
    return records


def token_texts(ids: Tensor, encoder: PromptEncoder | None) -> tuple[str, ...]:
    """The text of each token, `end` for one without; their numbers from 1 where nothing decodes them."""
    if encoder is None:
        return tuple(str(place + 1) for place in range(len(ids)))
    return tuple(encoder.decode([token]) or "end" for token in ids.tolist())


def word_places(record: AttentionRecord) -> list[tuple[str, list[int]]]:
    """The words of a response, each with the places of its tokens."""
    words: list[tuple[str, list[int]]] = []
    for place, token in enumerate(record.tokens):
        if not words or token[:1].isspace() or token == "end":
            words.append(("", []))
        words[-1] = (words[-1][0] + token.strip(), [*words[-1][1], place])
    return words
