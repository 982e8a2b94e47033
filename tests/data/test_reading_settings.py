"""The data module reads every source by its own settings, at values that are not the defaults."""

from types import SimpleNamespace

import pytest

from cogito_pl.data import datamodule as reading
from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.source import Source
from cogito_pl.data.subset import SubsetConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.conftest import problem

PROBLEMS = [problem(seed=n, meta={"stratum": ("hard", "easy", "unsolved")[n % 3]}) for n in range(9)]


@pytest.fixture
def asked(monkeypatch):
    """How sources were read, in the place of reading them."""
    calls = []

    def read(source, **settings):
        calls.append((source.label, settings))
        return SimpleNamespace(problems=PROBLEMS, rejections=[], summary=lambda: "read")

    monkeypatch.setattr(reading, "read_source", read)
    return calls


def set_up(stage, **settings):
    module = ReasoningDataModule(**settings)
    schedule = RolloutSchedule(prompts=2, group_size=2, micro_batch=2)
    rejected = SimpleNamespace(rejection=lambda problem, training: f"training={training}", schedule=schedule)
    module.trainer = SimpleNamespace(
        lightning_module=rejected, is_global_zero=False, log_dir=None, reload_dataloaders_every_n_epochs=1,
        world_size=1, fast_dev_run=False, limit_train_batches=1.0,
    )  # fmt: skip
    module.setup(stage)
    return module


def test_sources_are_read_by_the_settings_of_the_data_and_for_what_they_are_used(asked):
    settings = {"rejection_limit": 0.31, "check_images": "header", "max_image_pixels": 77}
    parts = {"train": (Source(path="a"),), "validation": (Source(path="b"),), "predict": (Source(path="c"),)}
    set_up("fit", **parts, **settings)
    set_up("predict", **parts, **settings)
    used = [(label, call.pop("check")(None)) for label, call in asked]
    assert used == [("a", "training=True"), ("b", "training=False"), ("b", "training=False"), ("c", "training=False")]
    assert [call for _, call in asked] == [settings | {"progress": False, "table": None}] * 4


def test_a_fit_trains_on_its_subset_alone(asked):
    module = set_up("fit", train=(Source(path="a"),), subset=SubsetConfig(strata=("hard",)))
    assert [problem.id for problem in module.train_problems] == ["p0", "p3", "p6"]
