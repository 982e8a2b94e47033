"""Callbacks that a recipe switches on: one method, one file. Take one out by leaving its line out."""

from callbacks.best_checkpoint_handoff import BestCheckpointHandoff
from callbacks.difficulty_writer import DifficultyWriter
from callbacks.dynamic_length import DynamicLengthReward
from callbacks.dynamic_sampling import DynamicSampling
from callbacks.efficient_length_reward import EfficientLengthReward
from callbacks.gradient_stagnation import GradientStagnation
from callbacks.hf_export import HFExport
from callbacks.odsw import ODSWReweighting
from callbacks.overlong_masking import OverlongMasking
from callbacks.prioritized_advantage_distillation import PrioritizedAdvantageDistillation
from callbacks.repetition_penalty import RepetitionPenalty
from callbacks.rollout_statistics import RolloutStatistics
from callbacks.rollout_table import RolloutTable
from callbacks.run_checkpoint import RunCheckpoint
from callbacks.run_report import RunReport
from callbacks.shuffled_rewards import ShuffledRewards
from callbacks.soft_overlong_penalty import SoftOverlongPenalty
from callbacks.throughput import Throughput
from callbacks.validation_report import ValidationReport

__all__ = [
    "BestCheckpointHandoff",
    "DifficultyWriter",
    "DynamicLengthReward",
    "DynamicSampling",
    "EfficientLengthReward",
    "GradientStagnation",
    "HFExport",
    "ODSWReweighting",
    "OverlongMasking",
    "PrioritizedAdvantageDistillation",
    "RepetitionPenalty",
    "RolloutStatistics",
    "RolloutTable",
    "RunCheckpoint",
    "RunReport",
    "ShuffledRewards",
    "SoftOverlongPenalty",
    "Throughput",
    "ValidationReport",
]
