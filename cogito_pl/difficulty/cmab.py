"""Scores problems by the attention balance (CMAB) of their first correct response.

Difficulty-aware sampling (arXiv 2511.06722). Responses are sampled until one is correct; its attention is captured in
one forward and kept, so that any balance (see `balance.py`) can be taken from it later without the model.

Deviations from the released code: the attention is that of the verified response, not of a fresh one; the image is
the one that the model answered about (the code rescales it twice, to nearly black); plain sampling in the place of a
tree search, and this project's verifier in the place of a judge.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from cogito_pl.difficulty.balance import PAPER, VARIANTS, BalanceConfig, all_variants, balance, token_counts
from cogito_pl.difficulty.scorer import Outcomes, Scorer, Task
from cogito_pl.policy import Policy, token_sets
from cogito_pl.problem import Problem


class CMAB(Scorer):
    """Scores problems by how evenly their first correct response attends to images and text.

    Args:
        tries: Responses that are sampled before a problem counts as unsolved.
        balance: The balance that becomes the score `rho`; others stand beside it, as `rho_<variant>`.
    """

    name: ClassVar[str] = "cmab"
    headline: ClassVar[str] = "rho"

    def __init__(self, tries: int = 10, balance: BalanceConfig = PAPER) -> None:
        if tries < 1:
            raise ValueError(f"scorer.tries={tries} solves nothing; choose at least 1")
        self.tries, self.balance = tries, balance

    def wanted(self, outcomes: Outcomes, images: int) -> list[Task]:
        """The next try, until one is correct or all are used up."""
        solved, done = self._progress(outcomes)
        return [] if solved or done == self.tries else [Task(0.0, done)]

    def score(self, outcomes: Outcomes, images: int) -> dict[str, Any]:
        """Whether the problem was solved, and after how many tries."""
        correct, done = self._progress(outcomes)
        solved = True if correct else False if done == self.tries else None
        return {"solved": solved, "n_ok": int(correct), "n_done": done}

    def _progress(self, outcomes: Outcomes) -> tuple[bool, int]:
        """Whether a try was correct, and the tries up to it, counted without gaps."""
        for done in range(self.tries):
            if Task(0.0, done) not in outcomes:
                return False, done
            if outcomes[Task(0.0, done)]:
                return True, done + 1
        return False, self.tries

    def keep(self, policy: Policy, problem: Problem, response: Tensor) -> dict[str, Tensor]:
        """The attention of a correct response: `sums` `[layers, T, S]`, `sizes` `[S]` of the sets, and its ids `[T]`.

        Raises:
            ValueError: The policy is sharded, so that ranks would wait for each other.
        """
        if policy.ranks.in_step:
            raise ValueError("attention is captured on whole models; score with one device or DDP, not with FSDP2")
        prompt = policy.encode(problem)
        sets = token_sets(policy.encoder, problem, prompt)
        found = policy.attention(prompt, response, sets)
        return {"sums": found.sums, "sizes": sets.sizes(len(response) - 1), "response": response.cpu()}

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
        """Nothing but that attention is kept: a trial shows the problem as it is."""
        return {"kept": "attention"}

    def settings(self) -> dict[str, Any]:
        """All settings, as plain values."""
        return {"tries": self.tries, "balance": vars(self.balance)}
