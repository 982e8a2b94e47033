"""What a collected rollout is: what callbacks may change, what counts, what is stored, what a resumed run repeats."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from cogito_pl.data.draw_order import DrawOrder
from cogito_pl.modules import RolloutCallback
from cogito_pl.modules.collector import with_frozen_log_probs
from cogito_pl.policy import SamplingConfig
from cogito_pl.rl.losses import LossConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import Recorder, TokenSumReward, data, grpo, trainer, weights
from tests.rl.rollouts import graded


class Change(RolloutCallback):
    """Returns whatever `change` makes of a rollout."""

    def __init__(self, change):
        self.change = change

    def on_advantages(self, trainer, module, rollout):
        return self.change(rollout)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: replace(r, completions=r.completions.flip(0), mask=r.mask.flip(0)), "returned other completions"),
        (lambda r: r.select([1, 0]), "returned other problems"),
        (lambda r: r.select([0]), "returned other problems"),
        (lambda r: replace(r, prompts=r.prompts[::-1]), "returned other prompts"),
        (lambda r: replace(r, problems=r.problems[:1]), "expected .* leave groups out by `counted` or `admit`"),
    ],
    ids=["rows swapped", "prompts swapped", "prompt dropped", "encoded prompts swapped", "a field cut"],
)
def test_a_callback_that_moves_rows_or_prompts_is_refused(tiny_folder, playground_folder, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        trainer(tmp_path, Change(change)).fit(grpo(tiny_folder), data(playground_folder))


def test_rows_counted_twice_or_not_at_all_train_as_copies_and_gaps_do(tiny_folder, playground_folder, tmp_path):
    """Two groups counted 2 and 0 times against the first group alone, by any of the denominators."""
    for aggregation in ("dapo", "grpo", "dr_grpo"):
        ends = []
        for counts in ([2] * 4 + [0] * 4, [1] * 4 + [0] * 4):
            module = grpo(tiny_folder, lr=1.0, loss=LossConfig(aggregation=aggregation, kl_coef=0.1))
            change = Change(lambda rollout, counts=counts: rollout.counted(torch.tensor(counts)))
            trainer(tmp_path, TokenSumReward(), change).fit(module, data(playground_folder))
            ends.append(weights(module))
        for name, value in ends[0].items():
            torch.testing.assert_close(value, ends[1][name], atol=1e-6, rtol=0)


def test_counts_decide_the_size_of_every_update_apart(tiny_folder, playground_folder, tmp_path):
    module = grpo(tiny_folder, schedule=RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=2))
    counts, sizes = torch.tensor([3, 0, 1, 1, 0, 0, 0, 2]), []

    class Watch(RolloutCallback):
        def on_train_batch_end(self, trainer, module, *_):
            if module.collected is not None:
                sizes.append(([int(s.sequences) for s in module.collected.sizes], module.collected))

    change = Change(lambda rollout: rollout.counted(counts))
    trainer(tmp_path, TokenSumReward(), change, Watch()).fit(module, data(playground_folder))
    (sequences, collected), *_ = sizes
    assert sequences == [5, 2]
    lengths = collected.rollout.lengths * counts
    assert [int(size.tokens) for size in collected.sizes] == [int(lengths[:4].sum()), int(lengths[4:].sum())]


def test_training_on_first_halves_is_the_step_on_completions_cut_there(tiny_folder, playground_folder, tmp_path):
    """On-policy, the gradient of `dapo` is that of -A log p, summed over trained tokens and divided by their number."""
    kept = []

    def half(rollout):
        places = torch.arange(rollout.mask.shape[1])
        kept.append(replace(rollout, trained=rollout.mask & (places < (rollout.lengths[:, None] + 1) // 2)))
        return kept[-1]

    module, fresh = grpo(tiny_folder, lr=1.0), grpo(tiny_folder)
    trainer(tmp_path, TokenSumReward(), Change(half)).fit(module, data(playground_folder))
    fresh.configure_model()
    (rollout,), policy = kept, fresh.policy
    prompts = [rollout.prompts[row // rollout.group_size] for row in range(len(rollout))]
    log_probs = policy.log_probs(prompts, rollout.completions, rollout.trained).values
    (-(rollout.advantages[:, None] * log_probs).sum() / rollout.trained.sum()).backward()
    assert any(parameter.grad.abs().max() > 1e-3 for parameter in policy.parameters())
    for name, parameter in policy.named_parameters():
        expected = parameter.detach() - parameter.grad
        torch.testing.assert_close(module.policy.get_parameter(name).detach(), expected, atol=1e-5, rtol=0)


def test_log_probs_that_a_rollout_has_already_are_kept(tiny_folder, playground_folder, tmp_path):
    kept = []

    class Watch(RolloutCallback):
        def on_rollout_end(self, trainer, module, rollout):
            kept.append(rollout.old_log_probs)

    schedule = RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=4)
    change = Change(lambda rollout: replace(rollout, old_log_probs=rollout.sampled_log_probs))
    trainer(tmp_path, TokenSumReward(), change, Watch()).fit(
        grpo(tiny_folder, schedule=schedule), data(playground_folder)
    )
    trainer(tmp_path, TokenSumReward(), Watch()).fit(grpo(tiny_folder, schedule=schedule), data(playground_folder))
    stored, computed = kept
    assert not torch.equal(stored, computed)  # the sampler's own, not a second forward's
    torch.testing.assert_close(stored, computed, atol=1e-5, rtol=0)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_sampled_log_probs_are_those_of_training_at_the_temperature(
    tiny_folder, playground_folder, tmp_path, temperature
):
    class Watch(RolloutCallback):
        def on_rollout_end(self, trainer, module, rollout):
            again = module.policy.log_probs(
                [rollout.prompts[row // 4] for row in range(len(rollout))],
                rollout.completions,
                rollout.mask,
                temperature=temperature,
            ).values
            self.difference = (again - rollout.sampled_log_probs).abs().max()

    watch = Watch()
    module = grpo(tiny_folder, sampling=SamplingConfig(max_tokens=24, temperature=temperature))
    trainer(tmp_path, watch).fit(module, data(playground_folder))
    assert float(watch.difference) < 1e-5


class Lowest(DrawOrder):
    """Draws the problem with the lowest mean reward seen; unseen ones first."""

    def __init__(self, context):
        self.rewards = {index: -1.0 for index in context.pools[0].indices}
        self.seen = []

    def __call__(self, number):
        index = min(self.rewards, key=lambda index: (self.rewards[index], index))
        self.rewards[index] = 100.0  # not again in this rollout
        return index

    def observe(self, outcomes):
        self.seen.append([(outcome.number, outcome.index) for outcome in outcomes])
        self.rewards |= {outcome.index: outcome.reward for outcome in outcomes}

    def state_dict(self):
        return {"rewards": dict(self.rewards)}

    def load_state_dict(self, state):
        self.rewards = dict(state["rewards"])


class Gate(RolloutCallback):
    """Admits groups with an even sum of tokens, and tries twice."""

    refill_limit = 2

    def admit(self, trainer, module, rollout):
        sums = (rollout.completions * rollout.mask).sum(1).view(-1, rollout.group_size).sum(1)
        return sums % 2 == 0


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_a_run_that_observes_and_refills_resumes_with_the_same_prompts_and_from_a_boundary_with_the_same_weights(
    tiny_folder, playground_folder, tmp_path, cut
):
    def run(resume=None):
        recorder = Recorder()
        saved = ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=1, save_top_k=-1)
        schedule = RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=4)
        fit = trainer(tmp_path, TokenSumReward(), Gate(), recorder, saved)
        module = grpo(tiny_folder, lr=0.1, schedule=schedule)
        fit.fit(module, data(playground_folder, rollouts_per_epoch=3, draw_order=Lowest), ckpt_path=resume)
        return recorder, weights(module)

    whole, end = run()
    rest, again = run(resume=tmp_path / f"step={cut}.ckpt")
    of_prompts = [rollout[:3] for rollout in whole.rollouts]
    boundary = cut % 2 == 0
    first = cut // 2
    if boundary:
        assert rest.rollouts == whole.rollouts[first:]
        assert all(torch.equal(value, again[name]) for name, value in end.items())
    else:
        drawn = [rollout[1] for rollout in rest.rollouts]
        assert drawn == [rollout[1] for rollout in of_prompts[first:]]


def test_the_draw_order_observes_every_rollout_once_with_the_problems_that_were_drawn(
    tiny_folder, playground_folder, tmp_path
):
    recorder, module, drawn = (
        Recorder(),
        grpo(tiny_folder),
        data(playground_folder, rollouts_per_epoch=3, draw_order=Lowest),
    )
    trainer(tmp_path, TokenSumReward(), recorder).fit(module, drawn)
    seen = drawn.draws.streams[0].order.seen
    ids = [[drawn.train_problems[index].id for _, index in outcomes] for outcomes in seen]
    assert ids == [rollout[2] for rollout in recorder.rollouts]


def test_ranks_agree_on_their_forwards_before_any_of_them_forwards_and_the_others_fill_up():
    """Three micro-batches of two rows here and four on the busiest rank, with old and reference log-probs."""
    calls, rollout = [], graded([0, 1] * 4, group_size=4, lengths=[2] * 8)

    def forwards(prompts, completions, mask, **_):
        calls.append("forward")
        return SimpleNamespace(values=torch.zeros(mask.shape))

    most = lambda count: calls.append("agreed") or count + 1  # noqa: E731
    policy = SimpleNamespace(ranks=SimpleNamespace(most=most), log_probs=forwards, zero=lambda: calls.append("filler"))
    reference = SimpleNamespace(live=True, log_probs=lambda *a, **k: forwards(*a).values, offload=lambda: None)
    schedule = RolloutSchedule(prompts=2, group_size=4, updates=2, micro_batch=2)
    reached = torch.tensor([True, True, False, True, True, False, True, False])
    with_frozen_log_probs(rollout, policy, reference, reached=reached, schedule=schedule, temperature=1.0)
    assert calls == ["agreed", *["forward"] * 6, *["filler"] * 2]
