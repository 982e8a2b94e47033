"""Trials survive kills, are never mixed between runs, and are all that a score needs."""

import json
import random
from dataclasses import replace

import pytest

from cogito_pl.difficulty import CMAB, PISM, PassRate
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
        self.set_aside, self.ran, self.crash_after, self.waves = [], 0, crash_after, []

    def __call__(self, requests):
        trials = []
        self.waves.append([(what.id, task) for what, task in requests])
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


def test_wave_sizes_change_no_score_and_without_filling_no_masked_trial_is_run_in_vain():
    lone = Oracle()
    expected = scored(None, PISM(), lone, least=1)
    masked = [task for wave in lone.waves for _, task in wave if task.ratio]
    assert len(masked) == sum(sum(row["n_done"][1:]) for row in expected)
    for most, least in ((1, 1), (7, 100), (500, 60)):
        assert scored(None, PISM(), Oracle(), most=most, least=least) == expected


class Failing(Oracle):
    """Solves nothing, but some problems at one repeat of the whole image."""

    def __init__(self, solved_at=None):
        super().__init__()
        self.solved_at = solved_at or {}

    def __call__(self, requests):
        return [replace(t, correct=self.solved_at.get(t.id) == t.repeat) for t in super().__call__(requests)]

    def prefills(self, name):
        """Readings of a problem's whole image: one for all of a wave."""
        return sum(any(one == name and task.ratio == 0 for one, task in wave) for wave in self.waves)


def test_the_prompt_of_an_unsolved_problem_is_read_twice():
    oracle = Failing()
    scored(None, PISM(), oracle, most=16, least=1)
    assert [oracle.prefills(what.id) for what in PROBLEMS] == [2] * 9
    assert max(map(len, oracle.waves)) <= 16  # and no group is cut by the end of a wave
    assert oracle.ran == 9 * 10


def test_a_prompt_is_read_once_where_the_first_trial_is_correct_and_twice_where_a_later_one_is():
    oracle = Failing(solved_at={"p0": 0, "p1": 4, "p2": 1})
    scored(None, PISM(ratios=(0.0,)), oracle, most=40, least=1)
    assert [oracle.prefills(name) for name in ("p0", "p1", "p2", "p3")] == [1, 2, 2, 2]
    assert len(oracle.waves[0]) == 9


def test_many_tries_are_asked_for_ten_at_a_time():
    oracle = Failing(solved_at={"p0": 13})
    scored(None, CMAB(tries=50), oracle, problems=PROBLEMS[:1], most=64, least=1)
    assert [len(wave) for wave in oracle.waves] == [1, 10, 10]


def test_trials_that_are_needed_anyway_are_asked_for_together_however_many():
    oracle = Failing()
    scored(None, PassRate(repeats=30), oracle, problems=PROBLEMS[:1], most=64, least=1)
    assert [len(wave) for wave in oracle.waves] == [30]


def test_a_masked_miss_asks_for_no_more_than_is_needed():
    known = {"a": ({Task(0.0, 0): True, Task(0.1, 0): False}, 1)}
    assert next_wave(PISM(), known, most=9, least=1) == [("a", Task(0.1, 1))]


def test_a_small_wave_is_filled_along_the_expected_path():
    correct = {Task(0.0, 0): True}
    wrong = correct | {Task(0.1, 0): False}
    assert next_wave(PISM(), {"a": (correct, 1)}, most=9, least=1) == [("a", Task(0.1, 0))]
    assert next_wave(PISM(), {"a": (correct, 1)}, most=9, least=3) == [("a", Task(t / 10, 0)) for t in (1, 2, 3)]
    assert next_wave(PISM(), {"a": (wrong, 1)}, most=9, least=3) == [("a", Task(0.1, k)) for k in (1, 2, 3)]
    both = next_wave(PISM(), {"a": (correct, 1), "b": (wrong, 1)}, most=9, least=4)
    assert both == [("a", Task(0.1, 0)), ("b", Task(0.1, 1)), ("a", Task(0.2, 0)), ("b", Task(0.1, 2))]
    assert len(next_wave(PISM(), {"a": (wrong, 1)}, most=6, least=50)) == 6  # no more than a wave holds


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
