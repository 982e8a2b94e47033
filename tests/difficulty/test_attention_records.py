"""Attention of any problem and model: what is captured, what trials keep, and what is made of both."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from cogito_pl.data.reading.reader import read_source
from cogito_pl.data.source import Source
from cogito_pl.difficulty import CMAB
from cogito_pl.difficulty.attention_records import (
    attend,
    focus_on,
    kept_records,
    made_by,
    records_of,
    with_id,
    word_places,
    wrong_records,
)
from cogito_pl.difficulty.scoring import run_trials
from cogito_pl.difficulty.trials import OtherTrialsError
from cogito_pl.playground.tiny import save_tiny
from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig, token_sets
from cogito_pl.rewards import Grade, RewardResult
from tests.conftest import noise_image
from tests.modules.scoring import Coin
from tests.policy.test_log_probs import PROBLEMS, completions

SAMPLING = SamplingConfig(max_tokens=8)


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """Problems of a JSON Lines file with image paths, some with two images."""
    folder = tmp_path_factory.mktemp("drawings")
    sizes = [((84, 56),), ((56, 84), (56, 56)), ((140, 56),), ((56, 56), (84, 84)), ((112, 112),)]
    rows = []
    for place, own in enumerate(sizes):
        names = [f"{place}_{number}.png" for number in range(len(own))]
        for name, size in zip(names, own, strict=True):
            noise_image(*size, seed=place).load().save(folder / name)
        question = f"{'<image>' * len(own)}How many in row {place}?"
        rows.append({"key": f"row{place}", "q": question, "a": str(place), "pics": names})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"question": "q", "answer": "a", "images": "pics", "id": "key"}
    source = Source(path=str(folder / "rows.jsonl"), kind="number", columns=replace(Source(path="").columns, **columns))
    return read_source(source).problems


def trials(policy, problems, folder, **settings):
    scorer = CMAB(tries=6, **settings)
    run_trials(scorer, problems, policy=policy, reward=Coin(), sampling=SAMPLING, seed=0, folder=folder)
    return folder


@pytest.fixture(scope="module")
def folder(policy, drawings, tmp_path_factory):
    return trials(policy, drawings, tmp_path_factory.mktemp("trials"), maps=True)


def test_a_problem_of_own_data_is_found_by_its_id_and_its_attention_captured(policy, drawings):
    problem = with_id(drawings, "row3")
    response = completions(policy, [7])[0][0]
    record = attend(policy, problem, response, correct=False)
    found = policy.attention(
        policy.encode(problem), response, sets := token_sets(policy.encoder, problem, policy.encode(problem))
    )
    assert torch.equal(record.sums, found.sums)
    assert (record.id, record.correct, record.grids) == ("row3", False, ((2, 2), (3, 3)))
    torch.testing.assert_close(record.image_share(), found.sums[..., 6] + found.sums[..., 7])
    torch.testing.assert_close(record.head_share().mean(1), record.image_share().mean(1))
    first, second = record.image_maps()
    assert (first.shape, second.shape) == ((2, 2), (3, 3))
    assert torch.equal(second.flatten(), found.maps.mean(0)[sets.of == 7])
    assert with_id([record], "row3") is record
    with pytest.raises(ValueError, match="'row9'; the first of 5 are row0, row1"):
        with_id(drawings, "row9")


def test_sinks_in_the_image_are_left_out_of_relative_attention(policy, drawings):
    response = completions(policy, [7])[0][0]
    plain = attend(policy, drawings[2], response, sink_share=0.99)
    assert plain.sinks.sum() == 1  # position 0
    weights = plain.maps.mean(0)
    strongest = int(weights.masked_fill(plain.of < 6, 0).argmax())
    record = attend(policy, drawings[2], response, sink_share=float(weights[strongest]) * 0.999)
    assert record.sinks[strongest]
    assert torch.equal(record.sums, plain.sums)
    (shown,), (relative,) = record.image_maps(), record.image_maps(relative=True)
    gone = record.sinks[record.of == 6].view(shown.shape)
    assert gone.any()
    assert relative[gone].isnan().all()
    torch.testing.assert_close(relative[~gone], shown[~gone] / (1 - weights[record.sinks].sum()))
    torch.testing.assert_close(plain.image_share(relative=True), plain.sums[..., 6] / (1 - plain.sums[..., 0]))
    prompt = policy.encode(drawings[2])
    sets = token_sets(policy.encoder, drawings[2], prompt).with_sinks(record.sinks)
    sums = policy.attention(prompt, response, sets).sums
    torch.testing.assert_close(record.image_share(relative=True), sums[..., 6] / (1 - sums[..., 0]))


def test_the_map_of_some_tokens_is_the_mean_of_their_maps(policy, drawings):
    record = attend(policy, drawings[1], completions(policy, [7])[0][0])
    alone = [focus_on(policy, record, [place]) for place in range(7)]
    torch.testing.assert_close(focus_on(policy, record, [1, 4]).maps, (alone[1].maps + alone[4].maps) / 2)
    torch.testing.assert_close(torch.stack([one.maps for one in alone]).mean(0), record.maps)
    shares = torch.stack([one.head_share().mean(1) for one in alone], 1)
    torch.testing.assert_close(shares, record.image_share())
    assert torch.equal(alone[0].sums, record.sums)


def test_trials_with_maps_give_the_same_record_without_the_model(policy, drawings, folder):
    kept = kept_records(folder, drawings, policy.encoder)
    assert kept
    for record in kept:
        again = attend(policy, record.problem, record.response, correct=True, sink_share=0.99)
        for name in ("sums", "relative", "sizes", "maps", "heads", "of", "sinks"):
            assert torch.equal(getattr(record, name), getattr(again, name)), name
        assert (record.grids, record.tokens, record.correct) == (again.grids, again.tokens, True)
    alone = kept_records(folder)
    assert {record.id for record in alone} == {record.id for record in kept}
    assert alone[0].problem is None
    assert alone[0].tokens[:2] == ("1", "2")


def test_trials_without_maps_have_shares_and_say_what_is_missing(policy, drawings, tmp_path):
    record = kept_records(trials(policy, drawings, tmp_path / "plain"), drawings)[0]
    assert record.image_share().shape == record.sums.shape[:2]
    with pytest.raises(ValueError, match="without maps; score with"):
        record.image_maps()
    with pytest.raises(ValueError, match="without heads"):
        record.head_share()


def test_wrong_responses_are_captured_from_their_text(policy, drawings, folder):
    rows = [json.loads(line) for line in (folder / "trials.rank0.jsonl").read_text().splitlines()]
    wrong = {row["id"]: row for row in reversed(rows) if not row["correct"] and row["response"]}
    found = wrong_records(policy, folder, drawings)
    assert found
    assert {record.id for record in found} <= wrong.keys()
    for record in found:
        assert record.correct is False
        ids = policy.encoder.encode_completion(wrong[record.id]["response"])
        assert record.response.tolist() == (ids if wrong[record.id]["finished"] else ids[:-1]).tolist()


def test_another_model_than_that_of_the_trials_captures_nothing(policy, drawings, folder, tmp_path):
    correct, wrong = records_of(folder, policy, drawings)
    assert made_by(folder, policy)
    assert wrong
    assert correct[0].tokens == kept_records(folder, drawings, policy.encoder)[0].tokens
    save_tiny(tmp_path / "other", seed=1)
    other = Policy(PolicyConfig(name=str(tmp_path / "other")))
    assert not made_by(folder, other)
    kept, none = records_of(folder, other, drawings)
    assert none == []
    assert torch.equal(kept[0].sums, correct[0].sums)
    assert kept[0].tokens[0] == "1"


def test_trials_of_other_problems_or_without_attention_are_refused(drawings, folder, tmp_path):
    with pytest.raises(OtherTrialsError, match="the data have changed"):
        kept_records(folder, [replace(drawings[0], question="<image>Another?")])
    assert kept_records(folder, PROBLEMS[:1]) == []
    for kept in (shutil.copytree(folder, tmp_path / "copy") / "kept").iterdir():
        kept.unlink()
    with pytest.raises(ValueError, match="holds no attention of"):
        kept_records(tmp_path / "copy", drawings)


def test_a_model_that_solves_nothing_has_wrong_responses_to_look_at(policy, drawings, tmp_path):
    class Strict(Coin):
        def score(self, texts, problems):
            return RewardResult([], {}, [Grade(False, 0.0, True, "", "never") for _ in texts])

    run = {"policy": policy, "reward": Strict(), "sampling": SAMPLING, "seed": 0, "folder": tmp_path / "trials"}
    run_trials(CMAB(tries=2), drawings, **run)
    correct, wrong = records_of(tmp_path / "trials", policy, drawings)
    assert correct == []
    assert [record.id for record in wrong] == [problem.id for problem in drawings]
    with pytest.raises(ValueError, match="nothing was solved"):
        records_of(tmp_path / "trials", policy, None)


def test_trials_that_are_there_are_not_run_again(policy, drawings, folder):
    before = (folder / "trials.rank0.jsonl").read_text()

    class Refuses(Coin):
        def score(self, texts, problems):
            raise AssertionError("a trial was run")

    scorer = CMAB(tries=6, maps=True)
    run_trials(scorer, drawings, policy=policy, reward=Refuses(), sampling=SAMPLING, seed=0, folder=folder)
    assert (folder / "trials.rank0.jsonl").read_text() == before


def test_words_are_tokens_up_to_the_next_space(policy, drawings):
    record = replace(attend(policy, drawings[0], torch.tensor([5])), tokens=("a", "1", " green", " y", "es", "end"))
    assert word_places(record) == [("a1", [0, 1]), ("green", [2]), ("yes", [3, 4]), ("end", [5])]
