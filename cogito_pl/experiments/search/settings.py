"""Settings by dotted key in a complete configuration, and what one configuration changes in another."""

import difflib
from collections.abc import Mapping
from typing import Any


class UnknownSettingError(ValueError):
    """A dotted key names nothing in a configuration."""


class MissingPartError(UnknownSettingError):
    """A dotted key names a class that a list of the configuration does not have."""


def locate(config: Mapping[str, Any], key: str) -> tuple[str | int, ...]:
    """The names and indices that lead to a setting.

    Args:
        config: Complete, as nested plain values.
        key: Dotted. `init_args` may be left out, and an entry of a list is named by its index or its class:
            `model.optimizer.lr`, `trainer.callbacks.ODSWReweighting.shape`.

    Raises:
        MissingPartError: A list has no entry of that class.
        UnknownSettingError: There is no such setting.
    """
    place: Any = config
    path: list[str | int] = []
    for name in key.split("."):
        if isinstance(place, list) or place is None:
            path.append(entry(place or [], name, key))
        elif isinstance(place, Mapping) and name in place:
            path.append(name)
        elif class_name(place) == name:  # a list of one may be written without being a list
            continue
        elif class_name(place) and name in (place.get("init_args") or {}):
            path += ["init_args", name]
        else:
            known = [*place, *(place.get("init_args") or {})] if isinstance(place, Mapping) else []
            near = difflib.get_close_matches(name, map(str, known), n=1)
            remedy = f"did you mean {near[0]}?" if near else "correct it"
            raise UnknownSettingError(f"{key}: train.py has no setting {name!r} there; {remedy}")
        place = value_at(config, path)
    return tuple(path)


def entry(entries: list[Any], name: str, key: str) -> int:
    """The index of an entry of a list, by its index or its class. Raises MissingPartError."""
    if name.isdigit() and int(name) < len(entries):
        return int(name)
    if name not in (found := [class_name(own) for own in entries]):
        listed = ", ".join(filter(None, found)) or "none"
        raise MissingPartError(f"{key}: there is no {name} in that list, which has {listed}; add it by an overlay")
    return found.index(name)


def class_name(value: Any) -> str:
    """The last part of a class path; empty where there is none."""
    return str(value["class_path"]).rpartition(".")[2] if isinstance(value, Mapping) and "class_path" in value else ""


def value_at(config: Any, path: tuple[str | int, ...] | list[str | int]) -> Any:
    """What a path from `locate` leads to."""
    for name in path:
        config = config[name]
    return config


def assign(config: dict[str, Any], key: str, value: Any) -> None:
    """Changes a setting of a complete configuration in place. Raises UnknownSettingError."""
    *path, name = locate(config, key)
    value_at(config, path)[name] = value


def difference(config: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay that makes `other` out of `config`: lists and objects of another class as a whole."""
    found = {}
    for name, value in other.items():
        before = config.get(name)
        if value == before:
            continue
        alike = isinstance(value, Mapping) and isinstance(before, Mapping) and value.keys() == before.keys()
        inside = alike and value.get("class_path") == before.get("class_path")
        found[name] = difference(before, value) if inside else value
    return found
