"""Cross-modality attention balance (CMAB) of problems: solve, verify, look at where the verified response looked.

arXiv 2511.06722. Deviations from its released code: the attention is that of the verified response, not of a fresh one;
the picture is the one the model answered about (the code rescales it twice, to black); plain sampling in the place of a
tree search, and this project's verifier in the place of a judge. The balance itself is in `balance.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cogito_pl.data.problem import Problem
from cogito_pl.difficulty.balance import PAPER, BalanceConfig, all_variants, balance, token_counts
from cogito_pl.difficulty.captures import Capture
from cogito_pl.policy import Policy, SamplingConfig, token_sets
from cogito_pl.rewards import Reward

SAMPLING = SamplingConfig(max_tokens=2048, temperature=0.5, top_p=0.9)
"""As the released code draws; the paper does not say."""


@dataclass(frozen=True, kw_only=True)
class CMABConfig:
    """How problems are solved and their balance is taken.

    Args:
        tries: Responses that are drawn before a problem counts as unsolved.
        tries_at_once: How many of them are drawn before the first is graded; changes cost, not the responses.
        sampling: How they are drawn.
        sample_rows: Responses that are decoded side by side; changes memory and speed, not the responses.
        balance: The balance that becomes the score `rho`.
        seed: Of sampling.
    """

    tries: int = 10
    tries_at_once: int = 5
    sampling: SamplingConfig = SAMPLING
    sample_rows: int = 64
    balance: BalanceConfig = PAPER
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting, its value and the remedy."""
        if self.tries < 1:
            raise ValueError(f"cmab.tries={self.tries} solves nothing; choose at least 1")
        for name in ("tries_at_once", "sample_rows"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"cmab.{name}={value} must be at least 1")
        if self.tries > 1 and self.sampling.temperature == 0:
            raise ValueError(
                f"cmab.tries={self.tries} with cmab.sampling.temperature=0 repeats one response; set tries to 1"
            )


@dataclass(frozen=True)
class CMABRecord:
    """What is known of one problem.

    Args:
        id: The problem's.
        solved: Whether any response was right; all below is None or 0 where none was.
        tries: Responses that were graded, up to the first right one.
        rho: The balance by `CMABConfig.balance`.
        variants: The balance by each of `balance.VARIANTS`; None where the model has no such layer.
        image_tokens: Of the prompt; 0 without pictures, where every balance is 0.
        text_tokens: Of the prompt, by `CMABConfig.balance`.
        response_tokens: Of the right response, end token included.
        response: The right response.
        capture: What all balances are computed from; kept apart, see `captures.py`.
    """

    id: str
    solved: bool
    tries: int
    rho: float | None = None
    variants: Mapping[str, float | None] | None = None
    image_tokens: int = 0
    text_tokens: int = 0
    response_tokens: int = 0
    response: str | None = None
    capture: Capture | None = None

    def row(self) -> dict[str, Any]:
        """The record as plain numbers and strings, without its capture."""
        return {name: value for name, value in vars(self).items() if name != "capture"}


class CMAB:
    """Scores problems by the attention balance of their first right response.

    Args:
        config: How.
    """

    def __init__(self, config: CMABConfig) -> None:
        self.config = config

    def score(self, policy: Policy, reward: Reward, problems: Sequence[Problem]) -> list[CMABRecord]:
        """Samples until a response is right; a problem's record does not depend on the problems beside it.

        Raises:
            ValueError: The policy is sharded, so that ranks would wait for each other.
        """
        if policy.ranks.in_step:
            raise ValueError("attention is captured on whole models; score with one device or DDP, not with FSDP2")
        records = {}
        for first in range(0, self.config.tries, self.config.tries_at_once):
            tries = range(first, min(first + self.config.tries_at_once, self.config.tries))
            places = [place for place in range(len(problems)) if place not in records]
            chunk = max(1, self.config.sample_rows // len(tries))
            for start in range(0, len(places), chunk):
                some = places[start : start + chunk]
                responses = self._first_right(policy, reward, [problems[place] for place in some], tries)
                for place, (response, number) in zip(some, responses, strict=True):
                    if response is not None:
                        records[place] = self.record(policy, problems[place], response, number + 1)
        unsolved = (CMABRecord(problem.id, False, self.config.tries) for problem in problems)
        return [records.get(place, record) for place, record in enumerate(unsolved)]

    def _first_right(
        self, policy: Policy, reward: Reward, problems: Sequence[Problem], tries: range
    ) -> list[tuple[Tensor | None, int]]:
        """Ids of each problem's first right response among these tries, or None, and the number of its try."""
        seeds = [[_seed(self.config.seed, problem.id, number) for number in tries] for problem in problems]
        samples = policy.sample([policy.encode(problem) for problem in problems], self.config.sampling, seeds)
        responses = [ids[mask] for ids, mask in zip(samples.ids, samples.mask, strict=True)]
        texts = [policy.encoder.decode(response.tolist()) for response in responses]
        grades = reward.score(texts, [problem for problem in problems for _ in tries]).grades
        found = []
        for start in range(0, len(responses), len(tries)):
            right = next((row for row in range(start, start + len(tries)) if grades[row].correct), None)
            found.append((None, 0) if right is None else (responses[right], tries[right - start]))
        return found

    def score_given(
        self, policy: Policy, reward: Reward, problems: Sequence[Problem], responses: Sequence[str]
    ) -> list[CMABRecord]:
        """Scores problems by responses that were drawn elsewhere, one each; a wrong one leaves its problem unsolved."""
        grades = reward.score(responses, problems).grades
        return [
            self.record(policy, problem, policy.encoder.encode_completion(text), 1)
            if grade.correct
            else CMABRecord(problem.id, False, 1)
            for problem, text, grade in zip(problems, responses, grades, strict=True)
        ]

    def record(self, policy: Policy, problem: Problem, response: Tensor, tries: int) -> CMABRecord:
        """The record of a problem whose right response has the ids `[T]`."""
        prompt = policy.encode(problem)
        sets = token_sets(policy.encoder, problem, prompt)
        capture = Capture(policy.attention(prompt, response, sets).sums, sets.sizes(len(response) - 1))
        image_tokens, text_tokens = token_counts(capture.sizes, self.config.balance)
        return CMABRecord(
            id=problem.id,
            solved=True,
            tries=tries,
            rho=balance(capture.sums, capture.sizes, self.config.balance),
            variants=all_variants(capture.sums, capture.sizes),
            image_tokens=image_tokens,
            text_tokens=text_tokens,
            response_tokens=len(response),
            response=policy.encoder.decode(response.tolist()),
            capture=capture,
        )


def _seed(*key: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(("cmab", *key)).encode(), digest_size=8).digest()) >> 1
