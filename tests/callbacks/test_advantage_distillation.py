"""Prioritised advantage distillation as a callback: candidates, what is logged, what ranks and a resumed run share."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from callbacks import PrioritizedAdvantageDistillation
from cogito_pl.modules.metrics import Metrics
from cogito_pl.rl.distillation import rule_of
from cogito_pl.rl.schedule import RolloutSchedule
from tests.rl.rollouts import graded


class Bench:
    """As much of a run as the callback touches: 5 rollouts of 2 updates each, with what it reports."""

    def __init__(self, callback, strategy=None, rank=0):
        strategy = strategy or SingleDeviceStrategy()
        data = SimpleNamespace(rollouts_before=lambda epoch: 5 * epoch)
        self.trainer = SimpleNamespace(
            strategy=strategy, global_rank=rank, global_step=0, max_steps=-1, max_epochs=1, datamodule=data
        )
        schedule = RolloutSchedule(prompts=4, group_size=2, updates=2, micro_batch=1)
        self.module = SimpleNamespace(metrics=Metrics(), seed=17, schedule=schedule)
        self.callback = callback
        callback.setup(self.trainer, self.module, "fit")

    def __call__(self, rollout):
        return self.callback.on_admitted(self.trainer, self.module, rollout)

    @property
    def logged(self):
        return self.module.metrics.pop(torch.device("cpu"))


def rollout(advantages, correct=None, group_size=2):
    made = graded(correct or [1, 0] * (len(advantages) // 2), group_size, lengths=[3] * len(advantages))
    return replace(made, advantages=torch.tensor(advantages))


SIZES = [1.0, -1.0, 0.0, 0.0, 0.5, -0.5, 2.0, -2.0]


def test_half_of_the_rollout_is_drawn_from_rows_with_an_advantage_and_logged():
    bench = Bench(PrioritizedAdvantageDistillation())
    given = rollout(SIZES)
    after = bench(given)
    drawn = after.counts.bool()
    assert sorted(after.counts.tolist()) == [0] * 4 + [1] * 4
    assert not drawn[2:4].any()
    assert torch.equal(after.advantages, given.advantages)
    logged = bench.logged
    assert logged.pop("pad/advantage") == pytest.approx(given.advantages[drawn].mean().item())
    expected = {"effective": 6, "selected": 4, "distinct": 4, "empty": 0, "temperature": 1.0}
    assert logged == {f"pad/{name}": value for name, value in expected.items()} | {"applied/pad": 0.5}


def test_the_released_code_draws_rows_of_moderate_advantages_several_times():
    bench = Bench(PrioritizedAdvantageDistillation(variant="official"))
    counts = bench(rollout(SIZES)).counts
    assert counts.sum() == 12
    assert counts[4:6].sum() == 12  # 1 and 2 are beyond 0.97
    logged = bench.logged
    assert (logged["pad/selected"], logged["pad/distinct"], logged["applied/pad"]) == (12, 2, 1.0)
    assert logged["pad/advantage"] == pytest.approx((0.5 * counts[4] - 0.5 * counts[5]).item() / 12)


def test_groups_of_one_verdict_are_left_out_where_only_mixed_groups_are_wanted():
    """The first group is all correct and the last all wrong; a reward for style told their rows apart."""
    given = rollout(SIZES, correct=[1, 1, 1, 0, 1, 0, 0, 0])
    for settings, drawn in (({}, 6), ({"mixed_groups_only": True}, 2)):
        bench = Bench(PrioritizedAdvantageDistillation(mode="filter_only", **settings))
        counts = bench(given).counts.tolist()
        assert sum(counts) == drawn
        assert bench.logged["pad/effective"] == drawn
    assert counts == [0, 0, 0, 0, 1, 1, 0, 0]


def test_rows_that_count_zero_times_are_no_candidates_and_those_that_count_twice_stay_doubled():
    given = rollout([1.0, -1.0, 0.5, -0.5, 0.5, -0.5, 2.0, -2.0]).counted(torch.tensor([0, 0, 0, 0, 2, 1, 2, 1]))
    bench = Bench(PrioritizedAdvantageDistillation(mode="filter_only"))
    assert bench(given).counts.tolist() == [0, 0, 0, 0, 2, 1, 2, 1]
    assert bench.logged["applied/pad"] == 0
    bench = Bench(PrioritizedAdvantageDistillation(share=0.75))
    counts = bench(given).counts
    assert counts[:4].sum() == 0
    assert bench.logged["pad/selected"] == 3  # of four candidates
    assert sorted((counts[4:] / torch.tensor([2, 1, 2, 1])).tolist()) == [0, 1, 1, 1]


def test_nothing_counts_where_no_advantage_is_large_enough():
    bench = Bench(PrioritizedAdvantageDistillation(low=0.6))
    assert bench(rollout([0.5, -0.5] * 4)).counts.tolist() == [0] * 8
    logged = bench.logged
    assert (logged["pad/empty"], logged["pad/selected"], logged["applied/pad"]) == (1, 0, 1)
    assert "pad/advantage" not in logged


def test_off_only_logs():
    bench = Bench(PrioritizedAdvantageDistillation(mode="off"))
    given = rollout(SIZES)
    assert torch.equal(bench(given).counts, given.counts)
    assert bench.logged["pad/effective"] == 6


@pytest.mark.parametrize(("step", "temperature"), [(0, 2.0), (1, 2.0), (4, 1.5), (8, 1.0), (11, 1.0)])
def test_the_temperature_follows_the_rollouts_of_the_run_by_optimiser_steps(step, temperature):
    bench = Bench(PrioritizedAdvantageDistillation(temperature=2.0, final_temperature=1.0))
    bench.trainer.global_step = step  # rollout 0, 0, 2, 4 and one that came later
    bench(rollout(SIZES))
    assert bench.logged["pad/temperature"] == pytest.approx(temperature)


def test_a_run_that_ends_by_steps_cools_to_its_end():
    bench = Bench(PrioritizedAdvantageDistillation())
    bench.trainer.max_steps, bench.trainer.global_step = 5, 4  # 3 rollouts, of which this is the last
    bench(rollout(SIZES))
    assert bench.logged["pad/temperature"] == pytest.approx(0.3)


def test_a_colder_softmax_takes_the_largest_advantages():
    taken = {}
    for temperature in (0.01, 100.0):
        bench = Bench(
            PrioritizedAdvantageDistillation(temperature=temperature, final_temperature=temperature, share=0.25)
        )
        taken[temperature] = sum(bench(rollout(SIZES)).counts[6:].sum() for _ in range(20)) / 40
    assert taken[0.01] == 1
    assert taken[100.0] < 0.6


def test_the_generator_goes_on_where_the_checkpoint_was_written_and_follows_the_seed():
    def draws(bench, rounds):
        return [bench(rollout(SIZES)).counts.tolist() for _ in range(rounds)]

    first = Bench(PrioritizedAdvantageDistillation())
    whole = draws(first, 2)
    state = first.callback.state_dict()
    rest = draws(first, 4)
    resumed = Bench(PrioritizedAdvantageDistillation())
    resumed.callback.load_state_dict(state)
    assert draws(resumed, 4) == rest
    assert draws(Bench(PrioritizedAdvantageDistillation()), 6) == whole + rest
    other = Bench(PrioritizedAdvantageDistillation())
    other.module.seed = 18
    other.callback.setup(other.trainer, other.module, "fit")
    assert draws(other, 6) != whole + rest


def of_rank(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    rows = slice(4 * rank, 4 * rank + 4)
    counts = []
    for settings in SETTINGS:
        bench = Bench(PrioritizedAdvantageDistillation(**settings), DDPStrategy(accelerator="cpu"), rank)
        whole = rollout(SIZES, correct=CORRECT)
        for _ in range(3):
            own = replace(rollout(SIZES[rows], CORRECT[rows]), counts=whole.counts[rows])
            counts.append(bench(own).counts.tolist())
    (Path(folder) / f"rank{rank}.json").write_text(json.dumps(counts))
    dist.destroy_process_group()


CORRECT = [1, 0, 1, 1, 1, 0, 1, 0]
SETTINGS = [{}, {"variant": "official", "high": 3.0}, {"mode": "random"}, {"mixed_groups_only": True, "share": 0.25}]


def test_two_ranks_draw_the_rows_that_one_rank_draws(tmp_path):
    mp.start_processes(of_rank, args=(str(tmp_path),), nprocs=2, start_method="fork")
    one = []
    for settings in SETTINGS:
        bench = Bench(PrioritizedAdvantageDistillation(**settings))
        one += [bench(rollout(SIZES, correct=CORRECT)).counts.tolist() for _ in range(3)]
    halves = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    assert [first + second for first, second in zip(*halves, strict=True)] == one
    assert any(sum(first) != sum(second) for first, second in zip(*halves, strict=True))


def test_every_setting_reaches_the_rule():
    settings = {
        "mode": "random", "low": 0.1, "high": 0.7, "strict": True, "share": 0.3, "replacement": True, "alpha": 2.0,
        "temperature": 0.9, "final_temperature": 0.2,
    }  # fmt: skip
    for variant in ("paper", "official"):
        assert PrioritizedAdvantageDistillation(variant, **settings).rule == rule_of(variant, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": -1.0}, r"PrioritizedAdvantageDistillation\.share=-1\.0 draws nothing"),
        ({"mode": "ful"}, r"PrioritizedAdvantageDistillation\.mode='ful' is unknown"),
        ({"variant": "code"}, r"PrioritizedAdvantageDistillation\.variant='code' is unknown"),
    ],
)
def test_settings_are_refused_under_the_name_of_the_callback(settings, message):
    with pytest.raises(ValueError, match=message):
        PrioritizedAdvantageDistillation(**settings)
