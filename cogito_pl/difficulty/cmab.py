"""Scores problems by the attention balance (CMAB) of their first correct response.

Difficulty-aware sampling (arXiv 2511.06722). Responses are sampled until one is correct; its attention is captured in
one forward and kept, so that any balance (see `balance.py`) can be taken from it later without the model. A screen by
pass@k comes before the tries where it is set: problems that the model does not solve are most of the tries otherwise
(19,193 of the paper's 27,133 reasoning problems, at 50 tries each).

Deviations from the released code: the attention is that of the verified response, not of a fresh one; the image is
the one that the model answered about (the code rescales it twice, to nearly black); plain sampling in the place of a
tree search, and this project's verifier in the place of a judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from cogito_pl.difficulty.balance import PAPER, VARIANTS, BalanceConfig, all_variants, balance, token_counts
from cogito_pl.difficulty.scorer import SCREENING, Outcomes, Scorer, Task
from cogito_pl.policy import Policy, SamplingConfig, token_sets
from cogito_pl.policy.token_sets import TEXT_SETS
from cogito_pl.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Short responses that tell whether a problem is worth its tries; the defaults are the paper's of whole images.

    Args:
        tries: A problem is unsolved where none of so many responses is correct (pass@k).
        sampling: How they are sampled.
    """

    tries: int = 10
    sampling: SamplingConfig = SamplingConfig(max_tokens=1024, temperature=0.7)  # noqa: RUF009  frozen

    def __post_init__(self) -> None:
        """Raises ValueError for a screen that no problem passes."""
        if self.tries < 1:
            raise ValueError(f"scorer.screen.tries={self.tries} lets no problem pass; choose at least 1, or no screen")


class CMAB(Scorer):
    """Scores problems by how evenly their first correct response attends to images and text.

    Args:
        tries: Responses that are sampled before a problem counts as unsolved.
        balance: The balance that becomes the score `rho`; others stand beside it, as `rho_<variant>`.
        maps: Also keep where the response looks in every image, layer by layer, and the attention of every head, for
            figures without the model. Scores do not change; the size on disk is logged before scoring starts.
        screen: Spend tries only on problems that pass it, sampled apart from the tries; null spends them on all.
    """

    name: ClassVar[str] = "cmab"
    headline: ClassVar[str] = "rho"

    def __init__(
        self, tries: int = 10, balance: BalanceConfig = PAPER, maps: bool = False, screen: Screen | None = None
    ) -> None:
        if tries < 1:
            raise ValueError(f"scorer.tries={tries} solves nothing; choose at least 1")
        self.tries, self.balance, self.maps, self.screen = tries, balance, maps, screen

    def notice(self, policy: Policy, problems: Sequence[Problem]) -> str:
        """How much the maps of these problems take on disk, from layers, heads and prompt tokens; nothing without maps.

        Raises:
            ValueError: The model's family does not state how image tokens are laid out.
        """
        if not self.maps:
            return ""
        if with_images := next((problem for problem in problems if problem.images), None):
            policy.family.image_grids(policy.encoder.processor, policy.encode(with_images))
        text = policy.model.config.get_text_config()
        layers, heads = text.num_hidden_layers, text.num_attention_heads
        tokens = sum(policy.encoder.count_tokens(problem) for problem in problems)
        sets = sum(len(TEXT_SETS) + len(problem.images) for problem in problems)
        size = 4 * layers * (tokens + heads * sets) + 2 * tokens
        return (
            f"scorer.maps=true keeps {size / 2**20:,.2f} MiB of maps for {len(problems):,} problems, one correct trial "
            f"each: 4 bytes x {layers} layers x ({tokens:,} prompt tokens + {heads} heads x {sets:,} token sets)"
        )

    def wanted(self, outcomes: Outcomes, images: int) -> list[Task]:
        """The next try, until one is correct or all are used up; before it, those of the screen in the same way."""
        first, tries, correct, done = self._phase(outcomes)
        return [] if correct or done == tries else [Task(0.0, first + done)]

    def score(self, outcomes: Outcomes, images: int) -> dict[str, Any]:
        """Whether the problem was solved, and after how many trials; the first `n_screened` are those of a screen."""
        first, tries, correct, done = self._phase(outcomes)
        solved = True if correct else False if done == tries else None
        row = {"solved": solved, "n_ok": int(correct), "n_done": done}
        if self.screen is None:
            return row
        _, screened = _progress(outcomes, SCREENING, self.screen.tries)
        return row | {"n_done": done if first else screened + done, "n_screened": screened}

    def _phase(self, outcomes: Outcomes) -> tuple[int, int, bool, int]:
        """Where the problem stands, in the screen until it has passed it and then in the tries.

        Returns:
            Repeat of the phase's first trial, its most trials, whether the problem is solved, and the trials so far.
        """
        if self.screen is not None:
            passed, done = _progress(outcomes, SCREENING, self.screen.tries)
            if not passed:
                return SCREENING, self.screen.tries, False, done
        return (0, self.tries, *_progress(outcomes, 0, self.tries))

    def sampling_of(self, task: Task, sampling: SamplingConfig) -> SamplingConfig:
        """The screen's own for its trials."""
        return self.screen.sampling if task.screening else sampling

    def keep(self, policy: Policy, problem: Problem, response: Tensor) -> dict[str, Tensor]:
        """The attention of a correct response: `sums` `[layers, T, S]`, `sizes` `[S]` of the sets, and its ids `[T]`.

        With `maps`, also `maps` `[layers, P]` and `heads` `[layers, heads, S]`, means over response tokens, `of` `[P]`
        (see `TokenSets`), and `grids` `[images, 2]`, rows and columns of the tokens of each image.

        Raises:
            ValueError: The policy is sharded, so that ranks would wait for each other.
        """
        if policy.ranks.in_step:
            raise ValueError("attention is captured on whole models; score with one device or DDP, not with FSDP2")
        prompt = policy.encode(problem)
        sets = token_sets(policy.encoder, problem, prompt)
        found = policy.attention(prompt, response, sets)
        kept = {"sums": found.sums, "sizes": sets.sizes(len(response) - 1), "response": response.cpu()}
        if not self.maps:
            return kept
        grids = policy.family.image_grids(policy.encoder.processor, prompt) if sets.images else []
        laid_out = {"of": sets.of.to(torch.int16), "grids": torch.tensor(grids, dtype=torch.int32).view(-1, 2)}
        return kept | {"maps": found.maps, "heads": found.heads} | laid_out

    def measure(self, kept: Mapping[str, Tensor]) -> dict[str, Any]:
        """The balance, by `balance` and by every variant, and the tokens it is made of.

        None where no response is correct, and for a variant that the model has no layer for.
        """
        names = ("rho", "image_tokens", "text_tokens", "response_tokens", *(f"rho_{name}" for name in VARIANTS))
        if not kept:
            return dict.fromkeys(names)
        sums, sizes = kept["sums"], kept["sizes"]
        counts = (*token_counts(sizes, self.balance), sums.shape[1])
        return dict(
            zip(names, (balance(sums, sizes, self.balance), *counts, *all_variants(sums, sizes).values()), strict=True)
        )

    def trial_settings(self) -> dict[str, Any]:
        """What is kept, and how the screen is sampled: a trial shows the problem as it is."""
        kept = {"kept": "attention and maps" if self.maps else "attention"}
        return kept if self.screen is None else kept | {"screen": asdict(self.screen.sampling)}

    def settings(self) -> dict[str, Any]:
        """What decides the score, as plain values; `maps` does not."""
        screen = None if self.screen is None else asdict(self.screen)
        return {"tries": self.tries, "balance": vars(self.balance), "screen": screen}


def _progress(outcomes: Outcomes, first: int, tries: int) -> tuple[bool, int]:
    """Whether a trial from the repeat `first` on was correct, and the trials up to it, counted without gaps."""
    for done in range(tries):
        if Task(0.0, first + done) not in outcomes:
            return False, done
        if outcomes[Task(0.0, first + done)]:
            return True, done + 1
    return False, tries
