"""A cold start on text alone: vision tower and projector stay bit for bit what they were, on one process and on two."""

import json

import pytest
import torch
from transformers import AutoModelForImageTextToText

from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.source import Source
from cogito_pl.policy import PolicyConfig
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.test_ranks import assert_same, run
from tests.modules.training import sft, trainer, weights

FREEZE = ("vision", "projector")


@pytest.fixture
def sums(tmp_path):
    """Written solutions of sums, from short to long, without a column of images."""
    rows = [
        {"question": f"{a} + {a} =", "answer": str(2 * a), "kind": "number", "solution": f"{a} more. " * a + f"{2 * a}"}
        for a in range(1, 9)
    ]
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def vision(state):
    return {name: value for name, value in state.items() if ".visual." in name}


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_tower_and_projector_are_bit_identical_after_text_under_weight_decay(tiny_folder, sums, tmp_path, layout):
    module = sft(
        tiny_folder,
        policy=PolicyConfig(name=str(tiny_folder), freeze=FREEZE, layout=layout),
        schedule=RolloutSchedule(prompts=4, group_size=1, micro_batch=2),
        optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.5),
    )
    trainer(tmp_path).fit(module, ReasoningDataModule(train=[Source(path=str(sums))], rollouts_per_epoch=2))
    before = AutoModelForImageTextToText.from_pretrained(tiny_folder).state_dict()
    after = weights(module)
    assert len(vision(before)) > 20
    assert all(torch.equal(value, before[name]) for name, value in vision(after).items())
    text = [name for name in after if name not in vision(after)]
    assert all(not torch.equal(after[name], before[name]) for name in text)
    assert module.policy.features.forwards == 0


def test_the_layouts_of_a_cold_start_take_the_same_step(tiny_folder, sums, tmp_path):
    ends = []
    for layout in ("auto", "packed"):
        policy = PolicyConfig(name=str(tiny_folder), freeze=FREEZE, layout=layout)
        module = sft(tiny_folder, policy=policy, schedule=RolloutSchedule(prompts=8, group_size=1, micro_batch=8))
        trainer(tmp_path).fit(module, ReasoningDataModule(train=[Source(path=str(sums))], rollouts_per_epoch=1))
        ends.append(weights(module))
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, atol=1e-6, rtol=0)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_a_cold_start_on_two_ranks_is_that_of_one_and_leaves_the_tower_alone(tiny_folder, sums, tmp_path, strategy):
    policy = {"name": str(tiny_folder), "freeze": list(FREEZE), "layout": "packed", "new_tokens": ["<plan>"]}

    def go(name, strategy):
        decay = {"class_path": "torch.optim.SGD", "init_args": {"lr": 1.0, "weight_decay": 0.1}}
        settings = {"policy": policy, "optimizer": decay, "max_sequence_tokens": 64}
        return run(tmp_path / name, tiny_folder, sums, strategy, "SFTModule", part=None, **settings)

    one, two = go("one", "one"), go("two", strategy)
    assert_same(one, two)
    before = AutoModelForImageTextToText.from_pretrained(tiny_folder).state_dict()
    for _, _, end in (one, two):
        frozen = vision(end)
        assert len(frozen) > 20
        assert all(torch.equal(value, before[name.removeprefix("policy.model.")]) for name, value in frozen.items())
