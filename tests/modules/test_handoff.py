"""Which weights a stage hands over, how sure their scores are, and which weight files may go."""

import math
from types import SimpleNamespace

import pytest
import torch

from callbacks import BestCheckpointHandoff
from cogito_pl.modules.candidates import Candidate, HandoffRule
from cogito_pl.modules.weight_removal import remove_weights
from tests.rl.rollouts import graded

START = Candidate(0.5, 4, file="start")


@pytest.mark.parametrize(
    ("rule", "own", "wins"),
    [
        (HandoffRule("max", "run", 0.0), 0.51, True),
        (HandoffRule("max", "run", 0.0), 0.5, False),
        (HandoffRule("max", "run", 0.02), 0.49, True),
        (HandoffRule("max", "run", 0.02), 0.47, False),
        (HandoffRule("min", "run", 0.02), 0.51, True),
        (HandoffRule("min", "run", 0.02), 0.53, False),
        (HandoffRule("max", "stage", 0.0), 0.1, True),
        (HandoffRule("max", "run", 0.0), math.nan, False),
    ],
)
def test_the_start_of_a_stage_competes_under_run_only_and_the_margin_is_its_handicap(rule, own, wins):
    candidate = Candidate(own, 6)
    assert (rule.choose(START, candidate) is candidate) == wins
    assert rule.choose(START, None) is START


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"margin": -0.1}, r"BestCheckpointHandoff\.margin=-0\.1"),
        ({"margin": math.nan}, r"margin=nan"),
        ({"margin": math.inf}, r"margin=inf"),
        ({"margin": 0.1, "candidates": "stage"}, r"margin=0\.1 .* candidates=stage"),
    ],
)
def test_a_margin_that_is_none_or_unused_is_refused(settings, named):
    with pytest.raises(ValueError, match=named):
        BestCheckpointHandoff(**settings)


ALONE = SimpleNamespace(over_ranks=lambda counts: counts, device=torch.device("cpu"))
VALUES = {"a": [1, 1, 0, 1], "b": [0, 0, 1]}


@pytest.mark.parametrize(
    ("monitor", "values"),
    [("val/accuracy", [1, 1, 0, 1, 0, 0, 1]), ("val/a/accuracy", [1, 1, 0, 1]), ("val/b/accuracy", [0, 0, 1])],
)
def test_the_standard_error_is_that_of_the_mean_over_the_problems_of_the_metric(monitor, values):
    callback = BestCheckpointHandoff(monitor=monitor)
    for _ in range(2):  # the second validation does not see the first
        callback.on_validation_start(None, None)
        for source, correct in VALUES.items():
            callback.on_validation_rollout(None, None, graded(correct, group_size=1), source)
    expected = torch.tensor(values).float().std() / math.sqrt(len(values))
    assert callback.error.over_ranks(ALONE) == pytest.approx(expected.item())


def test_over_ranks_the_problems_of_all_count():
    callback = BestCheckpointHandoff()
    callback.on_validation_rollout(None, None, graded([1, 0], group_size=1), "a")
    two = SimpleNamespace(over_ranks=lambda counts: counts + torch.tensor([2.0, 2.0, 2.0]), device=torch.device("cpu"))
    assert callback.error.over_ranks(two) == pytest.approx(torch.tensor([1.0, 0, 1, 1]).std().item() / 2)


def test_several_completions_of_a_problem_count_as_one():
    callback = BestCheckpointHandoff()
    callback.on_validation_rollout(None, None, graded([1, 0, 1, 1, 0, 0], group_size=2), "a")
    assert callback.error.over_ranks(ALONE) == pytest.approx(torch.tensor([0.5, 1, 0]).std().item() / math.sqrt(3))


def test_a_metric_that_is_no_mean_over_problems_has_no_standard_error():
    callback = BestCheckpointHandoff(monitor="val/score")
    callback.on_validation_rollout(None, None, graded([1, 0], group_size=1), "a")
    assert callback.error.over_ranks(ALONE) is None
    assert str(Candidate(0.5, 4)) == "0.5 after optimiser step 4"
    assert str(Candidate(0.5, 4, 0.012)) == "0.5 (standard error 0.012) after optimiser step 4"


def as_trainer(folder, *dirs):
    return SimpleNamespace(
        default_root_dir=str(folder), ckpt_path=None, is_global_zero=True,
        checkpoint_callbacks=[SimpleNamespace(dirpath=str(path)) for path in dirs],
        strategy=SimpleNamespace(broadcast=lambda value: value),
    )  # fmt: skip


def weight_files(folder):
    names = {"handoff/a.safetensors", "handoff/b.safetensors"}
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    return names


def test_a_file_goes_when_no_checkpoint_names_it_at_any_depth_of_its_state(tmp_path):
    names = weight_files(tmp_path)
    state = {"callbacks": {"Any": {"kept": {"easy": "handoff/a.safetensors"}}}}
    (tmp_path / "deep/er").mkdir(parents=True)
    torch.save(state, tmp_path / "deep/er/x.ckpt")
    assert remove_weights(as_trainer(tmp_path), names) == {"handoff/b.safetensors"}
    assert [path.name for path in (tmp_path / "handoff").iterdir()] == ["a.safetensors"]
    (tmp_path / "deep/er/x.ckpt").unlink()
    assert remove_weights(as_trainer(tmp_path), {"handoff/a.safetensors"}) == {"handoff/a.safetensors"}


def test_checkpoints_outside_of_the_folder_count_too(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").mkdir()
    names = weight_files(tmp_path / "run")
    torch.save({"callbacks": {"Any": {"file": "handoff/b.safetensors"}}}, tmp_path / "elsewhere/x.ckpt")
    trainer = as_trainer(tmp_path / "run", tmp_path / "elsewhere")
    assert remove_weights(trainer, names) == {"handoff/a.safetensors"}


@pytest.mark.parametrize("content", ["garbage", "cut off", "a list", "an empty folder"])
def test_while_a_checkpoint_is_unreadable_nothing_is_deleted_which_is_a_warning(tmp_path, content):
    names, path = weight_files(tmp_path), tmp_path / "broken.ckpt"
    if content == "an empty folder":
        path.mkdir()
    else:
        torch.save([1, 2] if content == "a list" else {"callbacks": {"a": {"b": "c" * 2000}}}, path)
        whole = path.read_bytes()
        path.write_bytes({"garbage": b"garbage", "cut off": whole[: len(whole) // 2]}.get(content, whole))
    with pytest.warns(UserWarning, match=r"broken\.ckpt cannot be read .* none of which are deleted"):
        assert remove_weights(as_trainer(tmp_path), names) == set()
    assert len(list((tmp_path / "handoff").iterdir())) == 2
