"""What a run cost is on disk while it runs, adds up over its starts, and tells how long the rest takes."""

import contextlib
import json
import time
from pathlib import Path

import pytest

from cogito_pl.experiments import record as recording
from cogito_pl.experiments.cost import NOTHING, Cost, clock, seconds_left
from cogito_pl.experiments.record import FILE, Account, OtherRunError, Record

TYPICAL = {"data": 3, "sft": 35, "grpo": 42, "evaluate": 4}


def test_the_cost_of_earlier_starts_is_kept(tmp_path):
    Record(tmp_path, {"seed": 1}).finish("data", Cost(1, 1, 5), Cost(2, 1.5, 5))
    record = Record(tmp_path, {"seed": 1})
    assert record.finished("data")
    assert record.spent.plus(Cost(1, 1, 7)) == Cost(3, 2.5, 7, starts=2)
    assert json.loads(record.path.read_text())["fingerprint"] == {"seed": 1}


def test_a_record_is_saved_where_it_was_opened_though_the_working_directory_changes(tmp_path, monkeypatch):
    """The parser of a command line goes to the folder of each recipe while it reads it; a thread saves meanwhile."""
    monkeypatch.chdir(tmp_path)
    record = Record(Path("mine"), {"seed": 1})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    record.note("sft", Cost(3, 2, 1), Cost(3, 2, 1))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert json.loads((tmp_path / "mine" / FILE).read_text())["begun"]["sft"]["wall_s"] == 3


def test_a_run_with_another_fingerprint_is_refused_with_what_differs(tmp_path):
    Record(tmp_path, {"seed": 1, "size": 2})
    with pytest.raises(OtherRunError, match=r"\(seed was 1 and is now 3\); choose another folder, or delete it"):
        Record(tmp_path, {"seed": 3, "size": 2})


def test_phases_are_reopened_by_name_and_a_restart_forgets_all(tmp_path):
    record = Record(tmp_path, {})
    for name in ("data", "sft", "grpo"):
        record.finish(name, Cost(1, 1, 5), Cost(2, 2, 5))
    record.reopen(["sft", "grpo"])
    assert [Record(tmp_path, {}).finished(name) for name in ("data", "sft", "grpo")] == [True, False, False]
    record.restart()
    again = Record(tmp_path, {})
    assert (again.phases, again.begun, again.spent) == ({}, {}, NOTHING)


@pytest.fixture
def process(monkeypatch):
    """A process that spends what the test says."""
    now = {"cpu": 0.0}
    monkeypatch.setattr(recording, "spent", lambda: Cost(now["cpu"], now["cpu"], 5.0))
    return now


def test_the_cost_of_a_phase_adds_up_over_its_starts(tmp_path, process):
    def start(cpu, *, ends):
        process["cpu"] = 2.0  # start-up, which is not the phase's
        with contextlib.suppress(KeyboardInterrupt), Account(Record(tmp_path, {}), opened=NOTHING).running("grpo"):
            process["cpu"] += cpu
            if not ends:
                raise KeyboardInterrupt

    start(10.0, ends=False)
    start(30.0, ends=True)
    record = Record(tmp_path, {})
    assert record.phases["grpo"] == Cost(40.0, 40.0, 5.0, starts=2)
    assert record.spent == Cost(44.0, 44.0, 5.0, starts=2)
    start(7.0, ends=True)  # run again from the beginning, because its result was lost
    assert Record(tmp_path, {}).phases["grpo"].cpu_s == 7.0


def test_the_account_is_on_disk_while_a_phase_runs(tmp_path, process, monkeypatch):
    monkeypatch.setattr(recording, "SAVE_EVERY_S", 0.001)
    with Account(Record(tmp_path, {}), opened=NOTHING).running("grpo"):
        process["cpu"] = 3.0
        while (found := json.loads((tmp_path / FILE).read_text()))["spent"]["cpu_s"] < 3.0:
            time.sleep(0.001)
        assert found["begun"]["grpo"]["cpu_s"] == 3.0  # what a start after a kill would find
    assert not Record(tmp_path, {}).begun


def test_the_time_left_follows_the_pace_of_what_is_done():
    twice = [("data", 2 * TYPICAL["data"]), ("sft", 2 * TYPICAL["sft"])]
    assert seconds_left([], ["sft", "grpo"], TYPICAL) == TYPICAL["sft"] + TYPICAL["grpo"]
    assert seconds_left(twice, ["evaluate"], TYPICAL) == 2 * TYPICAL["evaluate"]


def test_a_phase_is_expected_to_take_as_long_as_it_did_before():
    assert seconds_left([("grpo", 10), ("grpo", 20), ("data", 3)], ["grpo", "grpo"], TYPICAL) == 30


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00")])
def test_clock(seconds, text):
    assert clock(seconds) == text
