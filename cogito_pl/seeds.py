"""Seeds and digests that depend on their key alone: the same in every process and on every machine."""

import hashlib


def stable_seed(*key: object, bits: int = 63) -> int:
    """A seed below `2 ** bits` made from the `repr` of the key; use plain numbers, strings and tuples.

    Args:
        key: What the seed depends on.
        bits: At most 64; 63 fits `torch.Generator.manual_seed`.
    """
    return int.from_bytes(hashlib.blake2b(repr(key).encode(), digest_size=8).digest()) >> (64 - bits)


def digest(data: bytes | str, size: int = 8) -> str:
    """Digest of `data` in `2 * size` hexadecimal digits."""
    return hashlib.blake2b(data.encode() if isinstance(data, str) else data, digest_size=size).hexdigest()
