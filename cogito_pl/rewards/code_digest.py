"""A digest of the code that grades, so that a verdict is known to be of other code than today's."""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from cogito_pl.rewards.verifier.base import Verifier

FOLDERS = ("verifier", "official")
"""Parts of this package that decide verdicts."""


def code_digest(own: Iterable[Verifier] = ()) -> str:
    """Digest of the shipped verifiers, of sympy's version and of the modules that define the verifiers `own`.

    What those modules import in turn is not looked at.
    """
    modules = {sys.modules[type(verifier).__module__].__file__ for verifier in own}
    total = hashlib.blake2b(_shipped().encode(), digest_size=8)
    for path in sorted(modules):
        total.update(Path(path).read_bytes())
    return total.hexdigest()


@cache
def _shipped() -> str:
    total = hashlib.blake2b(version("sympy").encode(), digest_size=8)
    here = Path(__file__).parent
    for path in sorted(path for folder in FOLDERS for path in (here / folder).rglob("*.py")):
        total.update(path.relative_to(here).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
