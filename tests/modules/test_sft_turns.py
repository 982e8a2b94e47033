"""SFT on conversations: which responses the loss is of, and rows that are too long."""

import json

import pytest
import torch

from cogito_pl.data.datamodule import ReasoningDataModule
from cogito_pl.data.reading.reader import TooManyRejected
from cogito_pl.data.source import Source
from cogito_pl.policy import Policy, PolicyConfig
from cogito_pl.policy.prompt_encoder import asked
from cogito_pl.rl.schedule import RolloutSchedule
from tests.modules.training import sft, trainer

TEXTS = [("1 + 1 ?", "2"), ("And one more ?", "<think>2 1 more</think>3"), ("Twice that ?", "It is 6 then.")]


@pytest.fixture
def chats(tmp_path):
    """Four conversations of one to three turns, and a last one that is far longer."""
    rows = []
    for count in (1, 2, 3, 3):
        said = [message for pair in TEXTS[:count] for message in zip(("user", "assistant"), pair, strict=True)]
        rows.append({"messages": [{"role": role, "content": text} for role, text in said], "answer": "6"})
    rows.append({"messages": [{"role": "user", "content": "Say"}, {"role": "assistant", "content": "6 " * 400}]})
    path = tmp_path / "chats.jsonl"
    path.write_text("".join(json.dumps({"answer": "6", **row}) + "\n" for row in rows))
    return Source(path=str(path), format="messages", kind="number")


def fit(tiny, source, folder, limit=0.3, **settings):
    run, data = trainer(folder), ReasoningDataModule(train=[source], rollouts_per_epoch=1, rejection_limit=limit)
    module = sft(tiny, lr=0.0, schedule=RolloutSchedule(prompts=4, group_size=1, micro_batch=2), **settings)
    run.fit(module, data)
    return run, data


@pytest.mark.parametrize("turns", ["last", "all"])
def test_the_loss_is_the_mean_over_the_tokens_of_the_responses_that_are_asked_for(tiny_folder, chats, tmp_path, turns):
    run, data = fit(tiny_folder, chats, tmp_path, turns=turns, max_sequence_tokens=300)
    policy = Policy(PolicyConfig(name=str(tiny_folder)))
    values, counts = [], []
    for problem in data.train_problems:
        ids, spoken = policy.encoder.encode_response(problem, turns)
        mask = torch.ones(1, len(ids), dtype=torch.bool)
        found = policy.log_probs([policy.encode(asked(problem, turns))], ids[None], mask).values[0]
        values.append(found[spoken].detach())
        counts.append(int(spoken.sum()))
    assert float(run.callback_metrics["sft/loss"]) == pytest.approx(-float(torch.cat(values).mean()), rel=1e-5)
    assert float(run.callback_metrics["sft/length_tokens"]) == sum(counts) / 4
    said = [pair[1] for pair in TEXTS]
    trained = said[:1] + said[:2] + said[:3] * 2 if turns == "all" else [said[0], said[1], said[2], said[2]]
    assert sum(counts) == sum(len(policy.encoder.encode_completion(text)) for text in trained)


def test_rows_over_the_limit_are_dropped_whole_and_counted(tiny_folder, chats, tmp_path, caplog, monkeypatch):
    logged = []
    monkeypatch.setattr("cogito_pl.data.datamodule.rank_zero_info", logged.append)
    _, data = fit(tiny_folder, chats, tmp_path, max_sequence_tokens=300)
    assert len(data.train_problems) == 4
    (rejection,) = data.rejections
    assert rejection.row == 5
    assert rejection.reason.endswith("more than max_sequence_tokens=300")
    assert "4 of 5 rows are used, 1 rejected" in logged[0]
    assert "row 5: prompt and response have 413 tokens" in logged[0]
    _, data = fit(tiny_folder, chats, tmp_path)
    assert len(data.train_problems) == 5


def test_too_many_rows_over_the_limit_stop_the_run_as_other_rejections_do(tiny_folder, chats, tmp_path):
    with pytest.raises(TooManyRejected, match=r"1 of 5 rows were rejected \(20.0%\).*\n.*max_sequence_tokens=300"):
        fit(tiny_folder, chats, tmp_path, limit=0.1, max_sequence_tokens=300)


def test_a_limit_that_leaves_no_room_is_refused(tiny_folder):
    with pytest.raises(ValueError, match=r"model\.init_args\.max_sequence_tokens=1 leaves no room"):
        sft(tiny_folder, max_sequence_tokens=1)
