"""A penalty for repeated runs of words, in some stages of a curriculum only."""

from typing import Literal

from torch import Tensor

from cogito_pl.modules import RewardTerm
from cogito_pl.rewards import RepetitionOptions
from cogito_pl.rewards.repetition import repetition
from cogito_pl.rl.rollout import Rollout


class RepetitionPenalty(RewardTerm):
    """Adds `weight` times the penalty of `cogito_pl.rewards.repetition` to the rewards, as the term `repetition`.

    VL-Cogito's released code has it in the hard stage; the paper (arXiv 2507.22607) does not mention it. For the whole
    run, `reward.repetition` does the same. Logs `applied/repetition`, the share of completions with a penalty, and
    `reward/repetition`, the mean term.

    Args:
        weight: Of the term, which is from -1 to 0.
        words: Words in a row that are compared.
        scope: Whose repetition counts: of completions that are not correct (`wrong`), or of `all`.
        stages: Act in these stages only; null acts always.
    """

    name = "repetition"

    def __init__(
        self,
        weight: float = 0.5,
        words: int = 20,
        scope: Literal["wrong", "all"] = "wrong",
        stages: tuple[str, ...] | None = ("hard",),
    ) -> None:
        super().__init__(weight, stages)
        self.options = RepetitionOptions(words=words, scope=scope)

    def term(self, rollout: Rollout) -> Tensor:
        """The penalty of each completion, `[B]`, from -1 to 0."""
        values = rollout.rewards.new_tensor([repetition(text, self.options.words) for text in rollout.texts])
        return values.masked_fill((rollout.correct > 0) & (self.options.scope == "wrong"), 0.0)
