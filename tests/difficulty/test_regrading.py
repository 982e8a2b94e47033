"""A changed rule grades the stored responses again; no response is sampled for it."""

import json
from dataclasses import replace

import pytest
import torch

from cogito_pl.difficulty import CMAB, PassRate
from cogito_pl.difficulty.identity import response_settings, rules_digest
from cogito_pl.difficulty.regrading import regrade
from cogito_pl.difficulty.scorer import Task
from cogito_pl.difficulty.scores import rescore
from cogito_pl.difficulty.trials import OtherTrialsError, Trial, TrialStore, open_to_append
from cogito_pl.rewards import GradeOptions, Reward, RewardConfig
from tests.conftest import problem

PROBLEMS = [replace(problem("How many?", (8, 8), seed=seed), answer=str(seed), kind="number") for seed in (3, 4)]
RESPONSES = ("<answer>3</answer>", "1 and 2 whence 3", "1 and 2 yielding 3", "no idea \ud83d")
SCORER = PassRate(repeats=4)
CORRECT_BY_MARKERS = {(): 1, ("whence",): 2, ("whence", "yielding"): 3}


def rewards(**config):
    return Reward(RewardConfig(workers=1, **config))


def marked(*markers):
    return rewards(grading=GradeOptions(markers=markers))


def settings(reward, **others):
    return {"weights": "abc", "hidden": {}, "grading": reward.grading_settings()} | others


def stored(folder, reward, problems=PROBLEMS):
    """A folder of trials whose verdicts are by `reward`."""
    store = TrialStore(folder, settings(reward))
    for what in problems:
        grades = reward.score(RESPONSES, [what] * 4).grades
        store.append(
            Trial(
                id=what.id, ratio=0.0, repeat=repeat, seed=repeat, correct=grade.correct, extracted=grade.extracted,
                rule=grade.rule, tokens=3, finished=True, images=1, problem=what.shown_digest(),
                expected=what.expected_digest(), response=response,
            )
            for repeat, (response, grade) in enumerate(zip(RESPONSES, grades, strict=True))
        )  # fmt: skip
    store.close()


def again(folder, reward, problems=PROBLEMS, scorer=SCORER):
    return regrade(folder, settings(reward), problems, reward, scorer)


def correct(folder, reward):
    store = TrialStore.read(folder, settings(reward))
    return [sum(store.outcomes(what.id).values()) for what in PROBLEMS]


def test_other_markers_change_the_verdicts_of_stored_responses_there_and_back(tmp_path):
    stored(tmp_path, marked())
    for markers in (("whence",), ("whence", "yielding"), ()):
        assert again(tmp_path, marked(*markers)) == 8
        assert again(tmp_path, marked(*markers)) == 0
        assert correct(tmp_path, marked(*markers)) == [CORRECT_BY_MARKERS[markers], 0]
        assert [row["n_ok"] for row in rescore(tmp_path, SCORER)] == [CORRECT_BY_MARKERS[markers], 0]
    lines = [json.loads(line) for line in (tmp_path / "trials.rank0.jsonl").read_text().splitlines()]
    assert [line["response"] for line in lines] == [*RESPONSES, *RESPONSES]
    assert lines[0]["extracted"] == "3"


@pytest.mark.parametrize(
    "config",
    [
        {"variant": "vl_cogito"},
        {"grading": GradeOptions(edit_distance=0.25)},
        {"grading": GradeOptions(decimals=1)},
        {"per_source": {"other": {"decimals": 2}}},
        {"deadline_s": 2.5},
    ],
)
def test_every_setting_that_verdicts_depend_on_is_in_the_rules(config):
    base, other = settings(rewards()), settings(rewards(**config))
    assert rules_digest(base) != rules_digest(other)
    assert response_settings(base) == response_settings(other)


def test_other_limits_of_boxes_are_other_rules():
    options = RewardConfig().boxes
    assert rules_digest(settings(rewards(boxes=replace(options, iou=0.7)))) != rules_digest(settings(rewards()))


def test_trials_of_older_rules_are_refused_until_they_are_graded_again(tmp_path):
    stored(tmp_path, marked())
    with pytest.raises(OtherTrialsError, match="grading"):
        TrialStore(tmp_path, settings(marked("yielding")))


def test_a_corrected_answer_grades_the_responses_to_its_problem_again(tmp_path):
    reward = marked("yielding", "whence")
    stored(tmp_path, reward)
    assert again(tmp_path, reward, [PROBLEMS[0], replace(PROBLEMS[1], answer="3")]) == 4
    assert correct(tmp_path, reward) == [3, 3]


def test_verdicts_on_problems_that_are_not_scored_now_do_not_count_under_other_rules(tmp_path):
    stored(tmp_path, marked())
    reward = marked("yielding", "whence")
    assert again(tmp_path, reward, PROBLEMS[1:]) == 4
    store = TrialStore.read(tmp_path, settings(reward))
    assert (store.outcomes(PROBLEMS[0].id), store.problems) == ({}, [PROBLEMS[1].id])
    assert again(tmp_path, reward) == 4  # the others', once they are
    assert correct(tmp_path, reward) == [3, 0]


def test_responses_to_another_question_under_the_same_id_keep_their_verdicts(tmp_path):
    stored(tmp_path, marked())
    reward, other = marked("yielding"), replace(PROBLEMS[0], question="<image>How few?")
    assert again(tmp_path, reward, [other]) == 0


def test_responses_of_another_model_are_not_graded(tmp_path):
    stored(tmp_path, marked())
    before = (tmp_path / "trials.rank0.jsonl").read_bytes()
    reward = marked("yielding")
    assert regrade(tmp_path, settings(reward, weights="other"), PROBLEMS, reward, SCORER) == 0
    assert (tmp_path / "trials.rank0.jsonl").read_bytes() == before
    assert json.loads((tmp_path / "settings.json").read_text())["weights"] == "abc"


def test_a_regrading_that_is_killed_between_files_is_finished_by_the_next(tmp_path, monkeypatch):
    stored(tmp_path, marked(), PROBLEMS[:1])
    store = TrialStore(tmp_path, settings(marked()), rank=1)
    store.append([Trial(**vars_of(PROBLEMS[1], response)) for response in RESPONSES[:1]])
    store.close()
    reward, calls = marked("yielding", "whence"), []

    class Killed(Exception):
        pass

    class Mortal:
        def score(self, *what):
            calls.append(what)
            if len(calls) == 2:
                raise Killed
            return reward.score(*what)

    with pytest.raises(Killed):
        regrade(tmp_path, settings(reward), PROBLEMS, Mortal(), SCORER)
    assert again(tmp_path, reward) == 1
    assert correct(tmp_path, reward)[0] == 3


def vars_of(what, response, **fields):
    return {
        "id": what.id, "ratio": 0.0, "repeat": 0, "seed": 1, "correct": False, "extracted": "", "rule": "none",
        "tokens": 3, "finished": True, "images": 1, "problem": what.shown_digest(),
        "expected": what.expected_digest(), "response": response,
    } | fields  # fmt: skip


def test_a_trial_that_is_correct_now_and_has_no_tensors_is_wanted_again(tmp_path):
    store, scorer = TrialStore(tmp_path, settings(marked())), CMAB(tries=3)
    first = Trial(**vars_of(PROBLEMS[0], RESPONSES[1]))  # correct by the marker only
    second = Trial(**vars_of(PROBLEMS[0], RESPONSES[0], repeat=1, correct=True, kept={"sums": torch.ones(1)}))
    store.append([first, second])
    store.close()
    reward = marked("whence")
    again(tmp_path, reward, scorer=scorer)
    outcomes = TrialStore.read(tmp_path, settings(reward)).outcomes(PROBLEMS[0].id)
    assert outcomes == {Task(0.0, 1): True}
    assert scorer.wanted(outcomes, 1) == [Task(0.0, 0)]


def test_trials_that_another_process_is_writing_are_not_graded(tmp_path):
    stored(tmp_path, marked())
    with open_to_append(tmp_path / "trials.rank0.jsonl"), pytest.raises(BlockingIOError, match="another process"):
        again(tmp_path, marked("yielding"))


def test_a_folder_without_trials_has_nothing_to_grade(tmp_path):
    assert again(tmp_path / "none", marked()) == 0
