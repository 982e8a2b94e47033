"""The rewards that the papers' released code computes, false verdicts included, for runs that must match theirs.

For anything else use the default: each of these files says what its reward gets wrong, and tests check both. All were
written from descriptions of the code's behaviour; none of it was copied.
"""

from cogito_pl.rewards.official import difficulty_sampling, revisual_r1, vl_cogito
from cogito_pl.rewards.official.variant import Variant

OFFICIAL: dict[str, Variant] = {
    "vl_cogito": vl_cogito.VARIANT,
    "revisual_r1": revisual_r1.VARIANT,
    "revisual_r1_text": revisual_r1.TEXT_VARIANT,
    "difficulty_sampling": difficulty_sampling.VARIANT,
}

__all__ = ["OFFICIAL"]
