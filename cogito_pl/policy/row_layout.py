"""Lays out sequences that share prompts for a forward, at the lowest counted cost.

A shared row holds a prompt once, followed by several of its completions. Each completion sees the prompt and itself
(a block-causal mask), and its positions go on where the prompt's end, as if it stood there alone:

    tokens      p p p p a a a b b        p: prompt, a and b: two completions
    positions   0 1 2 3 4 5 6 4 5

A row with one completion needs no mask but the causal one. Which of the two is cheaper depends on lengths: sharing
saves prompt tokens (linear), and pays for attention between completions that is computed and masked away (quadratic).
Every prompt's completions are therefore cut into rows of the size with the smallest counted cost, and never into a row
longer than `max_tokens`, which bounds the dense mask to its square. Sixteen completions of 4,096 tokens of one prompt
of 1,200 thus become sixteen rows without a mask.

The rows of different prompts can be packed, one behind the other in a line of at most `max_tokens`:

    tokens      p p p a a q q b b b      p and q: two prompts, each with a completion
    positions   0 1 2 3 4 0 1 2 3 4

Attention is computed row by row, all else for the whole line at once: nothing is padded or masked away, and a
micro-batch takes few forwards, however its lengths differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

Layout = Literal["auto", "shared", "single", "packed", "padded"]
FORWARD_COST = 128
"""Fixed cost of a forward in units of tokens: layers and kernels have to be started one by one."""


@dataclass(frozen=True)
class Row:
    """A prompt (its place among the distinct prompts) and the completions that follow it, with their lengths."""

    prompt: int
    members: tuple[int, ...]
    prompt_tokens: int
    completion_tokens: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens of the row; the last token of a completion predicts nothing, and is left out."""
        return self.prompt_tokens + sum(max(0, length - 1) for length in self.completion_tokens)

    @property
    def shared(self) -> bool:
        """Whether the row needs a block-causal mask."""
        return len(self.members) > 1


Line = tuple[Row, ...]
"""Rows that stand one behind the other, without seeing each other; mostly one."""


def attention_share(text_config: Any) -> float:
    """Cost of one attended pair of tokens in units of one token's matrix products, per layer.

    Scores and weighted values take 4 h d_h FLOPs a pair; projections and MLP take 2 FLOPs a weight and token.
    """
    heads = text_config.num_attention_heads
    width = getattr(text_config, "head_dim", None) or text_config.hidden_size // heads
    keys = getattr(text_config, "num_key_value_heads", None) or heads
    weights = text_config.hidden_size * (2 * heads * width + 2 * keys * width + 3 * text_config.intermediate_size)
    return 4 * heads * width / (2 * weights)


def plan_rows(
    owners: Sequence[int],  # which distinct prompt each sequence belongs to
    prompt_tokens: Sequence[int],  # of each distinct prompt
    completion_tokens: Sequence[int],  # of each sequence
    *,
    layout: Layout,
    max_tokens: int,
    pair_cost: float,  # see `attention_share`
) -> list[Row]:
    """Cuts every prompt's sequences into rows: all in one (`shared`), one each (`single`), else the cheapest size."""
    rows = []
    for prompt, length in enumerate(prompt_tokens):
        members = [place for place, owner in enumerate(owners) if owner == prompt]
        sizes = {"shared": [len(members)], "single": [1]}.get(layout, range(1, len(members) + 1))
        choices = [_cut(prompt, length, members, completion_tokens, size, max_tokens) for size in sizes]
        rows += min(choices, key=lambda rows: sum(row.tokens + pair_cost * row.tokens**2 for row in rows))
    return rows


def _cut(
    prompt: int, length: int, members: Sequence[int], tokens: Sequence[int], size: int, max_tokens: int
) -> list[Row]:
    """Rows of at most `size` sequences and, unless a single one is longer, `max_tokens` tokens."""
    rows: list[Row] = []
    for place in members:
        if rows and len(rows[-1].members) < size and rows[-1].tokens + tokens[place] - 1 <= max_tokens:
            last = rows[-1]
            rows[-1] = Row(prompt, (*last.members, place), length, (*last.completion_tokens, tokens[place]))
        else:
            rows.append(Row(prompt, (place,), length, (tokens[place],)))
    return rows


def batch_rows(rows: Sequence[Row], *, max_tokens: int) -> list[list[Line]]:
    """Puts rows side by side, from short to long, at most `max_tokens` with padding; each is a line by itself.

    A row joins the batch before it as long as that pads by less than what a forward of its own would cost.
    """
    batches: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: (row.shared, row.tokens)):
        last = batches[-1] if batches else None
        if (
            last
            and last[0].shared == row.shared
            and (row.tokens - last[-1].tokens) * len(last) <= FORWARD_COST
            and row.tokens * (len(last) + 1) <= max_tokens
        ):
            last.append(row)
        else:
            batches.append([row])
    return [[(row,) for row in batch] for batch in batches]


def pack_rows(rows: Sequence[Row], *, max_tokens: int) -> list[list[Line]]:
    """Fills lines of `max_tokens`, the longest row first, each into the first line that has room; a line is a forward.

    A row that is longer is a line by itself.
    """
    lines: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: -row.tokens):
        room = (line for line in lines if sum(other.tokens for other in line) + row.tokens <= max_tokens)
        if (line := next(room, None)) is not None:
            line.append(row)
        else:
            lines.append([row])
    return [[tuple(line)] for line in lines]


@dataclass(frozen=True)
class RowBatch:
    """Tensors of lines side by side, padded on the right.

    Args:
        ids: Token ids, `[R, T]`.
        positions: `[3, R, T]` with M-RoPE, else `[R, T]`.
        mask: What attends to what, `[R, 1, T, T]`, true where it may; None where causal is enough.
        segments: Of a packed line, the length and the mask, as above, of each row; None for rows side by side.
        predictors: For every completion token of the batch, its predictor's place in the flattened `[R x T]`, `[N]`.
        sequences: The sequence each of these tokens belongs to, `[N]`.
        columns: Its place in that completion, `[N]`.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor | None
    segments: tuple[tuple[int, Tensor | None], ...] | None
    predictors: Tensor
    sequences: Tensor
    columns: Tensor


def lay_out(
    lines: Sequence[Line],
    prompt_ids: Sequence[Tensor],  # of each distinct prompt, [P_i]
    prompt_positions: Sequence[Tensor],  # [3, P_i] or [P_i]
    completions: Tensor,  # [B, T] ids
    pad_id: int,
) -> RowBatch:
    """Builds the tensors of `lines`, one of several rows or several of one, on the device of `completions`."""
    device = completions.device
    width = max(sum(row.tokens for row in line) for line in lines)
    axes = prompt_positions[0].shape[:-1]
    ids = torch.full((len(lines), width), pad_id, device=device)
    positions = torch.zeros(*axes, len(lines), width, dtype=torch.long, device=device)
    branches = torch.full((len(lines), width), -1, device=device)  # 0: prompt, 1 ...: completions, -1: padding
    predictors, sequences, columns = [], [], []
    for place, line in enumerate(lines):
        end = 0
        for row in line:
            start, end = end, end + row.prompt_tokens
            ids[place, start:end] = prompt_ids[row.prompt]
            positions[..., place, start:end] = prompt_positions[row.prompt]
            branches[place, start:end] = 0
            first = int(prompt_positions[row.prompt].max()) + 1
            for branch, (member, length) in enumerate(zip(row.members, row.completion_tokens, strict=True), 1):
                if not length:
                    continue
                stop = end + length - 1
                ids[place, end:stop] = completions[member, : length - 1]
                positions[..., place, end:stop] = torch.arange(first, first + length - 1, device=device)
                branches[place, end:stop] = branch
                sources = torch.arange(end - 1, stop, device=device)
                sources[0] = start + row.prompt_tokens - 1  # the prompt's last token predicts every completion's first
                predictors.append(place * width + sources)
                sequences.append(torch.full((length,), member, device=device))
                columns.append(torch.arange(length, device=device))
                end = stop
        positions[..., place, end:] = positions[..., place, end - 1 : end] + 1
    none = [torch.zeros(0, dtype=torch.long, device=device)]
    packed = len(lines[0]) > 1
    lengths = [row.tokens for row in lines[0]]
    parts = zip(lines[0], lengths, branches[:1].split(lengths, 1) if packed else (), strict=False)
    segments = tuple((length, _row_mask([row], part)) for row, length, part in parts)
    return RowBatch(
        ids=ids,
        positions=positions,
        mask=None if packed else _row_mask([line[0] for line in lines], branches),
        segments=segments if packed else None,
        predictors=torch.cat(predictors or none),
        sequences=torch.cat(sequences or none),
        columns=torch.cat(columns or none),
    )


def _row_mask(rows: Sequence[Row], branches: Tensor) -> Tensor | None:
    """`[R, T]` branches to `[R, 1, T, T]`: a token sees what precedes it in the prompt and in its own branch."""
    if not any(row.shared for row in rows):
        return None
    query, key = branches[:, :, None], branches[:, None, :]
    return (((key == 0) | (key == query)).tril())[:, None]
