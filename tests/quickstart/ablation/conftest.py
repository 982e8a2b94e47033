import pytest

from cogito_pl.quickstart.ablation.arms import Ablation
from tests.quickstart.conftest import RECIPES


@pytest.fixture
def make_ablation(tmp_path):
    """An ablation in the test's own folder; an arm is given as its name and the text of its overlay."""

    def make(seeds=(1,), run="my ablation", overlays=(), **arms):
        for name, text in arms.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        words = [str(tmp_path / f"{name}.yaml") for name in arms]
        return Ablation.read(words, list(seeds), str(tmp_path / run), 4, str(RECIPES), list(overlays))

    return make
