"""For callbacks that act in some stages of a curriculum only. Knows the names of stages and nothing else of them."""

from collections.abc import Collection

import lightning.pytorch as L


def stage_names(trainer: L.Trainer) -> tuple[str, ...]:
    """The stages of the run, in order; none without a curriculum."""
    return tuple(stage.name for stage in getattr(trainer.datamodule, "stages", ()))


def check_stages(trainer: L.Trainer, setting: str, wanted: Collection[str], remedy: str) -> None:
    """Raises ValueError, so that nothing waits in vain for a stage, unless the run has all stages that are `wanted`.

    Args:
        trainer: Whose data name the stages.
        setting: What names the wanted stages, for the message.
        wanted: Their names.
        remedy: What to do in a run that has none of them.
    """
    known = stage_names(trainer)
    if missing := [name for name in wanted if name not in known]:
        has = f"the run has the stages {', '.join(known)}" if known else "the run has no stages"
        raise ValueError(f"{setting} names {', '.join(missing)}, but {has}; {remedy}, or name stages under data.stages")
