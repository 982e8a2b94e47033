"""Callbacks that a recipe switches on: one method, one file. Take one out by leaving its line out."""

from callbacks.best_checkpoint_handoff import BestCheckpointHandoff
from callbacks.hf_export import HFExport
from callbacks.rollout_table import RolloutTable
from callbacks.shuffled_rewards import ShuffledRewards
from callbacks.throughput import Throughput

__all__ = ["BestCheckpointHandoff", "HFExport", "RolloutTable", "ShuffledRewards", "Throughput"]
