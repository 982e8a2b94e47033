"""The settings of a run that differ from the defaults of the classes that they configure."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, get_args, get_type_hints

Difference = tuple[str, Any, Any]
"""Name of a setting, its value, and its default: `REQUIRED` where it has none."""


class Required:
    """Stands for the default of a setting that has none."""

    def __repr__(self) -> str:
        return "-"


REQUIRED = Required()
TRAINER = {
    "use_distributed_sampler": False,
    "reload_dataloaders_every_n_epochs": 1,
    "num_sanity_val_steps": 0,
    "plugins": {"class_path": "cogito_pl.modules.checkpoint_io.AtomicCheckpointIO"},
    "log_every_n_steps": 1,
}
"""What `train.py` makes the default of the trainer."""
COMMAND = {
    "seed_everything": 17,
    "ckpt_path": None,
    "weights_only": None,
    "verbose": True,
    "return_predictions": None,
}
"""Defaults of the settings beside trainer, model and data."""


def differences(config: Mapping[str, Any]) -> list[Difference]:
    """The settings of a run's `config.yaml` that are not the defaults, in the order of the file."""
    from lightning.pytorch import Trainer

    from cogito_pl.data.datamodule import ReasoningDataModule

    found: list[Difference] = []
    for name, value in config.items():
        if name == "trainer":
            found += of_call(name, value, Trainer, TRAINER)
        elif name == "data":
            found += of_call(name, value, ReasoningDataModule, {})
        elif name == "model":
            found += compared(name, value, REQUIRED, Any)
        else:
            found += compared(name, value, COMMAND.get(name, REQUIRED), Any)
    return found


def of_call(
    place: str, values: Mapping[str, Any], target: Any, others: Mapping[str, Any] | None = None
) -> Iterator[Difference]:
    """Compares the arguments of a class or function with the defaults of its signature.

    Arguments that it passes on as `**kwargs` have no default here and are left out.

    Args:
        place: Name of the settings, before a dot.
        values: The arguments.
        target: What takes them.
        others: Defaults that stand in the place of those of the signature.
    """
    defaults, kinds = signature(target)
    defaults |= others or {}
    own = values.keys() if not passes_on(target) else values.keys() & (kinds.keys() | defaults.keys())
    for name, value in values.items():
        if name in own:
            yield from compared(f"{place}.{name}", value, defaults.get(name, REQUIRED), kinds.get(name, Any))


def signature(target: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Defaults and annotations of the arguments of a class or function, by name."""
    if is_dataclass(target):
        own = {field.name: field for field in fields(target)}
        defaults = {
            name: field.default_factory() if field.default_factory is not MISSING else field.default
            for name, field in own.items()
        }
        return {name: value for name, value in defaults.items() if value is not MISSING}, hints(target)
    parameters = inspect.signature(target).parameters
    defaults = {name: own.default for name, own in parameters.items() if own.default is not inspect.Parameter.empty}
    return defaults, hints(target.__init__ if inspect.isclass(target) else target)


def passes_on(target: Any) -> bool:
    """Whether a class or function takes arguments that its signature does not name."""
    parameters = inspect.signature(target).parameters.values()
    return any(own.kind is inspect.Parameter.VAR_KEYWORD for own in parameters)


def hints(target: Any) -> dict[str, Any]:
    """Annotations by name; none where they name what cannot be imported here."""
    try:
        return get_type_hints(target)
    except (NameError, TypeError, AttributeError):
        return {}


def compared(place: str, value: Any, default: Any, kind: Any) -> Iterator[Difference]:
    """Compares one setting, and what is below it, with its default."""
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        known = default if isinstance(default, list | tuple) else ()
        if value != plain(known):
            for index, item in enumerate(value):
                yield from compared(f"{place}.{index}", item, REQUIRED, kind)
    elif isinstance(value, Mapping) and "class_path" in value:
        target = found_class(value["class_path"])
        names = {value["class_path"]} | ({dotted(target)} if target is not None else set())
        if class_name(default) not in names:
            yield place, value["class_path"], shown_default(default)
        given = value.get("init_args") or {}
        if target is None:
            yield from ((f"{place}.{name}", own, REQUIRED) for name, own in given.items())
        else:
            others = vars(default) if is_dataclass(default) and not isinstance(default, type) else None
            yield from of_call(place, given, target, others)
    elif isinstance(value, Mapping) and (target := record_of(default, kind)) is not None:
        others = {} if isinstance(default, type) or not is_dataclass(default) else vars(default)
        yield from of_call(place, value, target, others)
    elif value != plain(default):
        yield place, value, shown_default(default)


def record_of(default: Any, kind: Any) -> type | None:
    """The dataclass that a setting is: that of its default, or the first in its annotation."""
    if is_dataclass(default) and not isinstance(default, type):
        return type(default)
    if isinstance(kind, type):
        return kind if is_dataclass(kind) else None
    return next((found for part in get_args(kind) if (found := record_of(None, part))), None)


def plain(value: Any) -> Any:
    """A default as YAML would hold it."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


def class_name(default: Any) -> str | None:
    """The class path of a default that is a class, or that names one."""
    if isinstance(default, Mapping):
        return default.get("class_path")
    if isinstance(default, type):
        return dotted(default)
    return dotted(type(default)) if is_dataclass(default) else None


def dotted(target: Any) -> str:
    """The full name of a class where it is defined."""
    return f"{target.__module__}.{target.__qualname__}"


def shown_default(default: Any) -> Any:
    """A default for the table: classes by their name."""
    return class_name(default) or default


def found_class(path: str) -> Any | None:
    """The class of a class path; None where it cannot be imported here."""
    module, _, name = path.rpartition(".")
    try:
        home: ModuleType = import_module(module)
    except (ImportError, ValueError):
        return None
    return getattr(home, name, None)
