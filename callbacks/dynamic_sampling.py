"""Dynamic sampling: prompts whose completions are all correct or all wrong are replaced by fresh ones."""

from typing import Literal, get_args

import lightning.pytorch as L
from torch import Tensor

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.rollout import Rollout

Signal = Literal["correctness", "advantage"]


class DynamicSampling(RolloutCallback):
    """Trains on groups that have a signal, and samples fresh prompts in the place of the others.

    DAPO (arXiv 2503.14476, eq. 11) samples until every group has some correct completions and some wrong ones. Here a
    place is refilled `refills` times at most, and is left out of the loss if no group with a signal was found by then.
    Which prompt refills a place depends on its draw and the attempt alone: any number of ranks and a resumed run sample
    the same.

    `rollout/sampled` logs what that costs, in completions, and `rollout/admitted` the share of places that are filled.

    Args:
        refills: Times that a place without a signal is sampled anew; 0 only leaves such places out.
        signal: What a group needs: some completions that are correct and some that are not (`correctness`), or an
            `advantage` other than 0, which any term of the reward may give it.
    """

    def __init__(self, refills: int = 3, signal: Signal = "correctness") -> None:
        if refills < 0:
            raise ValueError(f"DynamicSampling.refills={refills} is negative; choose 0 or more")
        if signal not in get_args(Signal):
            raise ValueError(
                f"DynamicSampling.signal={signal!r} is unknown; choose one of {', '.join(get_args(Signal))}"
            )
        self.refill_limit, self.signal = refills, signal

    def admit(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Tensor:
        """Which groups have a signal, `[P]` of bool."""
        if self.signal == "advantage":
            return (rollout.advantages.view(-1, rollout.group_size) != 0).any(1)
        accuracy = rollout.group_accuracy()
        return (accuracy > 0) & (accuracy < 1)
