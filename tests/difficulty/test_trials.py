"""Trials survive kills, are never mixed between runs, and are all that a score needs."""

import json
import random

import pytest

from cogito_pl.difficulty import PISM, PassRate
from cogito_pl.difficulty.identity import trial_seed
from cogito_pl.difficulty.scorer import Task
from cogito_pl.difficulty.scores import rescore, score_rows
from cogito_pl.difficulty.trials import OtherTrialsError, Trial, TrialStore
from cogito_pl.difficulty.waves import next_wave, run_until_decided
from tests.conftest import problem

SETTINGS = {"weights": "abc", "hidden": PISM().trial_settings(), "seed": 1}
PROBLEMS = [problem("What?", (8, 8), seed=seed) for seed in range(9)]


class Crash(Exception):
    pass


class Oracle:
    """Answers trials from their seeds: the more is hidden, the less often they are correct."""

    def __init__(self, crash_after=None):
        self.set_aside, self.ran, self.crash_after = [], 0, crash_after

    def __call__(self, requests):
        trials = []
        for what, task in requests:
            if self.ran == self.crash_after:
                raise Crash
            self.ran += 1
            seed = trial_seed(1, what.id, task)
            skill = 1.2 - int(what.id[1:]) / 9 - task.ratio
            trials.append(
                Trial(
                    id=what.id, ratio=task.ratio, repeat=task.repeat, seed=seed,
                    correct=random.Random(seed).random() < skill, extracted="é", rule="x", tokens=3, finished=True,
                    images=1, problem=what.shown_digest(), expected=what.expected_digest(), response="so é",
                )
            )  # fmt: skip
        return trials


def scored(folder, scorer, oracle, rank=0, problems=PROBLEMS, **sizes):
    store = TrialStore(folder, SETTINGS, rank)
    try:
        run_until_decided(scorer, problems, store, oracle, **({"most": 16, "least": 12} | sizes))
    finally:
        store.close()
    return score_rows(scorer, store, [(p.id, 1) for p in problems], "s")


def trial(**fields):
    (one,) = Oracle()([(PROBLEMS[0], Task(0.3, 2))])
    return Trial(**(vars(one) | fields))


def test_a_seed_depends_on_run_problem_ratio_and_repeat():
    seeds = [
        trial_seed(run, name, Task(ratio, k)) for run in (1, 2) for name in "ab" for ratio in (0, 0.1) for k in (0, 1)
    ]
    assert len(set(seeds)) == 16
    assert trial_seed(1, "a", Task(0, 3)) == trial_seed(1, "a", Task(0.0, 3)) == 5722487706670211083


@pytest.mark.parametrize("scorer", [PISM(), PISM(repeats=5, threshold=0.5), PassRate()], ids=["pism", "half", "rate"])
def test_a_scoring_that_is_killed_anywhere_ends_with_the_scores_of_one_that_was_not(tmp_path, scorer):
    oracle = Oracle()
    expected = scored(tmp_path / "whole", scorer, oracle)
    chance = random.Random(7)
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        with pytest.raises(Crash):
            scored(folder, scorer, Oracle(crash_after=chance.randrange(oracle.ran // 2)), most=chance.choice((3, 16)))
        file = folder / "trials.rank0.jsonl"
        content = file.read_bytes()
        file.write_bytes(content[: chance.randrange(len(content) + 1)])  # and of the last line, half was written
        assert scored(folder, scorer, Oracle()) == expected


def test_ranks_share_their_trials_and_their_number_may_change(tmp_path):
    expected = scored(tmp_path / "one", PISM(), Oracle())
    for rank in range(3):
        scored(tmp_path / "three", PISM(), Oracle(), rank=rank, problems=PROBLEMS[rank::3])
    idle = Oracle()
    assert scored(tmp_path / "three", PISM(), idle) == expected
    assert idle.ran == 0


def test_wave_sizes_change_no_score_and_no_filling_means_nothing_in_vain():
    lone = Oracle()
    expected = scored(None, PISM(), lone, least=1)
    assert lone.ran == sum(sum(row["n_done"]) for row in expected)
    for most, least in ((1, 1), (7, 100), (500, 60)):
        assert scored(None, PISM(), Oracle(), most=most, least=least) == expected


def test_a_small_wave_is_filled_along_the_expected_path():
    correct, wrong = {Task(0.0, 0): True}, {Task(0.0, 0): False}
    assert next_wave(PISM(), {"a": (correct, 1)}, most=9, least=1) == [("a", Task(0.1, 0))]
    assert next_wave(PISM(), {"a": (correct, 1)}, most=9, least=3) == [("a", Task(t / 10, 0)) for t in (1, 2, 3)]
    assert next_wave(PISM(), {"a": (wrong, 1)}, most=9, least=3) == [("a", Task(0.0, k)) for k in (1, 2, 3)]
    both = next_wave(PISM(), {"a": (correct, 1), "b": (wrong, 1)}, most=9, least=4)
    assert both == [("a", Task(0.1, 0)), ("b", Task(0.0, 1)), ("a", Task(0.2, 0)), ("b", Task(0.0, 2))]
    assert len(next_wave(PISM(), {"a": (wrong, 1)}, most=9, least=50)) == 9  # no more than a wave holds


def test_thresholds_change_without_the_model(tmp_path):
    store = TrialStore(tmp_path, SETTINGS)
    tasks = [Task(ratio, repeat) for ratio in PISM().ratios for repeat in range(10)]
    store.append(Oracle()([(what, task) for what in PROBLEMS for task in tasks]))
    store.close()
    for other in (PISM(), PISM(threshold=0.5), PISM(repeats=4, threshold=0.3), PISM(ratios=(0.0, 0.5))):
        assert rescore(tmp_path, other, "s") == scored(None, other, Oracle())
    with pytest.raises(OtherTrialsError, match="rect"):
        rescore(tmp_path, PISM(operator="rect"))


def test_a_threshold_that_the_trials_leave_open_has_no_score(tmp_path):
    scored(tmp_path, PISM(), Oracle())
    stars = {row["id"]: row["lambda_star"] for row in rescore(tmp_path, PISM(threshold=0.3))}
    decided = {row["id"]: row["lambda_star"] for row in scored(None, PISM(threshold=0.3), Oracle())}
    assert None in stars.values()
    assert all(star in (None, decided[name]) for name, star in stars.items())


def test_trials_of_another_run_are_refused_with_what_differs(tmp_path):
    TrialStore(tmp_path, SETTINGS).close()
    with pytest.raises(OtherTrialsError, match="seed: 1 there, 2 now"):
        TrialStore(tmp_path, SETTINGS | {"seed": 2})
    (tmp_path / "settings.json").unlink()
    with pytest.raises(OtherTrialsError, match=r"without settings\.json"):
        TrialStore(tmp_path, SETTINGS)


def test_trials_of_a_problem_that_has_changed_since_are_refused(tmp_path):
    store = TrialStore(tmp_path, SETTINGS)
    store.append([trial()])
    store.check(PROBLEMS[0])
    with pytest.raises(OtherTrialsError, match=r"'p0'.*an image\."):
        store.check(problem("What else?", (8, 8), seed=0))
    store.close()


def test_what_was_appended_is_on_disk_at_once_and_a_torn_line_is_dropped(tmp_path):
    store = TrialStore(tmp_path, SETTINGS)
    store.append([trial(), trial(repeat=4, correct=True)])
    file = tmp_path / "trials.rank0.jsonl"
    assert [json.loads(line)["repeat"] for line in file.read_text().splitlines()] == [2, 4]
    store.close()
    with file.open("ab") as torn:
        torn.write(b'{"id": "p0", "rat')
    assert len(TrialStore.read(tmp_path, SETTINGS)) == 2  # reading repairs nothing
    assert file.read_bytes().endswith(b"rat")
    store = TrialStore(tmp_path, SETTINGS)
    store.append([trial(repeat=7)])
    store.close()
    assert [json.loads(line)["repeat"] for line in file.read_text().splitlines()] == [2, 4, 7]


def test_a_line_that_is_damaged_in_the_middle_is_an_error_with_its_number(tmp_path):
    store = TrialStore(tmp_path, SETTINGS)
    store.append([trial()])
    store.close()
    file = tmp_path / "trials.rank0.jsonl"
    file.write_bytes(b"{nonsense\n" + file.read_bytes())
    with pytest.raises(ValueError, match="line 1 is not JSON"):
        TrialStore(tmp_path, SETTINGS)


def test_two_processes_never_write_one_file(tmp_path):
    store = TrialStore(tmp_path, SETTINGS)
    with pytest.raises(BlockingIOError, match="another process"):
        TrialStore(tmp_path, SETTINGS)
    store.close()
    TrialStore(tmp_path, SETTINGS).close()
