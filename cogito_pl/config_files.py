"""The YAML files of a command line: whether they can be read, and where a setting was given."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SECTIONS = ("trainer", "data")
"""Sections that are mappings and nothing else; `model` may be a class path."""


class ConfigFileError(ValueError):
    """A file given by `--config` is missing or cannot be read."""


@dataclass(frozen=True)
class Given:
    """A setting as the user wrote it.

    Args:
        place: Its dotted key, with the indices of lists.
        value: What it was set to.
        origin: The file it is in, or None for the command line.
    """

    place: str
    value: Any
    origin: str | None


class _Loader(yaml.SafeLoader):
    """Reads YAML and refuses a key that is given twice, of which YAML would keep the last."""


def _unique_keys(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            raise ConfigFileError(f"line {key.start_mark.line + 1}: the key {key.value!r} is given twice; join the two")
        seen.add(key.value)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


def config_arguments(args: Sequence[str]) -> Iterator[str]:
    """The values of `--config` and `-c`, in their order."""
    for word, following in _pairs(args):
        if word in ("--config", "-c"):
            if following is not None:
                yield following
        elif word.startswith("--config="):
            yield word.removeprefix("--config=")


def check_config_files(args: Sequence[str]) -> None:
    """Reads every file that the command line names.

    Raises:
        ConfigFileError: One is missing, is not YAML, or is not a mapping of sections.
    """
    for name in config_arguments(args):
        if _is_file_name(name):
            read_config(name)


def read_config(name: str) -> dict[str, Any]:
    """The content of a YAML file, which must be a mapping of sections."""
    path = Path(name)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ConfigFileError(f"--config={name} {what}; {_nearest_file(path)}")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigFileError(f"--config={name} is not YAML: {where}{problem}; correct that line") from error
    except UnicodeDecodeError as error:
        raise ConfigFileError(f"--config={name} is not a text file; name a YAML file") from error
    except ConfigFileError as error:
        raise ConfigFileError(f"--config={name}: {error}") from error
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise ConfigFileError(
            f"--config={name} holds {content!r:.40}, not settings; write sections such as `trainer:`, `model:`, `data:`"
        )
    for section in SECTIONS:
        if content.get(section) is not None and not isinstance(content[section], dict):
            raise ConfigFileError(
                f"{section}={content[section]!r:.40} (in {name}) is not a section; write settings below `{section}:`"
            )
    for place, value in _walk(content):
        if isinstance(value, Mapping) and "class_path" in value and not isinstance(value["class_path"], str):
            raise ConfigFileError(
                f"{place}.class_path={value['class_path']!r:.40} (in {name}) names no class; write package.Class, or "
                "leave the whole entry out"
            )
        if isinstance(value, Mapping) and (place == "model" or "class_path" in value):
            for key in value.keys() - {"class_path", "init_args", "dict_kwargs"}:
                near = difflib.get_close_matches(str(key), ("class_path", "init_args"), n=1)
                raise ConfigFileError(
                    f"{place}.{key}={value[key]!r:.60} (in {name}) is not read: beside `class_path` there is only "
                    f"`init_args`; " + (f"did you mean {near[0]}?" if near else f"put {key} below it")
                )
    return content


def where_given(args: Sequence[str], key: Sequence[str], value: str | None = None) -> Given | None:
    """Where the last setting was given that `key` names, from its end.

    Args:
        args: The command line.
        key: The names of the setting from the outside in, without list indices and `init_args`.
        value: Its text, where several settings have that name.
    """
    found = [
        given
        for given in _all_given(args)
        if _names(given.place)[-len(key) :] == list(key) and not given.place.endswith(".init_args")
    ]
    alike = [given for given in found if value is not None and _text(given.value) == value]
    whole = [given for given in found if not given.place.endswith("]")]
    return (alike or whole or found or [None])[-1]


def class_paths(args: Sequence[str]) -> list[str]:
    """Every class path that the command line gives as `class_path`."""
    return [given.value for given in _all_given(args) if given.place.endswith(".class_path") and given.value]


def listed_in(args: Sequence[str], key: str, name: str) -> list[str | None]:
    """The file of every entry of a list of classes that has the class `name`; None for the command line.

    Args:
        args: The command line.
        key: The dotted key of the list, which `key+` adds to and which is replaced otherwise.
        name: The class, without its module.
    """
    found: list[str | None] = []
    for given in _all_given(args):
        if given.place == key:
            found = []
        if given.place in (key, f"{key}+"):
            entries = given.value if isinstance(given.value, list) else [given.value]
            found += [given.origin for entry in entries if _text(entry).rpartition(".")[2] == name]
    return found


def where_path_given(args: Sequence[str], path: str) -> Given | None:
    """The setting that names a path or a folder above it, None where none does."""
    texts = [given for given in _all_given(args) if isinstance(given.value, str) and "/" in given.value]
    return next((given for given in reversed(texts) if Path(path).is_relative_to(given.value)), None)


def _pairs(args: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Every word with the one after it."""
    return zip(args, [*args[1:], None][: len(args)], strict=True)


def _all_given(args: Sequence[str]) -> Iterator[Given]:
    for name in config_arguments(args):
        is_file = _is_file_name(name)
        try:
            content = read_config(name) if is_file else yaml.safe_load(name)
        except (ConfigFileError, OSError, yaml.YAMLError):
            continue
        for place, value in _walk(content):
            yield Given(place, value, name if is_file else None)
    for word, following in _pairs(args):
        if word.startswith("--") and word not in ("--config", "--print_config"):
            place, equals, value = word.removeprefix("--").partition("=")
            value = value if equals else following
            try:
                inner = list(_walk(yaml.safe_load(value or ""), place))[1:]
            except yaml.YAMLError:
                inner = []
            yield Given(place, value, None)
            if place.endswith(".class_path"):
                yield Given(place.removesuffix(".class_path"), value, None)
            yield from (Given(*found, None) for found in inner)


def _walk(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of a nested mapping with its dotted place."""
    if place:
        yield place, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{place}[{index}]")


def _text(value: Any) -> str:
    """What a message calls a value: a class by its path."""
    return str(value["class_path"]) if isinstance(value, Mapping) and "class_path" in value else str(value)


def _names(place: str) -> list[str]:
    """The names in a dotted place, without list indices, `+` and `init_args`."""
    return [name for name in re.sub(r"\[\d+\]|\+", "", place).split(".") if name != "init_args"]


def _is_file_name(name: str) -> bool:
    """Whether `--config` names a file; it may also hold YAML itself."""
    return "\n" not in name and ": " not in name and not name.startswith("{")


def _nearest_file(path: Path) -> str:
    """A remedy that names the YAML file with the most similar name nearby."""
    roots = [root for root in (path.parent, Path("configs")) if root.is_dir()]
    files = {
        str(file) for root in roots for file in [*root.glob("*.yaml"), *root.glob("*/*.yaml"), *root.glob("*/*/*.yaml")]
    }
    alike = difflib.get_close_matches(path.name, sorted({Path(file).name for file in files}), n=1, cutoff=0.7)
    near = difflib.get_close_matches(
        str(path), sorted(file for file in files if Path(file).name in alike), n=1, cutoff=0
    )
    return f"did you mean {near[0]}?" if near else "correct the path"
