"""Turns what jsonargparse says about a wrong setting, pages of nested alternatives, into one short message.

jsonargparse reports by text alone, a tree of alternatives by indentation; the formats are those of 4.53 and are read
here and nowhere else. What is not recognised is passed on as it stands.
"""

import ast
import difflib
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

from cogito_pl.config_files import class_paths, where_given

_KEY = re.compile(r'Parser key "(?P<key>[^"]+)"(?: element \d+)?:(?: (?=\S)|\n+)(?P<rest>.*)', re.S)
_PATH = re.compile(r"- Expected a path but .* either not accessible or invalid\n- (?P<rest>.*)", re.S)
_UNION = re.compile(
    r"Does not validate against any of the Union subtypes\nSubtypes: .*\nErrors:\n(?P<errors>(?:(?:  .*)?\n)+)"
    r"Given value type: (?P<type>.*)(?:\nGiven value: (?P<value>(?s:.*)))?"
)
_CLASS = re.compile(r"Problem with given class_path '(?P<name>.+?)':\n(?P<rest>.*)", re.S)
_CALLABLE = re.compile(
    r"Type .+? expects a function or a callable class: (?P<rest>.*?)(?:\. Got value: (?P<value>\S.*))?$", re.S
)
_UNKNOWN = re.compile(
    r"(?:Option '(?P<option>[^']+)' is not accepted|(?:Group|Subcommand) '(?P<group>[^']+)' does not accept option "
    r"'(?P<sub>[^']+)')(?P<near>; .*)?",
)
_EXPECTED = re.compile(r"Expected an? (?P<type>.*?)(?:\. Got value: (?P<value>.*))?$", re.S)
_NO_CLASS = re.compile(
    r"module '(?P<module>[^']+)' has no attribute '(?P<name>[^']+)'|No module named '(?P<missing>[^']+)'"
)
_NO_SUBCLASS = re.compile(
    r"Import path (?P<name>\S+) does not (?:correspond to a subclass of|implement protocol) (?P<base>\S+)"
)
_NO_COMMAND = re.compile(r"argument subcommand: invalid choice: '(?P<name>[^']*)'|expected \"subcommand\" to be one of")
_MISSING = re.compile(r"the following arguments are required: (?P<names>.*)")
_NO_VALUE = re.compile(r"argument (?:\S+/)?(?P<name>--\S+): expected (?:one|at least one) argument")
_NO_GROUP = re.compile(r"Unable to load config|argument after \*\* must be a mapping")
_UNRECOGNISED = re.compile(r"unrecognized arguments: (?P<words>.*?)(?P<near>; did you mean .*|; it has .*)?$", re.S)
COMMANDS = ("fit", "validate", "predict")
_CATALOGUES = {
    "model": "cogito_pl.modules", "trainer.callbacks": "callbacks", "trainer.logger": "lightning.pytorch.loggers",
}  # fmt: skip
_HELP_BY_CLASS = ("model", "trainer.callbacks", "trainer.logger", "data.draw_order")
_HELP = ("data.train", "data.validation", "data.predict", "data.stages", "data.strata", "data.subset")
_TYPES = {
    "<class 'int'>": "a whole number",
    "<class 'float'>": "a number",
    "<class 'bool'>": "true or false",
    "<class 'str'>": "text",
    "<class 'NoneType'>": "null",
    "<class 'tuple'>": "a list [...]",
    "<class 'list'>": "a list [...]",
    "<class 'dict'>": "a mapping {...}",
    "dot import path string": "a class path",
}


@dataclass(frozen=True)
class Leaf:
    """The innermost problem of a message.

    Args:
        text: What jsonargparse says there.
        keys: The keys that lead to it, from the outside in.
        owners: Class paths of the classes on the way.
        value: The value that does not fit, where the message has it.
    """

    text: str
    keys: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    value: str | None = None

    @property
    def owner(self) -> str | None:
        """Class path of the innermost class."""
        return self.owners[-1] if self.owners else None

    @property
    def specific(self) -> int:
        """How much it says: of several alternatives, the one that came furthest is what the user meant."""
        if _UNKNOWN.match(self.text):
            return 100 + len(self.keys)
        if _EXPECTED.match(self.text):
            return 0 if "NoneType" in self.text else 20 * (len(self.keys) + len(self.owners)) + 2
        if self.text.startswith(("Not a valid subclass of", "Unexpected import path format")):
            return 1
        return 60 + len(self.keys)


def innermost(text: str, leaf: Leaf | None = None) -> Leaf:
    """Follows keys, classes and the best of several alternatives down to the problem itself."""
    leaf = leaf or Leaf("")
    text = textwrap.dedent(text).strip("\n")
    if found := _KEY.match(text):
        return innermost(found["rest"], replace(leaf, keys=(*leaf.keys, *found["key"].split("."))))
    if found := _PATH.match(text):
        return innermost(found["rest"], leaf)
    if found := _UNION.match(text):
        items = re.split(r"(?m)^- ", textwrap.dedent(found["errors"]))[1:]
        leaves = [innermost(re.sub(r"(?m)^  ", "", item), leaf) for item in items]
        return _best(leaves, leaf, found["value"])
    if found := _CLASS.match(text):
        return innermost(found["rest"], replace(leaf, owners=(*leaf.owners, found["name"])))
    if found := _CALLABLE.match(text):
        value = found["value"] or ""
        named = re.search(r"class_path='([^']+)'", value)
        owner = named[1] if named else value if value.replace(".", "").isidentifier() else None
        return innermost(found["rest"], replace(leaf, owners=(*leaf.owners, *([owner] if owner else []))))
    found = _EXPECTED.match(text)
    return replace(leaf, text=text, value=(found["value"] if found else None) or leaf.value)


def _best(leaves: Sequence[Leaf], here: Leaf, value: str | None) -> Leaf:
    """The most specific alternative; those that only name types are joined."""
    best = max(leaves, key=lambda leaf: leaf.specific)
    if best.keys != here.keys or best.owners != here.owners or not _EXPECTED.match(best.text):
        return best if best.value is not None or best.keys != here.keys else replace(best, value=value)
    types = [_EXPECTED.match(leaf.text)["type"] for leaf in leaves if _EXPECTED.match(leaf.text)]
    return replace(best, text="Expected a " + " | ".join(types), value=value)


def describe(message: str, args: Sequence[str], program: str) -> str:
    """The message for a user: the setting, its value, what is expected, and where to look.

    Args:
        message: What jsonargparse passed to the parser's `error`.
        args: The command line.
        program: How it was called, such as `python train.py fit`.
    """
    if found := _NO_COMMAND.search(message):
        return _command(found)
    leaf = innermost(message)
    if found := _UNRECOGNISED.match(leaf.text):
        said = _unrecognised(found, ".".join([*leaf.keys, *(["init_args"] if leaf.owner else [])]))
    elif found := _MISSING.match(leaf.text):
        said = _missing(found["names"], leaf)
    elif found := _NO_VALUE.match(leaf.text):
        said = f"{_without_value(args, found['name'])} has no value; write --SETTING=VALUE"
    elif _NO_GROUP.match(leaf.text):
        said = f"{_setting(args, leaf.keys, leaf.value)} is not a group of settings; write {{name: value, ...}}"
    elif found := _UNKNOWN.match(leaf.text):
        unknown, near = _unknown_part(_full_key(found), found["near"])
        keys = (*leaf.keys, *unknown.split("."))
        setting = _setting(args, keys, None)
        said = f"{setting} is not a setting{_of(leaf.owner)}{near}"
    elif found := _NO_CLASS.search(leaf.text):
        wanted = f"{found['module']}.{found['name']}" if found["name"] else leaf.owner or ""
        setting = _setting(args, leaf.keys, wanted, shown=wanted)
        said = f"{setting}: there is no such class ({found[0]}){_nearest_class(found)}"
        leaf = replace(leaf, owners=leaf.owners[:-1])
    elif found := _NO_SUBCLASS.match(leaf.text):
        setting = _setting(args, leaf.keys, found["name"], shown=found["name"])
        said = f"{setting} is not a {found['base']}; name a class that is one"
    elif leaf.text.startswith(("Not a valid subclass of", "Unexpected import path format")):
        setting = _setting(args, leaf.keys, leaf.value)
        plain = ".".join(leaf.keys[:2]) in _HELP
        remedy = "{name: value, ...}" if plain else "{class_path: package.Class, init_args: {...}}"
        said = f"{setting} is not {'complete' if plain else 'a class'}; write {remedy}"
    elif found := _EXPECTED.match(leaf.text):
        setting = _setting(args, leaf.keys, leaf.value)
        choices = _choices(found["type"])
        near = difflib.get_close_matches(str(leaf.value), choices, n=1)
        if "class path" in readable(found["type"]) and not near:
            near = _classes_like(str(leaf.value), leaf.keys)
        said = f"{setting} is not valid; expected {readable(found['type'])}" + (
            f"; did you mean {near[0]}?" if near else ""
        )
    else:
        setting = _setting(args, leaf.keys, leaf.value) if leaf.keys else ""
        said = f"{setting}: {leaf.text}" if setting else leaf.text
    return "\n".join([said, *_place_to_look(leaf, program)])


def raise_import_errors(args: Sequence[str]) -> None:
    """Raises what goes wrong inside a module that a `class_path` names, which jsonargparse would make text of."""
    for path in class_paths(args):
        module = path.rpartition(".")[0]
        try:
            import_module(module or path)
        except ModuleNotFoundError as error:
            if not f"{path}.".startswith(f"{error.name}."):
                raise


def unknown_key(message: str) -> str | None:
    """The dotted key that a message calls unknown without a suggestion yet, None for any other message."""
    if "; did you mean " in message or "; it has " in message:
        return None
    if found := _UNKNOWN.match(message):
        return _full_key(found)
    if (found := _UNRECOGNISED.match(message)) and found["words"].startswith("--"):
        return found["words"].split()[0].removeprefix("--").partition("=")[0]
    return None


def suggestion(key: str, known: Iterable[str]) -> str:
    """What to write in place of an unknown dotted key: `; did you mean ...?`, or what there is beside it."""
    known, prefix = list(known), ""
    head, *rest = key.split(".")
    while rest and any(name.startswith(f"{prefix}{head}.") for name in known):
        prefix, head, rest = f"{prefix}{head}.", rest[0], rest[1:]
    if ":" in head:
        return "; in YAML a space follows the colon"
    beside = sorted({name.removeprefix(prefix).split(".")[0] for name in known if name.startswith(prefix)} - {"help"})
    near = difflib.get_close_matches(head, beside, n=1) or [name for name in known if name.endswith(f".{head}")]
    if near:
        return f"; did you mean {prefix}{near[0].removeprefix(prefix)}?"
    shown = ", ".join(beside[:15]) + (", ..." if len(beside) > 15 else "")
    return f"; it has {shown}" if beside else ""


def readable(types: str) -> str:
    """The types of a message in words."""
    plain = [_readable_type(part) for part in types.split(" | ") if not _choices(part)]
    choices = list(dict.fromkeys(_choices(types)))
    return " or ".join(dict.fromkeys([*(["one of " + ", ".join(choices)] if choices else []), *plain]))


def _readable_type(text: str) -> str:
    if found := re.fullmatch(r"<class '(.+)'>", text):
        return _TYPES.get(text, found[1])
    return next((words for known, words in _TYPES.items() if text.startswith(known)), text)


def _choices(types: str) -> list[str]:
    """The values of all `Literal`s in a text."""
    found = []
    for literal in re.findall(r"typing\.Literal(\[[^\]]*\])", types):
        try:
            found += [str(value) for value in ast.literal_eval(literal)]
        except (ValueError, SyntaxError):
            continue
    return found


def _setting(args: Sequence[str], keys: Sequence[str], value: str | None, shown: str | None = None) -> str:
    """`setting=value` as the user wrote it, with the file that it stands in."""
    names = [name for name in keys if name != "init_args"]
    given = where_given(args, names, value)
    if given is None:
        place = ".".join(keys)
        return f"{place}={shown or value}" if (shown or value) is not None else place
    text = shown if shown is not None else _short(given.value)
    return f"{given.place}={text}" + (f" (in {given.origin})" if given.origin else "")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 100 else text[:97] + "..."


def _of(owner: str | None) -> str:
    return f" of {owner.rsplit('.', 1)[-1]}" if owner else ""


def _full_key(found: re.Match[str]) -> str:
    """The unknown key, with the group of settings that it was looked for in; a subcommand is none."""
    if found["option"] is not None or found[0].startswith("Subcommand"):
        return found["option"] or found["sub"]
    return f"{found['group']}.{found['sub']}"


def _unknown_part(key: str, near: str | None) -> tuple[str, str]:
    """The part of a dotted key up to the name that is unknown, and the suggestion without what comes before it."""
    if near and near.startswith("; did you mean "):
        *above, meant = near.removeprefix("; did you mean ").rstrip("?").split(".")
        if key.split(".")[: len(above)] == above:
            return ".".join(key.split(".")[: len(above) + 1]), f"; did you mean {meant}?"
    return key, near or ""


def _without_value(args: Sequence[str], option: str) -> str:
    """The flag that no value follows; jsonargparse names only the option that it belongs to."""
    pairs = zip(args, [*args[1:], "--"], strict=True)
    flags = [word for word, then in pairs if word.startswith(option) and "=" not in word and then.startswith("--")]
    return flags[0] if flags else option


def _unrecognised(found: re.Match[str], inside: str) -> str:
    words = found["words"].split()
    first = words[0]
    if not first.startswith("-"):
        file = first.endswith((".yaml", ".yml", ".json"))
        return f"{first} stands alone; " + (f"write --config {first}" if file else "write --SETTING=VALUE")
    name, equals, value = first.partition("=")
    value = value if equals else " ".join(words[1:2])
    if inside:
        name = f"--{inside}.{name.removeprefix('--')}"
    return f"{name}{'=' + value if value else ''} is not a setting{found['near'] or ''}"


def _command(found: re.Match[str]) -> str:
    if found["name"] is None:
        return f"no command is given; write python train.py COMMAND, which is one of {', '.join(COMMANDS)}"
    near = difflib.get_close_matches(found["name"], COMMANDS, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(COMMANDS)}"
    return f"{found['name']} is not a command; {remedy}\nSee python train.py --help"


def _missing(names: str, leaf: Leaf) -> str:
    names = ", ".join(name.split(".", 1)[-1] if not leaf.keys else name for name in names.split(", "))
    if names == "model":
        return "model is missing; give a recipe by --config, such as --config configs/playground/grpo.yaml"
    place = ".".join([*leaf.keys, *(["init_args"] if leaf.owner else [])])
    needed = f"{leaf.owner.rsplit('.', 1)[-1]} needs it" if leaf.owner else "it is needed"
    return f"{place}{'.' if place else ''}{names} is missing; {needed}, so set it"


def _nearest_class(found: re.Match[str]) -> str:
    """A suggestion for a class that a module lacks; for a module that is missing, where Python looks for it."""
    if found["missing"]:
        return "; correct the class path, or run from the folder that the package lies in"
    module = import_module(found["module"])
    names = [name for name in dir(module) if isinstance(getattr(module, name), type)]
    near = difflib.get_close_matches(found["name"], names, n=1)
    if near:
        return f"; did you mean {found['module']}.{near[0]}?"
    shown = getattr(module, "__all__", names)
    return f"; {found['module']} has {', '.join(shown[:12])}" + (", ..." if len(shown) > 12 else "")


def _classes_like(value: str, keys: Sequence[str]) -> list[str]:
    """The class paths that a bare name at a place may mean."""
    package = _CATALOGUES.get(".".join(name for name in keys if name != "init_args"))
    if package is None or not value.isidentifier():
        return []
    names = import_module(package).__all__
    near = [name for name in names if value.lower() in name.lower()] or difflib.get_close_matches(value, names, n=1)
    return [f"{package}.{name}" for name in near[:1]]


def _place_to_look(leaf: Leaf, program: str) -> list[str]:
    """Where the settings around the wrong one are described."""
    for outer in (".".join(leaf.keys[:depth]) for depth in (2, 1)):
        if outer in _HELP:
            return [f"See {program} --{outer}.help"]
        if outer in _HELP_BY_CLASS and leaf.owners:
            return [f"See {program} --{outer}.help={leaf.owners[0]}"]
    return [f"See {program} --help"]
