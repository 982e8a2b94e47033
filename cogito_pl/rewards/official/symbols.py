"""Math-Verify on texts as they stand, as two of the papers' rewards call it."""

import logging


def verified(first: str, second: str) -> bool:
    """Whether Math-Verify finds that two texts agree, in this order: it takes the gold first, which not all callers do.

    Its log is silenced: it would print the whole of every response that takes it long.
    """
    import math_verify

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    return math_verify.verify(math_verify.parse(first), math_verify.parse(second))
