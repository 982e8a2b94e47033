"""cogito_pl: post-training of vision-language models with difficulty and curricula, on PyTorch Lightning.

What a script or a notebook needs has one import: `from cogito_pl import Policy, GRPOModule, grade`. Names are imported
when they are first used, so that a grading worker or `--help` does not pay for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cogito_pl.data.curriculum import Stage
    from cogito_pl.data.datamodule import ReasoningDataModule
    from cogito_pl.data.draw_order import DrawContext, DrawOrder, DrawOutcome, Mixture
    from cogito_pl.data.reading.reader import read_source
    from cogito_pl.data.sampling_changes import SamplingChanges
    from cogito_pl.data.source import Columns, Source
    from cogito_pl.data.strata import StrataConfig
    from cogito_pl.data.subset import SubsetConfig
    from cogito_pl.difficulty import CMAB, PISM, PassRate, Scorer, Task
    from cogito_pl.modules import GRPOModule, RewardTerm, RolloutCallback, ScoreModule, SFTModule
    from cogito_pl.modules.learning_rate import ScheduleConfig
    from cogito_pl.modules.trainer_defaults import TRAINER_DEFAULTS
    from cogito_pl.policy import Engine, Family, LiveEngine, Policy, PolicyConfig, PromptEncoder, SamplingConfig
    from cogito_pl.policy.config import LoRAConfig
    from cogito_pl.policy.export import export
    from cogito_pl.problem import LazyImage, Problem
    from cogito_pl.rewards import Grade, GradeOptions, Reward, RewardConfig, Verdict, Verifier, grade
    from cogito_pl.rl.advantage import group_advantages
    from cogito_pl.rl.loss_terms import LossTerm, Surrogate, TokenValues
    from cogito_pl.rl.losses import LossConfig
    from cogito_pl.rl.rollout import Rollout
    from cogito_pl.rl.schedule import RolloutSchedule

__version__ = "0.1.0"

__all__ = [
    "CMAB",
    "PISM",
    "TRAINER_DEFAULTS",
    "Columns",
    "DrawContext",
    "DrawOrder",
    "DrawOutcome",
    "Engine",
    "Family",
    "GRPOModule",
    "Grade",
    "GradeOptions",
    "LazyImage",
    "LiveEngine",
    "LoRAConfig",
    "LossConfig",
    "LossTerm",
    "Mixture",
    "PassRate",
    "Policy",
    "PolicyConfig",
    "Problem",
    "PromptEncoder",
    "ReasoningDataModule",
    "Reward",
    "RewardConfig",
    "RewardTerm",
    "Rollout",
    "RolloutCallback",
    "RolloutSchedule",
    "SFTModule",
    "SamplingChanges",
    "SamplingConfig",
    "ScheduleConfig",
    "ScoreModule",
    "Scorer",
    "Source",
    "Stage",
    "StrataConfig",
    "SubsetConfig",
    "Surrogate",
    "Task",
    "TokenValues",
    "Verdict",
    "Verifier",
    "export",
    "grade",
    "group_advantages",
    "read_source",
]

_MODULES = {
    "cogito_pl.data.curriculum": ("Stage",),
    "cogito_pl.data.datamodule": ("ReasoningDataModule",),
    "cogito_pl.data.draw_order": ("DrawContext", "DrawOrder", "DrawOutcome", "Mixture"),
    "cogito_pl.data.reading.reader": ("read_source",),
    "cogito_pl.data.sampling_changes": ("SamplingChanges",),
    "cogito_pl.data.source": ("Columns", "Source"),
    "cogito_pl.data.strata": ("StrataConfig",),
    "cogito_pl.data.subset": ("SubsetConfig",),
    "cogito_pl.difficulty": ("CMAB", "PISM", "PassRate", "Scorer", "Task"),
    "cogito_pl.modules": ("GRPOModule", "RewardTerm", "RolloutCallback", "SFTModule", "ScoreModule"),
    "cogito_pl.modules.learning_rate": ("ScheduleConfig",),
    "cogito_pl.modules.trainer_defaults": ("TRAINER_DEFAULTS",),
    "cogito_pl.policy": (
        "Engine", "Family", "LiveEngine", "Policy", "PolicyConfig", "PromptEncoder", "SamplingConfig",
    ),
    "cogito_pl.policy.config": ("LoRAConfig",),
    "cogito_pl.policy.export": ("export",),
    "cogito_pl.problem": ("LazyImage", "Problem"),
    "cogito_pl.rewards": ("Grade", "GradeOptions", "Reward", "RewardConfig", "Verdict", "Verifier", "grade"),
    "cogito_pl.rl.advantage": ("group_advantages",),
    "cogito_pl.rl.loss_terms": ("LossTerm", "Surrogate", "TokenValues"),
    "cogito_pl.rl.losses": ("LossConfig",),
    "cogito_pl.rl.rollout": ("Rollout",),
    "cogito_pl.rl.schedule": ("RolloutSchedule",),
}  # fmt: skip
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Imports the module that defines `name`, once."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
