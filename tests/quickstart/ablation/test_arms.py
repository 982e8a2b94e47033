from pathlib import Path

import pytest

from cogito_pl.quickstart.ablation.arms import Ablation, Arm
from cogito_pl.quickstart.phases import branch_phases
from cogito_pl.quickstart.settings import SettingsError
from tests.quickstart.conftest import RECIPES


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
        Ablation.read(arms, seeds, "run", 10, str(RECIPES), [])


def test_an_arm_adds_its_files_to_grpo_alone_and_shares_the_rest(here):
    ablation = Ablation.read(["t=a.yaml+b.yaml"], [1, 2], "run", 10, str(RECIPES), ["sft=x+y.yaml"])
    trunk, branch = ablation.trunk(2), ablation.branch(ablation.arms[1], 2)
    assert branch.overlays_of("grpo") == [Path("a.yaml"), Path("b.yaml")]
    assert branch.overlays_of("evaluate") == trunk.overlays_of("grpo") == []
    assert (branch.data, branch.sft) == (trunk.data, trunk.sft)
    assert branch.run == Path("run/seed2/arms/t")
    assert branch.seed == 2


def test_an_arm_may_imitate_first_with_files_of_its_own(here):
    ablation = Ablation.read(["t=a.yaml"], [1], "run", 10, str(RECIPES), [], ["t=b.yaml"])
    branch = ablation.branch(ablation.arms[1], 1)
    assert branch.overlays_of("sft") == [Path("b.yaml")]
    assert branch.overlays_of("grpo") == [Path("a.yaml")]
    assert [phase.name for phase in branch_phases(branch)] == ["imitate", "grpo", "evaluate-grpo"]


def test_grpo_starts_from_what_imitation_made_of_the_shared_start(here):
    ablation = Ablation.read(["t=a.yaml"], [1], "run", 10, str(RECIPES), [], ["t=b.yaml"])
    imitate, grpo, _ = branch_phases(ablation.branch(ablation.arms[1], 1))
    starts = [phase.overlay["model"]["init_args"]["policy"]["init_from"] for phase in (imitate, grpo)]
    assert starts == [str(ablation.trunk(1).sft), str(imitate.folder / "export")]
    assert imitate.overlay["data"]["train"][0]["subset"] == "train"


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
def test_imitation_that_cannot_be_is_refused_with_the_remedy(here, first, message):
    with pytest.raises(SettingsError, match=message):
        Ablation.read(["t=a.yaml"], [1], "run", 10, str(RECIPES), [], first)
