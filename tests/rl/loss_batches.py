"""Batches for the tests of the losses."""

import json
from pathlib import Path

import torch

from cogito_pl.rl.loss_terms import TokenValues

TRL = json.loads((Path(__file__).parents[1] / "golden" / "trl_losses.json").read_text())
AGGREGATIONS = ("dapo", "grpo", "dr_grpo")


def golden_batch():
    """Tensors of TRL's cases: B=8, T=7, lengths 1 to 7, ratios outside both bounds."""
    inputs = TRL["inputs"]
    names = ("log_probs", "old_log_probs", "ref_log_probs", "entropy", "advantages")
    exact = {name: torch.tensor(inputs[name], dtype=torch.float64) for name in names}
    return exact | {"mask": torch.tensor(inputs["mask"])}


def token_values(log_probs, old_log_probs, advantages, mask=None, ref_log_probs=None, entropy=None):
    """As `policy_loss` hands them to a surrogate; every token is trained by default."""
    return TokenValues(
        log_probs=log_probs,
        old_log_probs=old_log_probs,
        ref_log_probs=ref_log_probs,
        entropy=entropy,
        advantages=advantages,
        mask=torch.ones_like(log_probs, dtype=torch.bool) if mask is None else mask,
    )
