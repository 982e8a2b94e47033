"""Online difficulty soft weighting (ODSW): prompts count by the share of their completions that are correct."""

from collections.abc import Mapping
from typing import Literal

import lightning.pytorch as L
import torch

from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.stages import check_stages, stage_names
from cogito_pl.rl.odsw import SHAPES, Shape, difficulty_weights
from cogito_pl.rl.rollout import Rollout

BY_NAME: dict[str, Shape] = {"easy": "easy", "medium": "medium", "hard": "hard"}


class ODSWReweighting(RolloutCallback):
    """Multiplies the advantages of each prompt, once they are normalised, by F(p) of `cogito_pl.rl.odsw`.

    VL-Cogito (arXiv 2507.22607, eq. 4 and 8). What the paper and the released code give to a prompt without any correct
    completion (p = 0) under the shapes `hard` and `binary_low`:

        official: `zero_weight` under `hard`, and 0 under `binary_low`
        paper:    1, or `zero_weight` where the rollout carries a length reward

    Logs `applied/odsw`, the share of prompts whose F(p) is not 1, and `odsw/weight`, their mean F(p).

    Args:
        shape: One F for the whole run: easy, medium, hard, binary_low, binary_middle, binary_high or all_wrong_only.
            Null takes F by stage.
        shapes: F by the name of the stage; a stage that is missing here is left alone. Only without `shape`.
        zero_weight: F(0) of `hard` and `all_wrong_only`.
        stages: Act in these stages only; null acts in all of them.
        renormalise: Divide by the mean of F over the prompts of the rollout on all ranks, so that the size of a step
            does not fall with F. A rollout of zero weights stays as it is, and `odsw/no_weight` is logged as 1.
        variant: Whose rule for p = 0.
    """

    def __init__(
        self,
        shape: Shape | None = None,
        shapes: Mapping[str, Shape] = BY_NAME,
        zero_weight: float = 0.25,
        stages: tuple[str, ...] | None = None,
        renormalise: bool = False,
        variant: Literal["official", "paper"] = "official",
    ) -> None:
        if unknown := [name for name in (shape, *shapes.values()) if name is not None and name not in SHAPES]:
            raise ValueError(f"ODSWReweighting: shape {unknown[0]!r} is unknown; it is one of {', '.join(SHAPES)}")
        if not 0 <= zero_weight < float("inf"):
            raise ValueError(f"ODSWReweighting.zero_weight={zero_weight} is no weight; choose 0 or a positive number")
        self.shape, self.shapes, self.zero_weight = shape, dict(shapes), zero_weight
        self.stages, self.renormalise, self.variant = stages, renormalise, variant

    def setup(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Raises ValueError where no stage of the run will ever be weighted."""
        if stage != "fit":
            return
        check_stages(trainer, "ODSWReweighting.stages", self.stages, "leave `stages` out to act always")
        if self.shape is None and (self.shapes != BY_NAME or not set(self.shapes) & set(stage_names(trainer))):
            remedy = "set `shape` to weight the whole run alike"
            check_stages(trainer, "ODSWReweighting.shapes", self.shapes, remedy)

    def on_advantages(self, trainer: L.Trainer, module: L.LightningModule, rollout: Rollout) -> Rollout:
        """Weights the prompts."""
        shape = self.shape or self.shapes.get(rollout.stage)
        if shape is None or (self.stages is not None and rollout.stage not in self.stages):
            module.metrics.add("applied/odsw", 0.0)
            return rollout
        weights = difficulty_weights(rollout.group_accuracy(), shape, at_zero=self.at_zero(shape, rollout))
        module.metrics.add("applied/odsw", weights != 1)
        module.metrics.add("odsw/weight", weights)
        if self.renormalise:
            counted = (rollout.counts > 0).view(-1, rollout.group_size).any(1)
            total, prompts = module.over_ranks(torch.stack([(weights * counted).sum(), counted.sum().to(weights)]))
            module.metrics.add("odsw/no_weight", float(total == 0))
            weights = weights if total == 0 else weights * (prompts / total)
        return rollout.reweighted(weights)

    def at_zero(self, shape: Shape, rollout: Rollout) -> float:
        """F(0) of the shapes that the variants or the settings decide."""
        if shape == "all_wrong_only":
            return self.zero_weight
        if self.variant == "paper":
            return self.zero_weight if "length" in rollout.reward_terms else 1.0
        return self.zero_weight if shape == "hard" else 0.0
