"""Settings that differ from the defaults."""

import pytest
import yaml

from cogito_pl.report.settings import REQUIRED, differences
from tests.test_cli import ROOT, printed


@pytest.fixture
def of_command(run_cli, tmp_path):
    def of_command(*args):
        return {name: (value, default) for name, value, default in differences(yaml.safe_load(printed(run_cli, *args)))}

    return of_command


def test_what_was_set_is_found_and_nothing_else(of_command, tmp_path):
    (tmp_path / "recipe.yaml").write_text(
        """
trainer: {max_epochs: 3}
model:
  class_path: cogito_pl.modules.GRPOModule
  init_args:
    policy: {name: tiny}
    loss: {kl_coef: 0.25}
    optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.5, weight_decay: 0.0}}
data:
  train: [{path: here, limit: 5}]
"""
    )
    found = of_command("fit", "--config", tmp_path / "recipe.yaml")
    assert found == {
        "trainer.max_epochs": (3, None),
        "model": ("cogito_pl.modules.GRPOModule", REQUIRED),
        "model.policy.name": ("tiny", REQUIRED),
        "model.loss.kl_coef": (0.25, 0.0),
        "model.optimizer": ("torch.optim.SGD", "torch.optim.adamw.AdamW"),
        "model.optimizer.lr": (0.5, 0.001),
        "data.train.0.path": ("here", REQUIRED),
        "data.train.0.limit": (5, None),
    }


def test_a_recipe_differs_by_what_it_says(of_command):
    found = of_command("fit", "--config", ROOT / "configs/playground/grpo.yaml", "--config",
                       ROOT / "configs/playground/curriculum.yaml", "--seed_everything=3")  # fmt: skip
    assert found["seed_everything"] == (3, 17)
    assert found["trainer.callbacks.4.max_length"] == (40, 750)
    assert found["data.stages.2.epochs"] == (2, 1)
    assert found["model.policy.freeze"] == (["vision", "projector"], ())
    assert found["model.optimizer.betas"] == ([0.9, 0.99], (0.9, 0.999))
    for same in ("model.optimizer.eps", "model.scale_by_std", "data.check_images", "trainer.log_every_n_steps"):
        assert same not in found


def test_settings_of_a_class_that_is_not_here_are_all_shown():
    config = {"model": {"class_path": "gone.Module", "init_args": {"a": 1}}, "trainer": {"devices": "auto"}}
    assert differences(config) == [("model", "gone.Module", REQUIRED), ("model.a", 1, REQUIRED)]
