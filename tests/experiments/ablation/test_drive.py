"""Order, restarts and failures of the runner, with commands that only pretend to train."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from rich.console import Console

from cogito_pl.experiments import phases as running
from cogito_pl.experiments.ablation import drive as driving
from cogito_pl.experiments.ablation import results as summing
from cogito_pl.experiments.ablation.drive import ablate as run_ablation
from cogito_pl.experiments.ablation.results import FILE, read_results
from cogito_pl.experiments.graded import read_samples
from cogito_pl.experiments.intervals import mean_interval
from cogito_pl.experiments.phases import SettingsError
from cogito_pl.experiments.power import smallest_difference
from cogito_pl.experiments.record import FILE as RECORD
from cogito_pl.experiments.record import OtherRunError
from cogito_pl.report import ablation as report
from cogito_pl.report.ablation import present
from tests.experiments.ablation.results import graded
from tests.experiments.ablation.studies import PretendStudy
from tests.experiments.ablation.test_fairness import config

VERDICTS = {"sft": "+---", "plain": "++--", "a": "+++-", "b": "-++-"}


class Pretender:
    """Runs no command: notes whose phase it is, and leaves what the phase would leave."""

    def __init__(self):
        self.ran, self.errors = [], {}
        self.steps = {"grpo": 40}

    def configurations(self, ablation, arm):
        """Those of a recipe, where the overlay of an arm may name scores: `strata` stands for the run's own."""
        scores = ablation.study.scores(ablation.folder(ablation.seeds[0]))
        strata = scores if any("strata" in file.read_text() for file in arm.files) else None
        first = [config(max_epochs=1, group_size=1)] if arm.sft_first else []
        last = config(max_epochs=3 if first else 4)
        return [*first, last | {"data": last["data"] | {"strata": {"file": str(strata)} if strata else None}}]

    def __call__(self, phase, arguments):
        seed = next(part for part in phase.folder.parts if part.startswith("seed"))
        arm = phase.folder.parts[phase.folder.parts.index("arms") + 1] if "arms" in phase.folder.parts else "sft"
        key = f"{seed} {arm} {phase.name}"
        if key in self.errors:
            raise self.errors[key]
        if key not in self.ran[-1:]:
            self.ran.append(key)
        phase.artefact.parent.mkdir(parents=True, exist_ok=True)
        phase.artefact.write_text("{}")
        if phase.name in self.steps:
            (phase.folder / "checkpoints").mkdir(exist_ok=True)
            torch.save({"global_step": self.steps[phase.name]}, phase.folder / "checkpoints" / "last.ckpt")
        if phase.name.startswith("evaluate"):
            rows = graded(VERDICTS.get(f"{seed} {arm}", VERDICTS[arm]))
            phase.artefact.write_text("".join(json.dumps(row) + "\n" for row in rows[::-1]))


@pytest.fixture
def pretend(monkeypatch):
    pretender = Pretender()
    monkeypatch.setattr(running, "run_command", pretender)
    monkeypatch.setattr(driving, "fit_configurations", pretender.configurations)
    monkeypatch.setattr(report, "draw_figure", lambda result, path: path.write_text("drawn"))
    return pretender


def ablate(ablation):
    return run_ablation(ablation, Console())


def without_seconds(value):
    """The values of `ablation.json` that a run repeats exactly."""
    if isinstance(value, dict):
        return {key: without_seconds(own) for key, own in value.items() if key not in ("cost", "cpu_s")}
    return value


def test_every_arm_runs_after_the_start_of_its_seed(pretend, make_ablation):
    ablation = make_ablation(seeds=[1, 2], a="{}")
    assert ablate(ablation)
    one = ["sft data", "sft sft", "sft evaluate-sft", "plain grpo", "plain evaluate-grpo", "a grpo", "a evaluate-grpo"]
    assert pretend.ran == [f"seed{seed} {phase}" for seed in (1, 2) for phase in one]
    result = read_results(ablation.run)
    assert result["start"]["accuracy"] == 0.25
    assert result["arms"]["a"]["difference"]["won"] == 2
    assert result["arms"]["a"]["seeds"]["2"]["updates"] == {"grpo": 40}
    record = json.loads((ablation.arm(ablation.arms[-1], 2).folder / RECORD).read_text())
    assert result["arms"]["a"]["seeds"]["2"]["cost"] == record["phases"]["grpo"]
    assert result["arms"]["a"]["overlays"][0]["text"] == "{}"
    assert result["arms"]["a"]["seeds"]["2"]["evaluation"] == "seed2/arms/a/evaluate-grpo"
    assert result["start"]["seeds"]["1"]["by_family"]["count"]["n"] == 2


def test_the_table_and_the_figure_are_made_from_the_results(pretend, make_ablation, capsys):
    ablation = make_ablation(seeds=[1, 2], a="{}")
    pretend.errors["seed1 a grpo"] = ValueError("lr=-1 is negative")
    ablate(ablation)
    present(ablation.run, Console(width=200))
    assert "a (1 of 2 failed)" in (ablation.run / "ablation.md").read_text()
    assert (ablation.run / "ablation.png").read_text() == "drawn"
    assert "75.0 [" in capsys.readouterr().out


def test_what_is_done_is_not_run_again_and_gives_the_same_file(pretend, make_ablation):
    ablation = make_ablation(a="{}")
    ablate(ablation)
    before = (ablation.run / FILE).read_bytes()
    pretend.ran.clear()
    assert ablate(ablation)
    assert pretend.ran == []
    assert (ablation.run / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (KeyboardInterrupt(), "seed1 sft sft"),
        (SystemExit(1), "seed1 a grpo"),  # how Lightning ends an interrupted fit
        (SystemExit(), "seed2 plain evaluate-grpo"),  # and one that a cluster ends
    ],
)
def test_a_stopped_ablation_goes_on_and_ends_with_the_same_table(error, place, pretend, make_ablation):
    make = {"seeds": [1, 2], "a": "{}"}
    ablate(make_ablation(run="in one go", **make))
    in_one_go, expected = pretend.ran[:], read_results(make_ablation(run="in one go", **make).run)
    pretend.ran.clear()
    ablation = make_ablation(**make)
    pretend.errors[place] = error
    with pytest.raises(type(error)):
        ablate(ablation)
    pretend.errors.clear()
    assert ablate(ablation)
    assert pretend.ran == in_one_go
    assert without_seconds(read_results(ablation.run)) == without_seconds(expected)


def test_arms_and_seeds_are_added_to_what_is_there(pretend, make_ablation):
    ablate(make_ablation(a="{}"))
    pretend.ran.clear()
    ablate(make_ablation(seeds=[1, 2], a="{}", b="{}"))
    assert pretend.ran[:2] == ["seed1 b grpo", "seed1 b evaluate-grpo"]
    assert {key.split()[0] for key in pretend.ran[2:]} == {"seed2"}
    pretend.ran.clear()
    ablation = make_ablation(b="{}")
    ablate(ablation)
    assert pretend.ran == []
    assert list(read_results(ablation.run)["arms"]) == ["plain", "b"]  # the command names what the table has


def test_an_arm_that_fails_is_marked_and_the_others_go_on(pretend, make_ablation, capsys):
    ablation = make_ablation(seeds=[1, 2], a="{}", b="{}")
    pretend.errors["seed1 a grpo"] = ValueError("lr=-1 is negative")
    pretend.errors["seed2 a grpo"] = SystemExit(2)  # how a command line is refused
    assert not ablate(ablation)
    result = read_results(ablation.run)
    assert result["arms"]["a"]["seeds"]["1"] == {"state": "failed", "error": "ValueError: lr=-1 is negative"}
    assert result["arms"]["a"]["seeds"]["2"]["state"] == "failed"
    assert result["arms"]["b"]["difference"]["estimate"] == 0
    assert "lr=-1 is negative" in capsys.readouterr().out
    assert "Traceback" in ablation.arm(ablation.arms[1], 1).log.read_text()
    pretend.errors.clear()
    pretend.ran.clear()
    assert ablate(ablation)  # the next start tries it again
    assert {key.split()[1] for key in pretend.ran} == {"a"}


def test_without_its_start_a_seed_fails_and_the_others_go_on(pretend, make_ablation):
    ablation = make_ablation(seeds=[1, 2], a="{}")
    pretend.errors["seed1 sft sft"] = RuntimeError("no space left")
    assert not ablate(ablation)
    result = read_results(ablation.run)
    assert "its start" in result["arms"]["plain"]["seeds"]["1"]["error"]
    assert "no space left" in result["start"]["seeds"]["1"]["error"]
    assert result["arms"]["a"]["difference"]["estimate"] == 0.25


def test_an_arm_of_another_size_is_refused_before_anything_is_written(pretend, make_ablation, monkeypatch):
    ablation = make_ablation(a="{}")
    monkeypatch.setattr(driving, "fit_configurations", lambda _, arm: [config(max_epochs=6 if arm.name == "a" else 4)])
    with pytest.raises(SettingsError, match="--with a: updates is 60"):
        ablate(ablation)
    assert not ablation.run.exists()


def test_an_arm_that_may_take_other_updates_runs_and_is_marked(pretend, make_ablation, monkeypatch):
    ablation = replace(make_ablation(a="{}", b="{}"), unequal=("a",))
    monkeypatch.setattr(driving, "fit_configurations", lambda _, arm: [config(max_epochs=6 if arm.name == "a" else 4)])
    assert ablate(ablation)
    found = read_results(ablation.run)
    assert (found["arms"]["a"]["unequal"], "unequal" in found["arms"]["b"]) == (True, False)
    assert "a may take other updates or completions." in report.notes(found)
    with pytest.raises(SettingsError, match="--unequal c: no arm has that name; choose one of a, b"):
        replace(ablation, unequal=("c",))


def test_a_changed_overlay_is_refused_with_the_remedy_before_anything_runs(pretend, make_ablation):
    ablate(make_ablation(a="{}"))
    pretend.ran.clear()
    with pytest.raises(OtherRunError, match=r"arms/a holds a run with other settings .*--with NAME="):
        ablate(make_ablation(seeds=[2, 1], a="{stage: 1}"))
    assert pretend.ran == []


def test_a_folder_with_other_work_is_refused_and_left_alone(pretend, make_ablation):
    ablation = make_ablation()
    ablation.run.mkdir()
    (ablation.run / "thesis.tex").write_text("precious")
    with pytest.raises(OtherRunError, match="holds no ablation"):
        ablate(ablation)
    assert [file.name for file in ablation.run.iterdir()] == ["thesis.tex"]


def test_data_are_scored_once_a_seed_where_an_arm_draws_from_strata(pretend, make_ablation):
    ablate(make_ablation())
    pretend.ran.clear()
    ablation = make_ablation(seeds=[1, 2], a="strata", b="strata")
    assert ablate(ablation)
    assert [key for key in pretend.ran if key.endswith("score")] == ["seed1 sft score", "seed2 sft score"]
    assert pretend.ran.index("seed1 sft score") < pretend.ran.index("seed1 b grpo")
    assert list(read_results(ablation.run)["start"]["seeds"]) == ["1", "2"]
    pretend.ran.clear()
    shutil.rmtree(ablation.folder(1) / "sft")
    assert ablate(ablation)
    assert "seed1 sft score" in pretend.ran  # other weights, other scores


def test_an_sft_fit_before_grpo_counts_as_updates_of_its_arm(pretend, make_ablation):
    pretend.steps = {"grpo": 30, "sft-first": 10}
    ablation = make_ablation(sft_first=["a"], a="{}")
    assert ablate(ablation)
    assert pretend.ran[-3:] == ["seed1 a sft-first", "seed1 a grpo", "seed1 a evaluate-grpo"]
    own = read_results(ablation.run)["arms"]["a"]
    assert own["seeds"]["1"]["updates"] == {"sft-first": 10, "grpo": 30}
    assert own["seeds"]["1"]["cost"]["starts"] == 1
    assert own["sft_first"][0]["text"] == "{}"
    present(ablation.run, Console(quiet=True))
    text = (ablation.run / "ablation.md").read_text()
    assert "a: 10 of its updates are SFT before GRPO." in text
    assert "a, seed 1, took" not in text


class PreparedStudy(PretendStudy):
    """A study that writes data for every seed, and refuses those of a seed."""

    prepared, refused = "data", None

    def check(self, arms, start):
        assert (start / "data").exists() or not self.prepared
        if start.name == self.refused:
            raise SettingsError(f"--by topic: {start} has no such column")


def prepared(make_ablation, seeds, **changes):
    study = PreparedStudy()
    for name, value in changes.items():
        object.__setattr__(study, name, value)
    return replace(make_ablation(seeds=seeds), study=study)


def test_the_data_of_all_seeds_are_written_and_checked_before_anything_is_trained(pretend, make_ablation):
    assert ablate(prepared(make_ablation, [1, 2]))
    assert pretend.ran[:3] == ["seed1 sft data", "seed2 sft data", "seed1 sft sft"]
    assert pretend.ran.count("seed1 sft data") == 1


def test_seeds_that_share_their_test_are_one_observation_of_a_problem(pretend, make_ablation):
    ablation = prepared(make_ablation, [1, 2], same_test=True, n_test=None)
    ablate(ablation)
    found = read_results(ablation.run)
    assert found["n_test"] == 4  # as many as were graded
    assert found["start"]["accuracy_ci"] == [0.0, 1.0]  # of four problems, and not of eight
    difference = found["start"]["difference"]
    assert difference["ci_problems"] == list(mean_interval([0.0, -1.0, 0.0, 0.0])[1:])


def test_data_that_do_not_fit_end_it_before_anything_is_trained(pretend, make_ablation):
    with pytest.raises(SettingsError, match="--by topic"):
        ablate(prepared(make_ablation, [1, 2], refused="seed2"))
    assert pretend.ran == ["seed1 sft data", "seed2 sft data"]


def test_lost_data_are_written_again_and_what_was_made_of_them_too(pretend, make_ablation):
    ablation = prepared(make_ablation, [1, 2])
    ablate(ablation)
    shutil.rmtree(ablation.folder(2) / "data")
    pretend.ran.clear()
    assert ablate(ablation)
    assert pretend.ran[:3] == ["seed2 sft data", "seed2 sft sft", "seed2 sft evaluate-sft"]
    assert "seed2 plain grpo" in pretend.ran


def test_data_that_are_there_are_checked_before_anything_is_written(pretend, make_ablation):
    ablation = prepared(make_ablation, [1], prepared=None, refused="seed1")
    with pytest.raises(SettingsError, match="--by topic"):
        ablate(ablation)
    assert not ablation.run.exists()


def test_a_learning_curve_is_compared_with_that_of_the_plain_recipe_of_its_seed(pretend, make_ablation, monkeypatch):
    heights = {"plain": 0.25, "a": 0.5}

    def curves(folder):
        arm = folder.parts[-2]
        return {"val/accuracy": [(10, 0.0), (20, 2 * heights[arm])], "val/accuracy/other": [(10, 1.0)]}

    monkeypatch.setattr(summing, "read_curves", curves)
    ablation = make_ablation(seeds=[1, 2], a="{}")
    ablate(ablation)
    own = read_results(ablation.run)["arms"]
    assert own["a"]["seeds"]["1"]["curve"] == [[10, 0.0], [20, 1.0]]
    assert (own["plain"]["area"], own["a"]["area"]) == (0.25, 0.5)
    assert own["a"]["difference"]["area"]["estimate"] == 0.25


def test_what_the_seeds_can_tell_from_noise_is_in_the_results(pretend, make_ablation):
    ablate(make_ablation(a="{}"))
    assert read_results(make_ablation(a="{}").run)["resolution"] is None
    ablation = make_ablation(seeds=[1, 2, 3], a="{}")
    ablate(ablation)
    found = read_results(ablation.run)
    assert found["resolution"] == {"sd": 0.0, "smallest": {"3": 0.0, "5": 0.0, "8": 0.0}, "here": 0.0}
    found["arms"]["a"]["seeds"]["2"]["difference"]["estimate"] = 0.55  # the others have 0.25
    told = summing.resolution(found["arms"], 3)
    assert told["sd"] == pytest.approx(0.3 / 3**0.5)
    assert told["here"] == told["smallest"]["3"] == smallest_difference(told["sd"], 3)


def test_samples_of_an_evaluation_are_averaged_and_greedy_completions_told_apart(tmp_path):
    def write(*sets):
        rows = [
            row | {"sample": sample, "validation": name} for name, sample, verdicts in sets for row in graded(verdicts)
        ]
        (tmp_path / "validation.rank0.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    greedy = ("test (greedy)", 0, "++++")
    write(("test", 0, "+---"), ("test", 1, "++--"), ("test", 10, "----"), greedy)
    samples = read_samples(tmp_path)
    assert [[row["verdict"] == "right" for row in rows].count(True) for rows in samples] == [1, 2, 0]
    assert summing.greedy(tmp_path) == {"greedy": 1.0}
    write(greedy)
    assert len(read_samples(tmp_path)) == 1
    write(("test", 0, "+---"))
    assert summing.greedy(tmp_path) == {}  # they are the accuracy itself


def test_arms_of_a_lost_start_are_run_again(pretend, make_ablation):
    ablate(make_ablation(a="{}", b="{}"))
    ablation = make_ablation(a="{}")
    shutil.rmtree(ablation.folder(1) / "sft")
    pretend.ran.clear()
    assert ablate(ablation)
    assert [key.split()[1:] for key in pretend.ran][:3] == [["sft", "sft"], ["sft", "evaluate-sft"], ["plain", "grpo"]]
    assert "seed1 a grpo" in pretend.ran
    assert not (ablation.folder(1) / "arms" / "b").exists()


def test_an_arm_is_compared_with_the_plain_run_of_its_own_seed(pretend, make_ablation, monkeypatch):
    monkeypatch.setitem(VERDICTS, "seed2 plain", "---+")
    ablation = make_ablation(seeds=[1, 2], a="{}")
    assert ablate(ablation)
    seeds = read_results(ablation.run)["arms"]["a"]["seeds"]
    assert seeds["1"]["difference"]["estimate"] == pytest.approx(1 / 4)  # +++- against ++--
    assert seeds["2"]["difference"]["estimate"] == pytest.approx(2 / 4)  # +++- against ---+
    assert (seeds["2"]["difference"]["won"], seeds["2"]["difference"]["lost"]) == (3, 1)


def test_an_arm_costs_what_all_its_fits_do(pretend, make_ablation):
    pretend.steps["sft-first"] = 10
    ablation = make_ablation(sft_first=["a"], a="{}")
    assert ablate(ablation)
    phases = json.loads((ablation.arm(ablation.arms[-1], 1).folder / RECORD).read_text())["phases"]
    own = read_results(ablation.run)["arms"]["a"]["seeds"]["1"]
    assert own["cost"]["wall_s"] == pytest.approx(phases["sft-first"]["wall_s"] + phases["grpo"]["wall_s"])
    assert phases["sft-first"]["wall_s"] > 0
    assert list(own["updates"]) == ["sft-first", "grpo"]
