from pathlib import Path

import pytest

from cogito_pl.quickstart.settings import Settings

RECIPES = Path(__file__).parents[2] / "configs" / "playground"


@pytest.fixture
def make_settings(tmp_path):
    """Settings of a run in the test's own folder, with `changes`."""

    def make(**changes):
        given = {"seed": 1, "run": tmp_path / "my run", "n_test": 20, "config_dir": RECIPES}
        return Settings(**(given | changes))

    return make
