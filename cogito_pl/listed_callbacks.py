"""A callback that several files add to `trainer.callbacks` acts once for each of them, which nobody means."""

from collections.abc import Sequence
from importlib import import_module
from itertools import combinations
from typing import Any

from cogito_pl.config_files import listed_in

OURS = "callbacks."
"""Beginning of the modules of the callbacks here, none of which has a use in a second copy."""


def check_callbacks(callbacks: Any, args: Sequence[str]) -> None:
    """Raises ValueError, naming the files, for a callback that is listed twice.

    Callbacks of others may stand there twice with different settings, and any may with `stages` that are all different.

    Args:
        callbacks: The setting `trainer.callbacks` of a parsed configuration.
        args: The command line.
    """
    listed = callbacks if isinstance(callbacks, list) else [callbacks] if callbacks else []
    for one, other in combinations(listed, 2):
        kind = _class(one)
        if kind is not _class(other) or not (kind.__module__.startswith(OURS) or _settings(one) == _settings(other)):
            continue
        if _stages(one) and _stages(other) and not set(_stages(one)) & set(_stages(other)):
            continue
        places = listed_in(args, "trainer.callbacks", kind.__name__)
        names = list(dict.fromkeys(origin or "the command line" for origin in places))
        where = f" ({'twice in ' if len(names) == 1 else 'in '}{' and in '.join(names)})" if names else ""
        raise ValueError(
            f"trainer.callbacks lists {one.class_path} twice{where}, and it would act twice; leave one of them out"
            + (", or give each its own `stages`" if "stages" in _settings(one) else "")
        )


def _class(callback: Any) -> type:
    package, _, name = callback.class_path.rpartition(".")
    return getattr(import_module(package), name)


def _settings(callback: Any) -> dict[str, Any]:
    """The `init_args`; none where there are none."""
    given = callback.get("init_args")
    return dict(vars(given)) if hasattr(given, "__dict__") else dict(given or {})


def _stages(callback: Any) -> Sequence[str] | None:
    return _settings(callback).get("stages")
