import pytest

from cogito_pl.quickstart.ablation.arms import Ablation
from tests.quickstart.conftest import RECIPES


@pytest.fixture
def make_ablation(tmp_path):
    """An ablation in the test's own folder; an arm is given as its name and the text of its overlay.

    An arm named in `sft_first` imitates first, with the same overlay.
    """

    def make(seeds=(1,), run="my ablation", overlays=(), sft_first=(), **arms):
        for name, text in arms.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        words = [str(tmp_path / f"{name}.yaml") for name in arms]
        first = [f"{name}={tmp_path / name}.yaml" for name in sft_first]
        return Ablation.read(words, list(seeds), str(tmp_path / run), 4, str(RECIPES), list(overlays), first)

    return make
