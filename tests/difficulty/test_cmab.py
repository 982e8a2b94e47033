"""CMAB looks at the first correct response whatever else is scored, and its attention can be read without the model."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import torch

from callbacks import DifficultyWriter
from cogito_pl.data.scores import read_strata
from cogito_pl.data.strata import StrataConfig
from cogito_pl.difficulty import CMAB
from cogito_pl.difficulty.balance import VARIANTS, BalanceConfig, balance
from cogito_pl.difficulty.cmab import Screen
from cogito_pl.difficulty.generation import TrialRunner
from cogito_pl.difficulty.report import counts
from cogito_pl.difficulty.scorer import SCREENING, Task
from cogito_pl.difficulty.scores import rescore, score_rows
from cogito_pl.difficulty.trials import OtherTrialsError, TrialStore, kept_path, load_kept
from cogito_pl.difficulty.waves import run_until_decided
from cogito_pl.policy import Policy, PolicyConfig, SamplingConfig, token_sets
from cogito_pl.rewards import Grade
from cogito_pl.rewards.reward import RewardResult
from tests.modules.scoring import CoinVerdicts, score_data, score_module
from tests.modules.training import trainer
from tests.policy.test_log_probs import PROBLEMS


class LengthReward:
    """Calls a response correct when its length is divisible by three, as that of some samples is."""

    def score(self, responses, problems):
        grades = [Grade(len(text) % 3 == 0, 0.0, True, "", "length") for text in responses]
        return RewardResult([], {}, grades)


class NothingIsCorrect:
    def score(self, responses, problems):
        return RewardResult([], {}, [Grade(False, 0.0, True, "", "never") for _ in responses])


class EverythingIsCorrect:
    def score(self, responses, problems):
        return RewardResult([], {}, [Grade(True, 1.0, True, "", "always") for _ in responses])


@pytest.fixture(scope="module")
def policy(tiny_folder):
    return Policy(PolicyConfig(name=str(tiny_folder)))


def scored(policy, problems, store=None, *, scorer=None, reward=None, seed=0, **sizes):
    scorer, store = scorer or CMAB(tries=6), TrialStore(None, {}) if store is None else store
    runner = TrialRunner(
        policy=policy,
        reward=reward or LengthReward(),
        scorer=scorer,
        sampling=SamplingConfig(max_tokens=12),
        seed=seed,
        least=4,
        attempts=1,
        most_errors=0,
        filler=problems[0],
    )
    run_until_decided(scorer, problems, store, runner, **({"most": 6, "least": 4} | sizes))
    return score_rows(scorer, store, [(p.id, len(p.images)) for p in problems], ""), store


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


@pytest.fixture(scope="module")
def result(policy):
    return scored(policy, PROBLEMS)


def test_a_row_states_the_balance_of_the_first_correct_response(policy, result):
    rows, store = result
    assert any(row["solved"] for row in rows)
    for problem, row in zip(PROBLEMS, rows, strict=True):
        kept = store.kept(problem.id)
        if not row["solved"]:
            assert (row["n_ok"], row["n_done"], row["rho"], kept) == (0, 6, None, {})
            continue
        response = kept["response"]
        assert len(policy.encoder.decode(response.tolist())) % 3 == 0
        assert not any(store.outcomes(problem.id)[Task(0.0, place)] for place in range(row["n_done"] - 1))
        prompt = policy.encode(problem)
        sets = token_sets(policy.encoder, problem, prompt)
        assert torch.equal(kept["sums"], policy.attention(prompt, response, sets).sums)
        assert row["image_tokens"] == int((sets.of > 5).sum())
        assert row["image_tokens"] + row["text_tokens"] == len(prompt)
        assert row["response_tokens"] == len(response) == kept["sums"].shape[1]
        assert kept["sizes"].sum() == len(prompt) + len(response) - 1
        assert row["rho"] == row["rho_paper"] == balance(kept["sums"], kept["sizes"])
        assert row["rho_official"] is None  # the tiny model has no layer 20


def test_a_row_does_not_depend_on_other_problems_nor_on_what_is_drawn_side_by_side(policy, result):
    for sizes in ({"most": 1, "least": 1}, {"most": 64, "least": 24}):
        for problem, expected in zip(PROBLEMS, result[0], strict=True):
            (row,), _ = scored(policy, [problem], **sizes)
            assert row.keys() == expected.keys()
            for column, value in row.items():
                close = isinstance(value, float)
                assert value == (pytest.approx(expected[column], rel=1e-4) if close else expected[column]), column


def test_a_problem_that_is_never_solved_is_unsolved_after_all_tries(policy):
    (row,), _ = scored(policy, PROBLEMS[:1], reward=NothingIsCorrect())
    assert (row["solved"], row["n_ok"], row["n_done"]) == (False, 0, 6)
    assert row["rho"] is None
    assert counts([row], "rho") == [("unsolved", 1)]


@pytest.mark.parametrize(
    ("outcomes", "wanted", "solved", "done"),
    [
        ([], 0, None, 0),
        ([False], 1, None, 1),
        ([False, True], None, True, 2),
        ([False, True, False], None, True, 2),  # a further one was drawn beside it
        ([False, False, False], None, False, 3),
    ],
)
def test_tries_go_on_until_the_first_correct_one(outcomes, wanted, solved, done):
    known = {Task(0.0, place): outcome for place, outcome in enumerate(outcomes)}
    scorer = CMAB(tries=3)
    assert scorer.wanted(known, 1) == ([] if wanted is None else [Task(0.0, wanted)])
    assert scorer.score(known, 1) == {"solved": solved, "n_ok": int(bool(solved)), "n_done": done}


def test_what_is_kept_on_disk_gives_every_balance_again_without_the_model(policy, tmp_path, result):
    settings = {"hidden": CMAB().trial_settings()}
    rows, store = scored(policy, PROBLEMS, TrialStore(tmp_path, settings))
    store.close()
    assert rows == result[0]
    assert by_id(rescore(tmp_path, CMAB(tries=6))) == by_id(rows)
    other = rescore(tmp_path, CMAB(tries=6, balance=BalanceConfig(text="question")))
    assert [row["rho"] for row in by_id(other)] == [row["rho_question"] for row in by_id(rows)]
    rerun, store = scored(policy, PROBLEMS, TrialStore(tmp_path, settings), reward=NothingIsCorrect())
    assert rerun == rows  # nothing was drawn again
    store.close()


def test_predict_leaves_scores_that_strata_are_read_from(tiny_folder, playground_folder, tmp_path):
    path = tmp_path / "scores.parquet"
    data = score_data(playground_folder)
    scoring = trainer(tmp_path, CoinVerdicts(), DifficultyWriter(str(path)))
    scoring.predict(score_module(tiny_folder, CMAB(tries=3)), data)
    rows = pq.read_table(path).to_pylist()
    again = rescore(path.with_suffix(".trials"), CMAB(tries=3), data.predict_sources[0].label)
    scores = [{name: row[name] for name in again[0]} for row in rows]  # the file adds problem and stratum
    assert by_id(again) == by_id(scores)
    solved = [row["solved"] for row in rows]
    assert any(solved)
    assert not all(solved)
    (problems,) = data.predict_problems
    found = read_strata(StrataConfig(scorer="cmab", file=str(path), quantiles=(0.5, 0.5)), problems)
    assert [stratum != "unsolved" for stratum in found] == solved


def test_maps_are_kept_where_they_are_asked_for_and_change_no_score(policy, tmp_path, result):
    scorer = CMAB(tries=6, maps=True)
    settings = {"hidden": scorer.trial_settings()}
    rows, store = scored(policy, PROBLEMS, TrialStore(tmp_path, settings), scorer=scorer)
    assert rows == result[0]
    assert any(row["solved"] for row in rows)
    for problem, row in zip(PROBLEMS, rows, strict=True):
        if row["solved"]:
            kept, prompt = store.kept(problem.id), policy.encode(problem)
            sets = token_sets(policy.encoder, problem, prompt)
            found = policy.attention(prompt, kept["response"], sets)
            assert torch.equal(kept["maps"], found.maps)
            assert torch.equal(kept["heads"], found.heads)
            assert torch.equal(kept["of"].long(), sets.of)
            assert kept["grids"].prod(1).tolist() == sets.sizes(0)[6:].tolist()
            assert result[1].kept(problem.id).keys() == {"sums", "sizes", "response"}
    store.close()
    with pytest.raises(OtherTrialsError, match="attention and maps"):
        rescore(tmp_path, CMAB(tries=6))
    assert by_id(rescore(tmp_path, scorer)) == by_id(rows)


def test_the_size_of_maps_is_stated_and_is_that_on_disk(policy, tmp_path):
    scorer, solved = CMAB(tries=6, maps=True), [PROBLEMS[2], PROBLEMS[1]]
    assert CMAB().notice(policy, solved) == ""
    _, store = scored(policy, solved, TrialStore(tmp_path, {}), scorer=scorer, reward=EverythingIsCorrect())
    kept = [store.kept(problem.id) for problem in solved]
    store.close()
    size = sum(own[name].nbytes for own in kept for name in ("maps", "heads", "of"))
    assert f"keeps {size / 2**20:,.2f} MiB of maps for 2 problems" in scorer.notice(policy, solved)
    many = [replace(PROBLEMS[2], id=str(place)) for place in range(500)]
    one = sum(kept[0][name].nbytes for name in ("maps", "heads", "of"))
    assert f"keeps {500 * one / 2**20:,.2f} MiB of maps for 500 problems" in scorer.notice(policy, many)
    tokens, sets = 500 * len(policy.encode(PROBLEMS[2])), 500 * 8
    assert f"4 layers x ({tokens:,} prompt tokens + 4 heads x {sets:,} token sets)" in scorer.notice(policy, many)


def test_predict_states_the_size_of_maps_before_it_starts(tiny_folder, playground_folder, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("cogito_pl.modules.score.rank_zero_info", said.append)
    monkeypatch.setattr("cogito_pl.modules.score.run_until_decided", lambda *_, **__: said.append("trials"))
    scoring = trainer(tmp_path, CoinVerdicts())
    scoring.predict(score_module(tiny_folder, CMAB(tries=3, maps=True)), score_data(playground_folder, limit=4))
    assert "MiB of maps for 4 problems" in said[0]
    assert said[1] == "trials"
    said.clear()
    trainer(tmp_path, CoinVerdicts()).predict(score_module(tiny_folder, CMAB(tries=3)), score_data(playground_folder))
    assert "trials" in said
    assert not any("MiB" in line for line in said)


def test_a_file_of_another_trial_is_refused(policy, tmp_path):
    rows, store = scored(policy, PROBLEMS, TrialStore(tmp_path, {}))
    store.close()
    row = next(row for row in rows if row["solved"])
    task = Task(0.0, row["n_done"] - 1)
    assert load_kept(tmp_path, "../../other", task) == {}
    kept_path(tmp_path, row["id"], task).rename(kept_path(tmp_path, "../../other", task))
    with pytest.raises(ValueError, match="is of the trial"):
        load_kept(tmp_path, "../../other", task)
    assert {path.parent.name for path in tmp_path.rglob("*.safetensors")} == {"kept"}


def test_the_balance_s_setting_decides_the_score(policy, result):
    rows, _ = scored(policy, PROBLEMS, scorer=CMAB(tries=6, balance=BalanceConfig(per_token=True)))
    assert [row["rho"] for row in rows] == [row["rho_per_token"] for row in result[0]]
    assert rows[0].keys() == result[0][0].keys() >= {f"rho_{name}" for name in VARIANTS}


def test_another_seed_draws_other_responses(policy, result):
    rows, _ = scored(policy, PROBLEMS, seed=1)
    assert [row["rho"] for row in rows] != [row["rho"] for row in result[0]]


def test_a_sharded_policy_is_refused(policy):
    policy.ranks.in_step = True
    try:
        with pytest.raises(ValueError, match="not with FSDP2"):
            CMAB().keep(policy, PROBLEMS[0], torch.tensor([5]))
    finally:
        policy.ranks.in_step = False


def test_no_tries_are_refused():
    with pytest.raises(ValueError, match="tries=0"):
        CMAB(tries=0)


def test_many_values_are_counted_in_ranges_and_the_unsolved_apart_from_the_undecided():
    rows = [{"rho": 0.3 + place / 10, "solved": True} for place in range(20)]
    rows += [{"rho": None, "solved": False}, {"rho": None, "solved": None}]
    assert counts(rows, "rho") == [
        ("0.2 to 0.5", 2),
        ("0.5 to 1", 5),
        ("1 to 2", 10),
        ("2 to 5", 3),
        ("unsolved", 1),
        ("undecided", 1),
    ]


SCREEN = Screen(tries=3, sampling=SamplingConfig(max_tokens=2))


@pytest.mark.parametrize(
    ("screened", "tried", "wanted", "row"),
    [
        ([], [], SCREENING, (None, 0, 0)),
        ([False], [], SCREENING + 1, (None, 1, 1)),
        ([False] * 3, [], None, (False, 3, 3)),
        ([False] * 3, [True], None, (False, 3, 3)),  # of a run without a screen
        ([False, True], [], 0, (None, 2, 2)),
        ([False, True, True], [False], 1, (None, 3, 2)),
        ([True], [False, True], None, (True, 3, 1)),
        ([True], [False, False], None, (False, 3, 1)),
    ],
)
def test_tries_are_spent_only_on_problems_that_pass_the_screen(screened, tried, wanted, row):
    outcomes = {Task(0.0, SCREENING + place): outcome for place, outcome in enumerate(screened)}
    outcomes |= {Task(0.0, place): outcome for place, outcome in enumerate(tried)}
    scorer = CMAB(tries=2, screen=SCREEN)
    assert scorer.wanted(outcomes, 1) == ([] if wanted is None else [Task(0.0, wanted)])
    score = scorer.score(outcomes, 1)
    assert (score["solved"], score["n_done"], score["n_screened"]) == row
    assert score["n_ok"] == int(bool(score["solved"]))


def test_a_screen_is_sampled_by_its_own_settings_and_changes_no_try(policy, result):
    rows, store = scored(policy, PROBLEMS, scorer=CMAB(tries=6, screen=SCREEN), least=1)
    passed = [row for row in rows if row["n_screened"] < row["n_done"]]
    assert 0 < len(passed) < len(rows)
    for row, plain in zip(rows, result[0], strict=True):
        if row in passed:
            assert row["n_done"] - row["n_screened"] == plain["n_done"]
            assert row["rho"] == pytest.approx(plain["rho"], rel=1e-4) if plain["solved"] else row["rho"] is None
        else:
            assert (row["solved"], row["rho"], store.kept(row["id"])) == (False, None, {})


def test_the_settings_of_a_screen_are_those_of_the_paper_and_belong_to_trials():
    screen = Screen()
    assert (screen.tries, screen.sampling.max_tokens, screen.sampling.temperature) == (10, 1024, 0.7)
    own, other = CMAB(screen=screen), CMAB(screen=Screen(sampling=SamplingConfig(max_tokens=9)))
    assert own.trial_settings() != other.trial_settings() != CMAB().trial_settings()
    assert own.trial_settings() == CMAB(screen=Screen(tries=4)).trial_settings()
    assert own.settings() != CMAB(screen=Screen(tries=4)).settings()
    assert own.settings() != CMAB().settings()
    with pytest.raises(ValueError, match=r"screen\.tries=0.*at least 1"):
        Screen(tries=0)


def test_screening_responses_leave_no_attention(policy, tmp_path):
    scorer = CMAB(tries=2, screen=SCREEN)
    rows, store = scored(policy, PROBLEMS, TrialStore(tmp_path, {}), scorer=scorer, reward=EverythingIsCorrect())
    store.close()
    assert all(row["solved"] and row["n_done"] == 2 for row in rows)
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept >= {kept_path(tmp_path, what.id, Task(0.0, 0)).name for what in PROBLEMS}
    assert kept.isdisjoint(kept_path(tmp_path, what.id, Task(0.0, SCREENING)).name for what in PROBLEMS)
