"""Callbacks that a recipe switches on: one method, one file. Take one out by leaving its line out."""

from callbacks.difficulty_writer import DifficultyWriter
from callbacks.hf_export import HFExport
from callbacks.rollout_table import RolloutTable
from callbacks.shuffled_rewards import ShuffledRewards
from callbacks.throughput import Throughput

__all__ = ["DifficultyWriter", "HFExport", "RolloutTable", "ShuffledRewards", "Throughput"]
