"""The pages of `--help`, read off the sources: importing PyTorch and Lightning first would take several seconds.

Settings of classes that are named by `class_path` have pages of their own, by jsonargparse: `--model.help=CLASS`.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

COMMANDS = {
    "fit": "trains, by SFT or GRPO as the recipe says",
    "validate": "samples and grades completions of data.validation",
    "predict": "scores the problems of data.predict by difficulty",
}
_PACKAGE = Path(__file__).resolve().parent
_WIDTH = 116


@dataclass(frozen=True)
class Setting:
    """A setting as its source has it: name, type, default and description."""

    name: str
    type: str
    default: str | None
    text: str


def help_page(args: Sequence[str]) -> str | None:
    """The page that the command line asks for by `--help` or `-h`, None where it asks for none."""
    if not any(word in ("--help", "-h") for word in args):
        return None
    command = next((word for word in args if word in COMMANDS), None)
    return main_page() if command is None else command_page(command)


def main_page() -> str:
    """What can be run."""
    return "\n".join(
        [
            "usage: python train.py COMMAND --config RECIPE.yaml [--config OVERLAY.yaml ...] [--SETTING=VALUE ...]",
            "",
            "Trains, validates or scores a vision-language model as a recipe says (see configs/).",
            "",
            *(f"  {name:<10} {text}" for name, text in COMMANDS.items()),
            "",
            "  python train.py fit --help                             what can be set",
            "  python train.py fit --config RECIPE.yaml --print_config   all settings with their values",
        ]
    )


def command_page(command: str) -> str:
    """What can be set for a command."""
    call = f"python train.py {command}"
    resumed = {"fit": "Resumes that run"}.get(command, "Takes the weights of that checkpoint")
    lines = [
        f"usage: {call} --config RECIPE.yaml [--config OVERLAY.yaml ...] [--SETTING=VALUE ...]",
        "",
        *textwrap.wrap(
            f"{command} {COMMANDS[command]}. Settings stand in YAML files or on the command line, under the same "
            "dotted names; of several values the last one counts. `--trainer.callbacks+=...` adds to a list.",
            _WIDTH,
        ),
        "",
        *_option("--config FILE, -c FILE", "A recipe or an overlay; may be repeated."),
        *_option("--print_config", "Prints all settings with their values and ends."),
        *_option("--seed_everything N", "Seed of draws and sampling (default: 17)."),
        *_option("--weights_only FLAG", "Whether a checkpoint may hold tensors and plain Python only (default: null)."),
        *_option("--ckpt_path FILE", f"{resumed}; `last` finds the newest of the run."),
        "",
        "model: class_path is one of the following, or a class of one's own",
        *(line for name, text in modules() for line in _option(f"  {name}", text)),
        f"  {call} --model.help=cogito_pl.modules.GRPOModule shows its settings, below model.init_args",
        "",
        "data: which problems, and in which order",
        *(line for setting in data_settings() for line in _described("data", setting)),
        "",
        "trainer: Lightning's Trainer",
        *(line for setting in trainer_settings() for line in _described("trainer", setting)),
        "",
        "trainer.callbacks: a list of class_path and init_args; those of this project are",
        *(line for name, text in callbacks() for line in _option(f"  {name}", text)),
        f"  {call} --trainer.callbacks.help=callbacks.ODSWReweighting shows its settings",
    ]
    return "\n".join(lines)


def data_settings() -> list[Setting]:
    """The settings of the data module; its seed is that of `seed_everything`."""
    found = _settings(_PACKAGE / "data" / "datamodule.py", "ReasoningDataModule")
    return [setting for setting in found if setting.name != "seed"]


def trainer_settings() -> list[Setting]:
    """The settings of Lightning's Trainer, with the defaults of this project's command line."""
    root = Path(find_spec("lightning").submodule_search_locations[0])
    found = _settings(root / "pytorch" / "trainer" / "trainer.py", "Trainer")
    ours = _trainer_defaults()
    return [
        Setting(setting.name, setting.type, ours.get(setting.name, setting.default), setting.text) for setting in found
    ]


def modules() -> Iterator[tuple[str, str]]:
    """The class paths of the modules, with what they do."""
    return (
        (name, text)
        for name, text in _exported("cogito_pl.modules")
        if name.endswith(("GRPOModule", "SFTModule", "ScoreModule"))
    )


def callbacks() -> Iterator[tuple[str, str]]:
    """The class paths of the callbacks, with what they do."""
    return _exported("callbacks")


def _exported(package: str) -> Iterator[tuple[str, str]]:
    """The classes that a package imports in its `__init__`, with the first line of their docstrings."""
    root = _PACKAGE.parent
    for node in _tree(root / package.replace(".", "/") / "__init__.py").body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found = _class(root / (node.module.replace(".", "/") + ".py"), alias.name)
                yield f"{package}.{alias.name}", (ast.get_docstring(found) or "").split("\n")[0]


def _settings(path: Path, name: str) -> list[Setting]:
    """The arguments of a class's `__init__`, described in its docstring or in that of the class."""
    of_class = _class(path, name)
    init = next(node for node in of_class.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    text = _arguments(ast.get_docstring(of_class)) | _arguments(ast.get_docstring(init))
    plain = init.args.args[1:]
    defaults = [None] * (len(plain) - len(init.args.defaults)) + init.args.defaults
    both = [*zip(plain, defaults, strict=True), *zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)]
    return [
        Setting(
            argument.arg,
            ast.unparse(argument.annotation) if argument.annotation else "",
            ast.unparse(default) if default is not None else None,
            text.get(argument.arg, ""),
        )
        for argument, default in both
    ]


def _arguments(docstring: str | None) -> dict[str, str]:
    """The `Args:` of a docstring, by name."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", docstring or "", re.S | re.M)
    found, name = {}, None
    for line in textwrap.dedent(section[1]).splitlines() if section else ():
        if start := re.match(r"(\w+)(?: \(.*?\))?: *(.*)", line):
            name, found[start[1]] = start[1], start[2]
        elif name and line.strip():
            found[name] += " " + line.strip()
    return {key: re.sub(r"\s*Default: ``.*?``\.?", "", value).strip() for key, value in found.items()}


def _trainer_defaults() -> dict[str, str]:
    """The defaults in `cogito_pl/cli.py` that differ from Lightning's."""
    for node in _tree(_PACKAGE / "cli.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TRAINER_DEFAULTS":
            return {
                key.value: ast.unparse(value) for key, value in zip(node.value.keys, node.value.values, strict=True)
            }
    return {}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _class(path: Path, name: str) -> ast.ClassDef:
    return next(node for node in _tree(path).body if isinstance(node, ast.ClassDef) and node.name == name)


def _described(section: str, setting: Setting) -> list[str]:
    default = "required" if setting.default is None else f"default: {setting.default}"
    return _option(f"--{section}.{setting.name}", f"{setting.text} (type: {setting.type}, {default})".strip())


def _option(name: str, text: str) -> list[str]:
    """An option and its description, which begins on the same line where there is room."""
    wrapped = textwrap.wrap(text, _WIDTH - 28) or [""]
    if len(name) < 27:
        return [f"{name:<28}{wrapped[0]}", *(" " * 28 + line for line in wrapped[1:])]
    return [name, *(" " * 28 + line for line in wrapped)]
