"""Speeds by a clock that the test winds: the time of a rollout is no time of training."""

from types import SimpleNamespace

import pytest
import torch

import callbacks.throughput as throughput
from callbacks import Throughput
from cogito_pl.modules.metrics import Metrics


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def perf_counter(self):
        return self.now

    def process_time(self):
        return self.now / 4


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(throughput, "time", clock)
    return clock


def step(callback, module, clock, *, rollout_s, train_s, batches=2):
    """One optimiser step of two micro-batches, a rollout before the first."""
    trainer = SimpleNamespace(accumulate_grad_batches=batches)
    for batch in range(batches):
        if rollout_s and batch == 0:
            callback.on_rollout_start(trainer, module)
            clock.now += rollout_s
            module.tokens["rollout"] += 600
            callback.on_rollout_end(trainer, module, None)
        clock.now += train_s / batches
        module.tokens["train"] += 500
        callback.on_train_batch_end(trainer, module, None, None, batch)
    return module.metrics.pop(torch.device("cpu"))


def test_every_step_has_the_speeds_of_its_own_rollout_and_of_the_rest(clock):
    callback = Throughput()
    module = SimpleNamespace(tokens={"rollout": 77, "train": 99}, metrics=Metrics())
    callback.on_train_epoch_start(None, module)
    first = step(callback, module, clock, rollout_s=6, train_s=4)
    assert first["speed/step_s"] == pytest.approx(10)
    assert first["speed/step_cpu_s"] == pytest.approx(2.5)
    assert first["speed/rollout_tokens_per_s"] == pytest.approx(600 / 6)
    assert first["speed/train_tokens_per_s"] == pytest.approx(1000 / 4)
    second = step(callback, module, clock, rollout_s=0, train_s=5)  # a further update on the same rollout
    assert second["speed/step_s"] == pytest.approx(5)
    assert second["speed/train_tokens_per_s"] == pytest.approx(1000 / 5)
    assert "speed/rollout_tokens_per_s" not in second
    clock.now += 50  # a validation between two epochs
    callback.on_train_epoch_start(None, module)
    third = step(callback, module, clock, rollout_s=3, train_s=2)
    assert third["speed/step_s"] == pytest.approx(5)
    assert third["speed/rollout_tokens_per_s"] == pytest.approx(600 / 3)
