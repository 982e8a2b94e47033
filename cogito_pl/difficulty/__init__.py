"""Difficulty by generation: scorers that ask for trials, the store of trials, and what runs them."""

from cogito_pl.difficulty.cmab import CMAB
from cogito_pl.difficulty.pass_rate import PassRate
from cogito_pl.difficulty.pism import PISM
from cogito_pl.difficulty.scorer import Scorer

__all__ = ["CMAB", "PISM", "PassRate", "Scorer"]
