"""Admission by several callbacks, over several refills: what is trained on, logged and observed is what was sampled."""

import pytest
import torch

from cogito_pl.data.draw_order import Mixture
from cogito_pl.modules import RolloutCallback
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import data, grpo, trainer

PROMPTS, GROUP = 4, 2


class Refuse(RolloutCallback):
    """Refuses the places `refused[k]` of the k-th rollout that it is asked about, counted from its last start."""

    def __init__(self, limit, *refused):
        self.refill_limit, self.refused, self.asked = limit, refused, []

    def on_rollout_start(self, trainer, module):
        self.asked = []

    def admit(self, trainer, module, rollout):
        refused = self.refused[len(self.asked)] if len(self.asked) < len(self.refused) else ()
        self.asked.append(rollout)
        return torch.tensor([place not in refused for place in range(len(rollout.problems))])


class Watch(RolloutCallback):
    """Gives every group another reward, and keeps what is trained on."""

    def on_rewards(self, trainer, module, rollout):
        rewards = [float(int(rollout.problems[row // GROUP].id[-1], 36)) + row % GROUP for row in range(len(rollout))]
        return rollout.with_rewards(torch.tensor(rewards))

    def on_rollout_end(self, trainer, module, rollout):
        self.rollout = rollout
        self.positions = dict(module.trainer.datamodule.draws.streams)


class Observing(Mixture):
    """The usual order, which notes what it observes."""

    def __init__(self, context):
        super().__init__(context)
        self.outcomes = []

    def observe(self, outcomes):
        self.outcomes += outcomes


@pytest.fixture(scope="module")
def finished(tiny_folder, playground_folder, tmp_path_factory):
    """The first gate refuses places 1 and 3, and then the first refill; the second, which never refills, place 2."""
    one, two, watch = Refuse(3, (1, 3), (0,)), Refuse(0, (2,)), Watch()
    schedule = RolloutSchedule(prompts=PROMPTS, group_size=GROUP, micro_batch=4)
    module = grpo(tiny_folder, schedule=schedule, sampling=SamplingConfig(max_tokens=6))
    run = trainer(tmp_path_factory.mktemp("admission"), watch, two, one)
    drawn = data(playground_folder, draw_order=Observing)
    run.fit(module, drawn)
    return watch.rollout, one.asked, run.callback_metrics, drawn


def test_a_place_is_refilled_until_all_callbacks_admit_its_group(finished):
    rollout, (first, second, third), _, _ = finished
    assert [len(asked.problems) for asked in (first, second, third)] == [4, 3, 1]
    assert second.draws == tuple(first.draws[place] for place in (1, 2, 3))
    assert third.draws == first.draws[1:2]
    trained = (first.texts[:GROUP], third.texts, second.texts[GROUP : 2 * GROUP], second.texts[2 * GROUP :])
    assert rollout.texts == tuple(text for texts in trained for text in texts)
    assert rollout.problems == (first.problems[0], third.problems[0], *second.problems[1:])
    assert rollout.counts.tolist() == [1] * 8


def test_what_was_sampled_is_logged_whether_or_not_it_is_trained_on(finished):
    _, sampled, logged, _ = finished
    assert logged["rollout/sampled"] == sum(map(len, sampled)) == 16
    assert logged["rollout/admitted"] == 1
    rewards = torch.cat([rollout.rewards for rollout in sampled])
    assert logged["reward/total"] == pytest.approx(rewards.double().mean().item())


def test_the_draw_order_observes_refills_by_their_own_problems_and_attempts(finished):
    _, sampled, _, drawn = finished
    outcomes = drawn.draws.streams[0].order.outcomes
    expected = [
        (attempt, draw, problem.id, rewards.mean().item())
        for attempt, rollout in enumerate(sampled)
        for draw, problem, rewards in zip(rollout.draws, rollout.problems, rollout.rewards.view(-1, GROUP), strict=True)
    ]
    seen = [(o.attempt, o.number, drawn.train_problems[o.index].id, o.reward) for o in outcomes]
    assert seen == expected
    assert len({(attempt, problem) for attempt, _, problem, _ in seen}) == len(seen)


def test_what_is_refused_to_the_last_is_not_trained_on(tiny_folder, playground_folder, tmp_path):
    watch, gate = Watch(), Refuse(1, (0, 2), (1,))
    schedule = RolloutSchedule(prompts=PROMPTS, group_size=GROUP, micro_batch=4)
    run = trainer(tmp_path, watch, gate)
    run.fit(grpo(tiny_folder, schedule=schedule, sampling=SamplingConfig(max_tokens=6)), data(playground_folder))
    assert watch.rollout.counts.tolist() == [1, 1, 1, 1, 0, 0, 1, 1]
    assert run.callback_metrics["rollout/admitted"] == 0.75


def test_a_group_that_is_sampled_for_other_ranks_counts_for_nobody(tiny_folder, playground_folder, tmp_path):
    """A rank without a place to refill compares one group all the same; callbacks see that it counts zero times."""
    seen = []

    class Counts(RolloutCallback):
        def on_rewards(self, trainer, module, rollout):
            seen.append(rollout.counts.tolist())
            return rollout

        def on_rollout_end(self, trainer, module, rollout):
            batch = trainer.datamodule.refill(rollout.draws[:1], 1)
            settings = module.settings(module.stage)
            module.collector.compared(batch, settings, 1, count=0)

    trainer(tmp_path, Counts()).fit(grpo(tiny_folder, sampling=SamplingConfig(max_tokens=4)), data(playground_folder))
    assert seen == [[1] * 8, [0] * 4]
