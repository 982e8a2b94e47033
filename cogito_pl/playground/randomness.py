"""Random numbers that depend on a key alone."""

import hashlib
import random


def keyed_random(*key: str | int) -> random.Random:
    """A generator seeded by its key alone, the same in every process and on every machine.

    Args:
        key: Words and whole numbers that name the draw.
    """
    text = "\x1f".join(str(part) for part in key)
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
