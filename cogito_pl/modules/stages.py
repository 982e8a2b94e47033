"""What a stage of the curriculum changes about the module. Derived from the epoch; nothing of it is kept."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import lightning.pytorch as L
from lightning.pytorch.strategies import DDPStrategy

from cogito_pl.data.curriculum import Stage
from cogito_pl.policy import PolicyConfig, SamplingConfig
from cogito_pl.policy.freezing import PARTS, frozen_in_all
from cogito_pl.rl.losses import LossConfig

Config = TypeVar("Config", SamplingConfig, LossConfig)


def stages_of(module: L.LightningModule) -> tuple[Stage, ...]:
    """The stages of the run that the module is in; none outside of one."""
    datamodule = getattr(module._trainer, "datamodule", None)
    return datamodule.stages if datamodule is not None else ()


def current_stage(module: L.LightningModule) -> Stage | None:
    """The stage of the current epoch; None without stages."""
    return module.trainer.datamodule.stage if stages_of(module) else None


def with_sampling(config: SamplingConfig, stage: Stage | None) -> SamplingConfig:
    """How the stage samples."""
    return _changed(config, stage, stage.sampling.changes()) if stage else config


def with_kl(config: LossConfig, stage: Stage | None) -> LossConfig:
    """The stage's loss."""
    return _changed(config, stage, {"kl_coef": stage.kl_coef}) if stage and stage.kl_coef is not None else config


def frozen_in(stage: Stage | None, config: PolicyConfig) -> tuple[str, ...]:
    """The parts that do not learn in a stage."""
    return config.freeze if stage is None or stage.freeze is None else stage.freeze


def frozen_throughout(stages: Iterable[Stage], config: PolicyConfig) -> tuple[str, ...]:
    """The parts that do not learn in any stage: the optimiser leaves them out."""
    return frozen_in_all([frozen_in(stage, config) for stage in stages] or [config.freeze])


def check_stages(module: L.LightningModule) -> None:
    """Raises ValueError, naming the stage, for a setting that cannot be honoured."""
    several = module.trainer.world_size > 1 and isinstance(module.trainer.strategy, DDPStrategy)
    for stage in stages_of(module):
        if unknown := set(stage.freeze or ()) - set(PARTS):
            known = ", ".join(PARTS)
            raise ValueError(f"data.stages: stage {stage.name!r} freezes {sorted(unknown)}; there are {known}")
        if several and stage.freeze is not None:
            raise ValueError(
                f"data.stages: stage {stage.name!r} sets freeze, and the ddp strategy expects gradients of the same "
                "parameters all along; use FSDP2 (configs/strategy/fsdp2.yaml) or set policy.freeze for the whole run"
            )
        if stage.patience is not None and not module.restarts:
            raise ValueError(
                f"data.stages: stage {stage.name!r} has patience={stage.patience}, and nothing watches the validation "
                "for it; add callbacks.BestCheckpointHandoff, or leave patience out"
            )
        module.check_stage(stage)


def check_variety(sampling: SamplingConfig) -> None:
    """Raises ValueError for sampling that draws the same completion every time."""
    if sampling.temperature == 0:
        raise ValueError("sampling.temperature=0 draws the same completion every time; raise it, GRPO needs variety")


def _changed(config: Config, stage: Stage, changes: dict[str, float]) -> Config:
    try:
        return replace(config, **changes)
    except ValueError as error:
        raise ValueError(f"data.stages: stage {stage.name!r}: {error}") from error
