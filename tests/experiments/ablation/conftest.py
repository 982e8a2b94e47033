import pytest

from cogito_pl.experiments.ablation.arms import Ablation
from cogito_pl.quickstart.study import QuickstartStudy
from tests.experiments.ablation.studies import PretendStudy
from tests.quickstart.conftest import RECIPES


@pytest.fixture
def make_ablation(tmp_path):
    """An ablation in the test's own folder; an arm is given as its name and the text of its overlay.

    An arm named in `sft_first` has an SFT fit before GRPO, with the same overlay. The phases pretend to run unless
    the study is `real`: that of the quickstart.
    """

    def make(seeds=(1,), run="my ablation", real=False, sft_first=(), **arms):
        for name, text in arms.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        words = [str(tmp_path / f"{name}.yaml") for name in arms]
        first = [f"{name}={tmp_path / name}.yaml" for name in sft_first]
        study = QuickstartStudy.read(4, str(RECIPES), []) if real else PretendStudy()
        return Ablation.read(study, words, list(seeds), str(tmp_path / run), first)

    return make
