"""Rewards and verifiers: responses are graded the same way for training, difficulty and evaluation."""

from cogito_pl.rewards.config import RewardConfig
from cogito_pl.rewards.format import format_reward
from cogito_pl.rewards.pool import GradeRequest, GraderPool
from cogito_pl.rewards.repetition import RepetitionOptions
from cogito_pl.rewards.reward import Reward, RewardResult
from cogito_pl.rewards.verifier.base import Verdict, Verifier
from cogito_pl.rewards.verifier.grade import Grade, grade, grade_cheaply
from cogito_pl.rewards.verifier.options import GradeOptions
from cogito_pl.rewards.verifier.parsing.box_frames import BoxOptions
from cogito_pl.rewards.verifier.parsing.extract import Candidate, candidates
from cogito_pl.rewards.verifier.registry import KINDS, check_gold

__all__ = [
    "KINDS",
    "BoxOptions",
    "Candidate",
    "Grade",
    "GradeOptions",
    "GradeRequest",
    "GraderPool",
    "RepetitionOptions",
    "Reward",
    "RewardConfig",
    "RewardResult",
    "Verdict",
    "Verifier",
    "candidates",
    "check_gold",
    "format_reward",
    "grade",
    "grade_cheaply",
]
