from pathlib import Path

import pytest

from cogito_pl.experiments.ablation.arms import Ablation, Arm
from cogito_pl.experiments.phases import SettingsError
from tests.experiments.ablation.studies import PretendStudy


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Works in a folder with the overlays `a.yaml`, `b.yaml` and some with odd names."""
    monkeypatch.chdir(tmp_path)
    Path("dir=1").mkdir()
    for name in ("a.yaml", "b.yaml", "x+y.yaml", "only=a.yaml", "dir=1/c.yaml", "my trick.yaml"):
        Path(name).write_text("{}")


@pytest.mark.parametrize(
    ("text", "name", "files"),
    [
        ("a.yaml", "a", ["a.yaml"]),
        ("trick=a.yaml", "trick", ["a.yaml"]),
        ("both=a.yaml+b.yaml", "both", ["a.yaml", "b.yaml"]),
        ("a.yaml+b.yaml", "a+b", ["a.yaml", "b.yaml"]),
        ("x+y.yaml", "x+y", ["x+y.yaml"]),
        ("z=x+y.yaml", "z", ["x+y.yaml"]),
        ("dir=1/c.yaml", "c", ["dir=1/c.yaml"]),
        ("t=dir=1/c.yaml", "t", ["dir=1/c.yaml"]),
        ("t=my trick.yaml", "t", ["my trick.yaml"]),
    ],
)
def test_an_arm_is_a_name_and_files(here, text, name, files):
    assert Arm.parse(text) == Arm(name=name, files=tuple(map(Path, files)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none.yaml", "there is no file none.yaml"),
        ("t=a.yaml+none.yaml", "there is no file none.yaml"),
        ("my trick.yaml", "--with NAME=my trick.yaml"),
        ("only=a.yaml", "--with NAME=only=a.yaml"),
        ("", "there is no file"),
    ],
)
def test_an_arm_that_cannot_be_is_refused_with_the_remedy(here, text, message):
    with pytest.raises(SettingsError, match=message):
        Arm.parse(text)


@pytest.mark.parametrize(
    ("arms", "seeds", "message"),
    [
        (["a.yaml", "a=b.yaml"], [1], "names 'a' twice"),
        (["plain=a.yaml"], [1], "names 'plain' twice"),
        ([], [1, 2, 1], "--seeds names 1 twice"),
        ([], [1, -2], "--seeds -2"),
    ],
)
def test_what_would_be_counted_twice_or_mixed_up_is_refused(here, arms, seeds, message):
    with pytest.raises(SettingsError, match=message):
        Ablation.read(PretendStudy(), arms, seeds, "run")


def test_the_runs_of_a_seed_lie_in_its_folder(here):
    ablation = Ablation.read(PretendStudy(), ["t=a.yaml+b.yaml"], [1, 2], "run")
    assert ablation.start(2).folder == Path("run/seed2")
    assert ablation.scoring(2).folder == Path("run/seed2/scoring")
    assert [ablation.arm(arm, 2).folder for arm in ablation.arms] == [
        Path("run/seed2/arms/plain"),
        Path("run/seed2/arms/t"),
    ]


def test_an_arm_may_have_an_sft_fit_first_with_files_of_its_own(here):
    arms = Ablation.read(PretendStudy(), ["t=a.yaml", "u=b.yaml"], [1], "run", ["t=b.yaml+a.yaml"]).arms
    assert arms[1] == Arm(name="t", files=(Path("a.yaml"),), sft_first=(Path("b.yaml"), Path("a.yaml")))
    assert arms[2].sft_first == arms[0].sft_first == ()


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (["u=b.yaml"], "--sft-first u=b.yaml: no arm has that name"),
        (["b.yaml"], "no arm has that name; say NAME=FILE"),
        (["plain=b.yaml"], "no arm has that name"),
        (["t=none.yaml"], "--sft-first t=none.yaml: there is no file none.yaml"),
        (["t=a.yaml", "t=b.yaml"], r"names 't' twice; join its files: a.yaml\+b.yaml"),
    ],
)
def test_an_sft_fit_that_cannot_be_is_refused_with_the_remedy(here, first, message):
    with pytest.raises(SettingsError, match=message):
        Ablation.read(PretendStudy(), ["t=a.yaml"], [1], "run", first)
