"""Gradient stagnation: how much of what was sampled, and of what is trained on, has an advantage to follow."""

import lightning.pytorch as L
from torch.optim import Optimizer

from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.gradient_norm import gradient_norm
from cogito_pl.rl.rollout import Rollout
from cogito_pl.rl.stagnation import stagnation


class GradientStagnation(RolloutCallback):
    """Logs stagnation before and after admission and distillation, over all ranks.

    Before, below `stagnation/sampled/`: all completions that were sampled, refills included, with their advantages as
    the callbacks before this one in the YAML left them. After, below `stagnation/trained/`: those that are trained on,
    each as often as it counts. ReVisual-R1 (arXiv 2506.04207), which names the problem, shows neither.

        equal_groups        share of completions of groups in which every advantage is 0
        small_advantages    share of completions with |A| <= threshold
        advantage           mean of A, with its sign
        advantage_size      mean of |A|
        completions         number of completions, counted as often as they count
        effective           number of different completions with |A| > threshold that count

    `policy/gradient_norm` is that of what is trained on, before clipping; one of the whole rollout would cost a second
    backward, so it is measured by a run without distillation (`mode: off`).

    Args:
        threshold: Largest |A| that counts as small.
    """

    def __init__(self, threshold: float = 0.03) -> None:
        if not 0 <= threshold < float("inf"):
            raise ValueError(f"GradientStagnation.threshold={threshold} must be a number of 0 or more")
        self.threshold = threshold

    def on_advantages(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Logs what was sampled."""
        self.measure(module, "sampled", rollout)
        return rollout

    def on_rollout_end(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> None:
        """Logs what is trained on."""
        self.measure(module, "trained", rollout)

    def measure(self, module: L.LightningModule, part: str, rollout: Rollout) -> None:
        """Logs the values of a part of what was sampled."""
        values = stagnation(rollout.advantages, rollout.counts, rollout.group_size, self.threshold)
        for name, (value, weights) in values.items():
            module.metrics.add(f"stagnation/{part}/{name}", value, weights)
        effective = (rollout.counts > 0) & (rollout.advantages.abs() > self.threshold)
        module.metrics.add(f"stagnation/{part}/completions", rollout.counts, reduce="sum")
        module.metrics.add(f"stagnation/{part}/effective", effective, reduce="sum")

    def on_before_optimizer_step(self, trainer: L.Trainer, module: L.LightningModule, optimizer: Optimizer) -> None:
        """Logs the norm of the gradient of the whole step."""
        module.metrics.add("policy/gradient_norm", gradient_norm(optimizer))
