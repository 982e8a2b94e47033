import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from graders import obedient

from cogito_pl.rewards import GradeRequest, GraderPool, grade

ROOT = Path(__file__).parents[2]


def ask(*responses: str, gold: str = "gold") -> list[GradeRequest]:
    return [GradeRequest(response, gold, "text") for response in responses]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def pool():
    with GraderPool(workers=2, deadline_s=0.7, grader=obedient) as pool:
        yield pool


def test_a_hanging_answer_loses_only_itself(pool):
    before = pool.counters
    grades = pool.grade_all(ask("a", "hang", "b", "c", "d"))
    assert [verdict.rule for verdict in grades] == ["test", "deadline", "test", "test", "test"]
    assert [verdict.extracted for verdict in grades] == ["a", "", "b", "c", "d"]
    assert not grades[1].parsed
    assert pool.counters["deadline"] == before["deadline"] + 1
    assert pool.counters["unparsed"] == before["unparsed"] + 1


def test_a_death_costs_one_answer_after_one_retry(pool):
    before = pool.counters
    assert [verdict.rule for verdict in pool.grade_all(ask("e", "die", "f"))] == ["test", "died", "test"]
    assert pool.counters["deaths"] == before["deaths"] + 2


def test_an_answer_whose_worker_died_by_chance_is_graded_after_all(pool, tmp_path):
    (verdict,) = pool.grade_all(ask("die once", gold=str(tmp_path / "died")))
    assert verdict.rule == "test"


def test_identical_requests_are_graded_once(pool):
    before = pool.counters
    grades = pool.grade_all(ask("same", "same", "same"))
    assert grades == pool.grade_all(ask("same")) * 3
    assert pool.counters["cache_hits"] == before["cache_hits"] + 3
    assert pool.counters["graded"] == before["graded"] + 4


def test_a_bug_of_the_grader_reaches_the_caller(pool):
    with pytest.raises(KeyError, match="a bug of the grader"):
        pool.grade_all(ask("raise", "g"))
    assert pool.grade_all(ask("g"))[0].correct


def test_it_works_off_the_main_thread(pool):
    grades = []
    thread = threading.Thread(target=lambda: grades.extend(pool.grade_all(ask("h", "hang", "i"))))
    thread.start()
    thread.join(timeout=30)
    assert [verdict.rule for verdict in grades] == ["test", "deadline", "test"]


def test_no_process_is_left_after_close_and_the_pool_can_start_again():
    before = set(multiprocessing.active_children())
    pool = GraderPool(workers=1, deadline_s=5, grader=obedient)
    pool.grade_all(ask("j"))
    started = set(multiprocessing.active_children()) - before
    assert len(started) == 1
    pool.close()
    assert not any(alive(process.pid) for process in started if process.is_alive())
    assert set(multiprocessing.active_children()) == before
    assert pool.grade_all(ask("k"))[0].correct
    pool.close()
    assert set(multiprocessing.active_children()) == before


def test_kinds_that_are_quick_to_verify_start_no_process():
    before = set(multiprocessing.active_children())
    with GraderPool() as pool:
        requests = [GradeRequest("<answer>4</answer>", "4", "number"), GradeRequest("nothing here", "4", "number")]
        assert [verdict.correct for verdict in pool.grade_all(requests)] == [True, False]
        assert set(multiprocessing.active_children()) == before
        assert {name: count for name, count in pool.counters.items() if count} == dict(
            graded=2, unparsed=1, in_parent=2
        )


def test_the_pool_and_a_direct_call_give_the_same_verdicts():
    cases = [(r"\boxed{x+1}", "1+x"), (r"\boxed{\frac{9}{2}}", "4.5"), (r"\boxed{2}", "3"), ("no idea", "3")]
    with GraderPool(workers=1) as pool:
        grades = pool.grade_all([GradeRequest(response, gold, "math") for response, gold in cases])
    assert grades == [grade(response, gold, "math") for response, gold in cases]


@pytest.mark.parametrize("ending", ["sys.exit(0)", "raise KeyboardInterrupt", "pass"])
def test_workers_end_with_a_parent_that_never_closed_its_pool(ending):
    script = (
        "import sys, multiprocessing\n"
        "from cogito_pl.rewards import GraderPool, GradeRequest\n"
        "from graders import obedient\n"
        "pool = GraderPool(workers=1, grader=obedient)\n"
        "assert pool.grade_all([GradeRequest('x', 'y', 'math')])[0].correct\n"
        "print(multiprocessing.active_children()[0].pid)\n"
        f"{ending}\n"
    )
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    run = subprocess.run(
        [sys.executable, "-"],  # from standard input, as in a notebook: there is no main module to import again
        input=script,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.strip().isdigit(), run.stderr
    until = time.monotonic() + 5
    while alive(int(run.stdout)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(int(run.stdout))


def test_a_pool_without_workers_is_refused():
    with pytest.raises(ValueError, match="workers=0"):
        GraderPool(workers=0)


def test_a_worker_that_never_gets_ready_is_an_error_that_says_so(monkeypatch):
    before = set(multiprocessing.active_children())
    monkeypatch.setattr("cogito_pl.rewards.worker.START_UP_S", 0.0)
    with GraderPool(workers=1, grader=obedient) as pool, pytest.raises(RuntimeError, match="was not ready"):
        pool.grade_all(ask("a"))
    assert set(multiprocessing.active_children()) == before
