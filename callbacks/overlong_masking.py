"""Overlong masking: completions that were cut at the token limit are not trained on."""

import lightning.pytorch as L

from cogito_pl.modules import RolloutCallback
from cogito_pl.rl.rollout import Rollout


class OverlongMasking(RolloutCallback):
    """Leaves completions that were cut out of the loss, denominators included; their rewards stay in their groups.

    DAPO's overlong filtering (arXiv 2503.14476, section 3.4): that a completion had no room to end says little about
    its reasoning. Advantages are those of the whole group, as in TRL's `mask_truncated_completions`, which however
    keeps masked sequences in the denominator of the loss per sequence.

    Logs `applied/overlong_masking`, the share of completions that were cut.
    """

    def on_advantages(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Counts completions that were cut zero times."""
        module.metrics.add("applied/overlong_masking", ~rollout.finished)
        return rollout.counted(rollout.finished)
