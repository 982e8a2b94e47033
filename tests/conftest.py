"""A tiny untrained model and a small data set, made once per test run."""

import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import functools
import sys
from pathlib import Path

import docstring_parser
import hypothesis
import numpy as np
import pytest
import torch
from lightning.pytorch.cli import LightningCLI
from PIL import Image

from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.tiny import save_tiny
from cogito_pl.playground.write import write_part
from cogito_pl.problem import IMAGE_MARKER, LazyImage, Problem

ROOT = Path(__file__).resolve().parents[1]
hypothesis.settings.register_profile("untimed", deadline=None)  # no test asserts a time
hypothesis.settings.load_profile("untimed")
torch.set_num_threads(1)  # the model is so small that a second thread only spins
# Every parser of a command line reads the sources of all classes that it describes: here, each of them is read once.
docstring_parser.parse_from_object = functools.cache(docstring_parser.parse_from_object)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny(folder, seed=0)
    return folder


@pytest.fixture(scope="session")
def playground_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("playground")
    for part, count in (("sft", 48), ("train", 48), ("validation", 10)):
        spec = PartSpec(part=part, seed=3, difficulties=(1, 2))
        write_part(folder, spec, (spec.row(index) for index in range(count)))
    return folder


@pytest.fixture
def run_cli(monkeypatch):
    """Runs `train.py` with the given arguments in this process, without the parsers of its other subcommands.

    What a check raises comes through as it is; a setting that does not parse ends the process.
    """
    monkeypatch.syspath_prepend(str(ROOT))

    def run(*args: object):
        import callbacks  # noqa: F401  makes the catalogue known by class path, as train.py does
        from cogito_pl.cli import CogitoCLI

        monkeypatch.setattr(sys, "argv", ["train.py"])
        subcommand, all_of_them = args[0], LightningCLI.subcommands()
        only = {subcommand: all_of_them[subcommand]}
        monkeypatch.setattr(CogitoCLI, "subcommands", staticmethod(lambda: only))
        return CogitoCLI(args=[str(arg) for arg in args])

    return run


@pytest.fixture
def build_cli(run_cli, monkeypatch):
    """Builds the objects of a `train.py` command, on a CPU, and does not run it."""
    monkeypatch.setattr("lightning.pytorch.cli.LightningCLI._run_subcommand", lambda self, subcommand: None)
    here = {"accelerator": "cpu", "precision": "32-true", "devices": "1", "strategy": "auto"}

    def build(*args: object):
        return run_cli(*args, *(f"--trainer.{name}={value}" for name, value in here.items()))

    return build


def noise_image(width: int, height: int, seed: int = 0) -> LazyImage:
    pixels = np.random.RandomState(seed).randint(0, 255, (height, width, 3), dtype=np.uint8)
    return LazyImage.of(Image.fromarray(pixels))


def problem(question: str = "How many?", *sizes: tuple[int, int], seed: int = 0, **fields) -> Problem:
    images = tuple(noise_image(*size, seed=seed * 100 + place) for place, size in enumerate(sizes))
    if IMAGE_MARKER not in question:
        question = IMAGE_MARKER * len(images) + question
    given = {"id": f"p{seed}", "answer": "4", "kind": "number"} | fields
    return Problem(question=question, images=images, **given)
