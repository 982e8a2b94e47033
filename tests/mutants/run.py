"""Puts known bugs into a copy of the project, one at a time, and runs the test that must fail: `make mutants`.

The bugs are those of the YAML files beside this one. A list by file has what each bug is (`bug`), the exact `text` that
it changes, what that `becomes`, and the `test` that must fail. Add one for every bug that is found later.

mutmut and cosmic-ray generate their mutants from rules (another operator, another constant) and have no input for a
list of given ones, such as a call that leaves out one argument; hence this file.
"""

import argparse
import ast
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__", "*.parquet", "*.egg-info")
OUTCOMES = {0: "survived", 1: "killed"}
"""By exit status of pytest; any other means that the tests could not run."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A bug.

    Args:
        name: For `--only`.
        bug: What is wrong, in a sentence.
        file: Where, from the root of the project.
        text: What it changes; occurs once in the file.
        becomes: What it changes that to.
        test: The test that must fail, as pytest names it.
    """

    name: str
    bug: str
    file: str
    text: str
    becomes: str
    test: str

    def applied(self, root: Path) -> str:
        """The file's source with the bug. Raises ValueError where `text` does not occur exactly once."""
        source = (root / self.file).read_text(encoding="utf-8")
        if (count := source.count(self.text)) != 1:
            raise ValueError(f"{self.name}: the text of the mutant occurs {count} times in {self.file}, expected once")
        return source.replace(self.text, self.becomes)


def read_mutants(folder: Path = HERE) -> list[Mutant]:
    """All bugs of the YAML files in `folder`, in their order."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        for file, bugs in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            found += [Mutant(name=name, file=file, **bug) for name, bug in bugs.items()]
    return found


def has_test(root: Path, test: str) -> bool:
    """Whether a test function of this name exists; its parameters are not looked at."""
    file, *_, name = test.split("::")
    path = root / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    return any(isinstance(node, ast.FunctionDef) and node.name == name.split("[")[0] for node in ast.walk(tree))


def tests_pass(root: Path, tests: Sequence[str]) -> int:
    """Runs tests of the project at `root` in a process of its own, and returns the exit status of pytest."""
    process = multiprocessing.get_context("fork").Process(target=_run_tests, args=(root, tests))
    process.start()
    process.join()
    return process.exitcode


def _run_tests(root: Path, tests: Sequence[str]) -> None:
    import pytest

    os.chdir(root)
    sys.path.insert(0, str(root))
    os.environ["PYTHONPATH"] = str(root)  # of the processes that a test starts
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  the process ends with it
    sys.exit(pytest.main(["-x", "-q", "-m", "", "-p", "no:cacheprovider", "--rootdir", str(root), *tests]))


def outcome(mutant: Mutant, root: Path) -> str:
    """What becomes of a bug in the copy at `root`, which is left as it was: killed, survived, or what went wrong."""
    path = root / mutant.file
    before = path.read_bytes()
    try:
        path.write_text(mutant.applied(root), encoding="utf-8")
        status = tests_pass(root, [mutant.test])
    except ValueError as error:
        return str(error)
    finally:
        path.write_bytes(before)
    return OUTCOMES.get(status, f"{mutant.test} could not run: exit status {status} of pytest")


def run(mutants: Sequence[Mutant], root: Path) -> int:
    """Prints what becomes of every bug. Returns 1 unless all are killed, else 0."""
    tests = list(dict.fromkeys(mutant.test for mutant in mutants))
    if tests and (status := tests_pass(root, tests)):
        print(f"the tests do not pass without any mutant: exit status {status} of pytest for {' '.join(tests)}")
        return 1
    started, alive = time.monotonic(), []
    for done, mutant in enumerate(mutants, 1):
        result = outcome(mutant, root)
        alive += [mutant.name] if result != "killed" else []
        left = (time.monotonic() - started) / done * (len(mutants) - done)
        print(f"{done:4}/{len(mutants)}  {left / 60:5.1f} min left  {result:9} {mutant.name}: {mutant.bug}", flush=True)
    print(
        f"{len(mutants) - len(alive)} of {len(mutants)} killed" + "".join(f"\n  not killed: {name}" for name in alive)
    )
    return int(bool(alive))


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutants")
    only = parser.parse_args(words).only
    mutants = read_mutants()
    if unknown := set(only or ()) - {mutant.name for mutant in mutants}:
        parser.error(f"--only: there is no mutant {', '.join(sorted(unknown))}")
    # Imported once: every test runs in a fork of this process, which must not have imported the project itself.
    import datasets  # noqa: F401
    import lightning.pytorch.cli  # noqa: F401
    import peft  # noqa: F401
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        return run([mutant for mutant in mutants if not only or mutant.name in only], copy)


if __name__ == "__main__":
    sys.exit(main())
