"""Prioritised advantage distillation (PAD): rollouts are trained on by the rows with large advantages."""

import lightning.pytorch as L
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.run_progress import rollout_progress
from cogito_pl.rl.distillation import Mode, Variant, distilled_counts, rule_of
from cogito_pl.rl.rollout import Rollout
from cogito_pl.seeds import stable_seed


class PrioritizedAdvantageDistillation(RolloutCallback):
    """Lets each row of a rollout count as often as `cogito_pl.rl.distillation` draws it, once admission is over.

    ReVisual-R1 (arXiv 2506.04207). Candidates are the rows of all ranks that count at all, those of rank 0 first, then
    those of rank 1: the order that one rank has. Every rank gathers the advantages of all, draws by a generator that is
    the same on each, and keeps its part of the counts. The generator is in the checkpoint. A row that is not drawn
    stays out of the loss, its denominators and the forward; one that is drawn k times has the gradient of k copies for
    one forward. An update without any row is skipped (`policy/skipped_updates`).

    Logs `pad/effective`, `pad/selected` and `pad/distinct` (rows of E, drawn ones, different ones among these),
    `pad/advantage`, the mean of the drawn advantages with their sign, `pad/temperature`, `pad/empty`, 1 for a rollout
    of which nothing is drawn, and `applied/pad`, the share of candidates that do not count once.

    Args:
        variant: Whose rule; the settings below that are null are taken from it.
        mode: `full`; `filter_only`: all of E; `random`: as many rows as `full`, from all alike; `off`: every row.
        mixed_groups_only: Groups whose completions are all correct, or all wrong, are left out of E, so that none is
            trained on for other terms of the reward alone.
        low: Least |A| of E, at least 0.
        high: Greatest |A| of E.
        strict: Rows of exactly `low` and `high` are left out.
        share: Rows to draw, as a share of the candidates (rho).
        replacement: A row may be drawn several times.
        alpha: Exponent of the power law of `official`.
        temperature: Of the softmax of `paper`, in the first rollout of the run.
        final_temperature: In the last rollout; linear in between.
    """

    def __init__(
        self,
        variant: Variant = "paper",
        mode: Mode = "full",
        mixed_groups_only: bool = False,
        low: float | None = None,
        high: float | None = None,
        strict: bool | None = None,
        share: float | None = None,
        replacement: bool | None = None,
        alpha: float | None = None,
        temperature: float | None = None,
        final_temperature: float | None = None,
    ) -> None:
        chosen = {"mode": mode, "low": low, "high": high, "strict": strict, "share": share, "replacement": replacement}
        chosen |= {"alpha": alpha, "temperature": temperature, "final_temperature": final_temperature}
        try:
            self.rule = rule_of(variant, **chosen)
        except ValueError as error:
            raise ValueError(f"{type(self).__name__}.{error}") from error
        self.mixed_groups_only = mixed_groups_only
        self.generator = torch.Generator()

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Seeds the generator; a resumed run goes on with that of its checkpoint."""
        self.generator.manual_seed(stable_seed(module.seed, "distillation"))

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The generator, which is the same on every rank."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Takes over from the run that goes on."""
        self.generator.set_state(state["generator"])

    def on_admitted(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Draws, and logs. Collective."""
        mixed = rollout.group_accuracy() % 1 != 0
        own = [rollout.advantages.abs(), rollout.counts > 0, mixed.repeat_interleave(rollout.group_size)]
        own = torch.stack([row.to(rollout.advantages) for row in own])
        gathered = trainer.strategy.all_gather(own)  # [3, B], or [ranks, 3, B]
        sizes, counted, mixed = gathered.view(-1, *gathered.shape[-2:]).transpose(0, 1).flatten(1).cpu()
        rows = counted.nonzero()[:, 0]
        effective = self.rule.effective(sizes[rows]) & (mixed[rows].bool() | (not self.mixed_groups_only))
        tau = self.rule.temperature_at(rollout_progress(trainer, module))
        taken = distilled_counts(sizes[rows], effective, self.rule, temperature=tau, generator=self.generator)
        counts = torch.zeros(len(sizes), dtype=torch.long).index_add(0, rows, taken)
        numbers = {"effective": effective.sum(), "selected": taken.sum(), "distinct": (taken > 0).sum()}
        for name, value in (numbers | {"empty": not taken.any(), "temperature": tau}).items():
            module.metrics.add(f"pad/{name}", float(value))
        share = counts.view(-1, len(rollout))[trainer.global_rank].to(rollout.counts)
        module.metrics.add("applied/pad", share[rollout.counts > 0] != 1)
        module.metrics.add("pad/advantage", rollout.advantages, weights=share)
        return rollout.counted(share)
