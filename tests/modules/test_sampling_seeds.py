"""What a completion's seed is made of: each request is seen as an engine gets it."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from cogito_pl.modules import RolloutCallback
from cogito_pl.policy import LiveEngine, SamplingConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import data, grpo, trainer


class Overheard(LiveEngine):
    """Notes the seeds of every call, group by group."""

    calls: ClassVar[list[list[int]]] = []

    def generate(self, requests):
        self.calls.append([request.seed for request in requests])
        return super().generate(requests)


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.setattr(Overheard, "calls", [])
    return Overheard.calls


class RefuseAll(RolloutCallback):
    """Admits nothing, and tries twice."""

    refill_limit = 2

    def admit(self, trainer, module, rollout):
        return rollout.rewards.new_zeros(len(rollout.problems), dtype=bool)


def run(folder, tiny, problems, *callbacks, subset=None, **settings):
    schedule = RolloutSchedule(prompts=2, group_size=4, micro_batch=8)
    module = grpo(tiny, lr=0.0, schedule=schedule, sampling=SamplingConfig(max_tokens=2), engine=Overheard, **settings)
    few = data(problems, rollouts_per_epoch=3)
    few.train_sources = tuple(replace(source, limit=subset) for source in few.train_sources)
    trainer(folder, *callbacks).fit(module, few)
    return module


@pytest.mark.parametrize("callbacks", [(), (RefuseAll(),)], ids=["rollouts", "refills"])
def test_no_two_completions_of_a_run_share_a_seed(heard, tiny_folder, playground_folder, tmp_path, callbacks):
    """Two problems are drawn three times each, and in refills again: by draw, attempt, problem and place."""
    run(tmp_path, tiny_folder, playground_folder, *callbacks, subset=2)
    seeds = [seed for call in heard for seed in call]
    assert len(seeds) == 3 * 8 * (3 if callbacks else 1)
    assert len(set(seeds)) == len(seeds)


def test_another_seed_of_the_run_is_another_seed_of_every_completion(heard, tiny_folder, playground_folder, tmp_path):
    for seed in (1, 2):
        run(tmp_path, tiny_folder, playground_folder, seed=seed)
    first, second = heard[:3], heard[3:]
    assert not {seed for call in first for seed in call} & {seed for call in second for seed in call}


def test_another_stream_samples_other_completions_of_the_same_prompts(heard, tiny_folder, playground_folder, tmp_path):
    draws = []
    for stream in (0, 0, 1):
        keep = Keep()
        few = data(playground_folder, rollouts_per_epoch=3)
        sampling = SamplingConfig(max_tokens=2, stream=stream)
        trainer(tmp_path / str(len(draws)), keep).fit(grpo(tiny_folder, engine=Overheard, sampling=sampling), few)
        draws.append([problem.id for rollout in keep.rollouts for problem in rollout.problems])
    assert draws[0] == draws[1] == draws[2]
    count = len(heard) // 3
    assert heard[:count] == heard[count : 2 * count]
    assert not {seed for call in heard[:count] for seed in call} & {
        seed for call in heard[2 * count :] for seed in call
    }


class Keep(RolloutCallback):
    """Keeps the rollouts."""

    def __init__(self):
        self.rollouts = []

    def on_rollout_end(self, trainer, module, rollout):
        self.rollouts.append(rollout)


@dataclass
class Known:
    """As much of a batch as is sampled."""

    draws: tuple[int, ...]
    problems: tuple


def test_draw_problem_place_and_purpose_decide_a_seed(heard, tiny_folder, playground_folder, tmp_path):
    module = run(tmp_path, tiny_folder, playground_folder)
    one, other, *_ = module.trainer.datamodule.train_problems
    short = SamplingConfig(max_tokens=1)
    asked = [((0, one), "training"), ((0, other), "training"), ((1, one), "training"), ((0, one), "validation")]
    heard.clear()
    for (draw, problem), purpose in asked:
        module.graded(Known((draw,), (problem,)), short, 2, purpose)
    again = module.graded(Known((0,), (one,)), short, 2, "training")
    assert len(again) == 2
    assert heard[-1] == heard[0]
    assert len({seed for call in heard for seed in call}) == 2 * len(asked)
