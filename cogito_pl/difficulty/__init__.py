"""Difficulty of problems by generation: scorers, the trials that they ask for, and what runs and stores trials."""

from cogito_pl.difficulty.cmab import CMAB
from cogito_pl.difficulty.pass_rate import PassRate
from cogito_pl.difficulty.pism import PISM
from cogito_pl.difficulty.scorer import Outcomes, Scorer, Task

__all__ = ["CMAB", "PISM", "Outcomes", "PassRate", "Scorer", "Task"]
