"""Order, pruning, restarts and failures of a search, with fits that only pretend to train."""

import json
from pathlib import Path
from statistics import median

import pytest
import yaml
from rich.console import Console

from cogito_pl.experiments.ablation.arms import Arm
from cogito_pl.experiments.phases import SettingsError
from cogito_pl.experiments.record import OtherRunError
from cogito_pl.experiments.search.results import BEST, read_search
from cogito_pl.experiments.search.search import PRUNING
from cogito_pl.experiments.search.trials import Trials
from cogito_pl.report.search import TABLE, markdown, present_search
from tests.experiments.search.conftest import SPACE

LR = "model.optimizer.lr"


def table(search):
    present_search(search.run, Console(quiet=True))
    return (search.run / TABLE).read_text(), (search.run / BEST).read_text()


def rates(search):
    return [trial["settings"][LR] for trial in read_search(search.run)["trials"]]


def test_a_trial_is_a_fit_with_its_settings_and_the_best_is_an_overlay(pretend, make_search, go):
    search = make_search(trials=3, startup=3, seeds=(7,), arm=Arm(name="mine"))
    assert go(search)
    assert pretend.ran == [f"{n} seed7" for n in (1, 2, 3)]
    found = read_search(search.run)
    best = max(rates(search))
    assert found["best"]["settings"][LR] == best
    assert found["best"]["value"] == pytest.approx(8 * best + 7e-3)
    assert (found["arm"], found["seeds"], found["equal"]) == ("mine", [7], {"updates": 8, "completions_per_update": 32})
    overlay = yaml.safe_load((search.run / BEST).read_text())
    assert overlay["model"]["init_args"]["optimizer"] == {"init_args": {"lr": best}}
    fit = yaml.safe_load(Path("out/trials/2/seed7/config/fit.yaml").read_text())
    assert fit["seed_everything"] == 7
    assert fit["model"]["init_args"]["optimizer"]["init_args"] == {"lr": rates(search)[1], "betas": [0.9, 0.99]}
    assert fit["trainer"]["callbacks"][-1]["class_path"] == PRUNING
    sizes = [fit["model"]["init_args"]["schedule"][name] for name in ("prompts", "group_size")]
    assert " x ".join(map(str, sizes)) == found["trials"][1]["settings"]["sizes"]


def test_trials_below_the_median_are_stopped_and_the_table_says_so(pretend, make_search, go):
    search = make_search(trials=8, startup=3, seeds=(7,))
    assert go(search)
    trials = read_search(search.run)["trials"]
    states = [trial["state"] for trial in trials]
    assert states[:3] == ["done"] * 3
    assert "pruned" in states
    stopped = trials[states.index("pruned")]
    assert stopped["updates"] == 2
    before = [trial for trial in trials[: stopped["number"] - 1] if trial["state"] == "done"]
    assert stopped["settings"][LR] < median(trial["settings"][LR] for trial in before)
    assert all(trial["updates"] == 8 for trial in trials if trial["state"] == "done")
    text, _ = table(search)
    assert f"| {stopped['number']} (pruned) | {stopped['value']:.4g} | 2 |" in text
    assert f"{states.count('pruned')} pruned: after so many updates below the median" in text
    assert f"| {read_search(search.run)['best']['number']} (best) |" in text
    assert "8 trials of plain, 8 updates on 32 completions each; seed 7" in text


def test_a_trial_has_a_fit_for_every_seed_until_it_is_pruned(pretend, make_search, go):
    search = make_search(trials=7, startup=3, seeds=(7, 8))
    pretend.curve = lambda lr, step, seed: lr if seed == 8 else 10 * lr
    assert go(search)
    trials = read_search(search.run)["trials"]
    assert pretend.ran[:4] == ["1 seed7", "1 seed8", "2 seed7", "2 seed8"]
    assert trials[0]["value"] == pytest.approx(5.5 * trials[0]["settings"][LR])
    assert trials[0]["updates"] == 16
    pruned = [trial["number"] for trial in trials if trial["state"] == "pruned"]
    assert pruned
    assert f"{pruned[0]} seed8" not in pretend.ran


def test_a_search_that_is_killed_anywhere_goes_on_and_ends_with_the_same_table(pretend, make_search, go):
    undisturbed = make_search(run="in one go")
    go(undisturbed)
    expected, moments = table(undisturbed), pretend.events
    assert "pruned" in expected[0]
    for moment in range(3, moments, 6):
        pretend.events, pretend.stop_at = 0, moment
        search = make_search(run=f"killed {moment}")
        with pytest.raises(KeyboardInterrupt):
            go(search)
        pretend.stop_at = None
        assert go(search)
        assert table(search) == expected
    pretend.ran.clear()
    assert go(search)
    assert pretend.ran == []
    assert table(search) == expected


def test_more_trials_go_on_where_the_search_ended_and_are_those_of_a_longer_one(pretend, make_search, go):
    go(make_search(trials=3))
    go(short := make_search(trials=6))
    assert pretend.ran == [f"{n} seed101" for n in range(1, 7)]
    go(long := make_search(trials=6, run="long"))
    assert table(short) == table(long)


def test_a_kill_while_a_trial_is_added_or_ended_loses_nothing(pretend, make_search, go, monkeypatch):
    go(expected := make_search(run="in one go"))

    def killed(*_):
        raise KeyboardInterrupt

    search = make_search()
    for name in ("begin", "value", "finish"):
        with monkeypatch.context() as patch:
            patch.setattr(Trials, name, killed)
            with pytest.raises(KeyboardInterrupt):
                go(search)
    assert go(search)
    assert table(search) == table(expected)


def test_a_trial_that_fails_is_marked_the_others_run_and_the_next_start_tries_it_again(pretend, make_search, go):
    search = make_search(trials=4)
    pretend.errors = {"2 seed101": ValueError("no memory"), "3 seed101": SystemExit(2)}
    assert not go(search)
    found = read_search(search.run)
    assert [trial["state"] for trial in found["trials"]] == ["done", "failed", "failed", "done"]
    assert found["trials"][1]["error"] == "ValueError: no memory"
    assert "Trial 2 failed: `ValueError: no memory`" in markdown(found)
    assert "| 2 (failed) | - | - |" in markdown(found)
    assert "no memory" in (search.trial_folder(1) / "error.txt").read_text()
    pretend.errors.clear()
    pretend.ran.clear()
    assert go(search)
    assert pretend.ran == ["2 seed101", "3 seed101"]
    assert "error" not in read_search(search.run)["trials"][1]


def test_a_search_of_which_every_trial_fails_is_given_up(pretend, make_search, go):
    pretend.errors = {f"{n} seed101": ValueError("no memory") for n in range(1, 9)}
    with pytest.raises(SettingsError, match="all of 3 trials failed, the last by ValueError: no memory"):
        go(make_search())
    assert len(pretend.ran) == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), SystemExit()])
def test_a_request_to_stop_is_no_failure(error, pretend, make_search, go):
    search = make_search()
    pretend.errors = {"2 seed101": error}
    with pytest.raises(type(error)):
        go(search)
    assert not (search.trial_folder(1) / "error.txt").exists()


def test_fits_that_never_report_are_a_failure_that_names_the_remedy(pretend, make_search, go, monkeypatch):
    monkeypatch.setattr(pretend, "fit", lambda *_: None)
    with pytest.raises(SettingsError, match=r"no fit reported metric=val/accuracy.*check_val_every_n_epoch"):
        go(make_search())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seeds": (5,)}, "seeds was .101. and is now .5."),
        ({"space": {LR: {"low": 1.0e-5, "high": 1.0e-3}}}, "space was"),
        ({"startup": 4}, "startup was 2 and is now 4"),
        ({"sampler_seed": 4}, "sampler_seed was 0 and is now 4"),
        ({"metric": "val/other"}, "metric was"),
        ({"arm": "more.yaml"}, "with was"),
    ],
)
def test_a_folder_of_another_search_is_refused_with_the_remedy(change, what, pretend, make_search, go):
    go(make_search(trials=1))
    pretend.ran.clear()
    Path("more.yaml").write_text("{}")
    if "arm" in change:
        change = {"arm": Arm(name="plain", files=(Path("more.yaml"),))}
    with pytest.raises(OtherRunError, match=rf"out holds a search with other settings \(.*{what}.*choose another"):
        go(make_search(trials=1, **change))
    assert pretend.ran == []


def test_a_changed_recipe_is_another_search(pretend, make_search, go):
    go(make_search(trials=1))
    Path("r.yaml").write_text("trainer: {log_every_n_steps: 2}")
    with pytest.raises(OtherRunError, match="recipe was"):
        go(make_search(trials=1))


def test_a_folder_with_other_work_is_refused_and_left_alone(pretend, make_search, go):
    search = make_search()
    search.run.mkdir()
    (search.run / "thesis.tex").write_text("precious")
    with pytest.raises(OtherRunError, match="holds no search"):
        go(search)
    assert [file.name for file in search.run.iterdir()] == ["thesis.tex"]


def test_a_file_that_was_half_made_is_made_again(pretend, make_search, go):
    search = make_search(trials=1)
    search.run.mkdir()
    for end in ("", "-journal"):
        search.storage.with_name(f"{search.storage.name}.partial{end}").write_text("cut off by a kill")
    assert go(search)
    assert not list(search.run.glob("*.partial*"))


def test_the_start_of_a_seed_is_made_once_and_graded_never(pretend, make_search, go, monkeypatch):
    Path("s.yaml").write_text("{}")
    search = make_search(trials=2, start=(Path("s.yaml"),), prepare=("python -c 'pass' {folder}",))
    checked = []
    monkeypatch.setattr(type(search.study), "check", lambda self, arms, start: checked.append((pretend.ran[:], start)))
    assert go(search)
    assert pretend.ran == ["out seed101", "out seed101", "1 seed101", "2 seed101"]  # data, start, and two fits
    assert checked == [(["out seed101"], Path("out/seed101"))]  # between data and start
    assert not list(Path("out").glob("**/evaluate"))
    fit = yaml.safe_load(Path("out/trials/1/seed101/config/fit.yaml").read_text())
    assert fit["model"]["init_args"]["policy"]["init_from"] == "out/seed101/start/export"
    assert fit["data"]["train"] == [{"path": "out/seed101/data"}]


def test_weights_of_finished_trials_are_removed_and_their_costs_kept(pretend, make_search, go):
    search = make_search(trials=2)
    pretend.errors = {"2 seed101": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        go(search)
    pretend.errors.clear()
    go(search)
    assert list((search.trial_folder(1) / "seed101" / "fit").iterdir()) == []
    fit = search.trial_folder(0) / "seed101" / "fit"
    assert list(fit.iterdir()) == []
    record = json.loads((fit.parent / "progress.json").read_text())
    assert read_search(search.run)["trials"][0]["cost"]["cpu_s"] == record["spent"]["cpu_s"]


def test_progress_says_how_long_the_rest_will_take(pretend, make_search, capsys):
    from cogito_pl.experiments.search.drive import run_search

    run_search(make_search(trials=3, space={LR: SPACE[LR]}), Console(width=200))
    shown = capsys.readouterr().out
    assert "Trial 2 of 3 model.optimizer.lr=" in shown
    assert "so far, about 0:0" in shown
