import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from graders import obedient
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.grading import HOSTILE, SHARES, draw, grade_all
from cogito_pl.rewards import GradeRequest, GraderPool, grade
from cogito_pl.rewards import pool as pool_module

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


@pytest.fixture(scope="module")
def verifiers():
    with GraderPool(workers=2, deadline_s=2.0) as pool:
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


def test_the_pool_and_a_direct_call_give_the_same_verdicts(verifiers):
    cases = [(r"\boxed{x+1}", "1+x"), (r"\boxed{\frac{9}{2}}", "4.5"), (r"\boxed{2}", "3"), ("no idea", "3")]
    grades = verifiers.grade_all([GradeRequest(response, gold, "math") for response, gold in cases])
    assert grades == [grade(response, gold, "math") for response, gold in cases]


REQUESTS = [GradeRequest(done.response, done.problem.answer, done.problem.kind) for done in draw(30, seed=3)]


@pytest.fixture(scope="module")
def expected(verifiers):
    before, grades = verifiers.counters["cache_hits"], verifiers.grade_all(REQUESTS)
    assert verifiers.grade_all(REQUESTS) == grades
    assert verifiers.counters["cache_hits"] == before + len(REQUESTS)
    return grades


@pytest.fixture(scope="module")
def forgetful_pools(expected, verifiers):
    with pytest.MonkeyPatch.context() as patch, GraderPool(workers=1) as one:
        patch.setattr(pool_module, "CACHED", 0)
        verifiers.grade_all([])  # so that it forgets what it has
        yield verifiers, one


@settings(max_examples=4, deadline=None)
@given(order=st.permutations(range(len(REQUESTS))), size=st.sampled_from([0, 1]))
def test_a_verdict_depends_on_no_order_no_pool_size_and_no_cache(forgetful_pools, expected, order, size):
    pool = forgetful_pools[size]
    hits = pool.counters["cache_hits"]
    assert pool.grade_all([REQUESTS[place] for place in order]) == [expected[place] for place in order]
    assert pool.counters["cache_hits"] == hits


def test_an_alarm_of_the_caller_is_left_alone(verifiers):
    handler = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    timer = signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        verifiers.grade_all([GradeRequest(r"\boxed{a+b}", "b+a", "math"), GradeRequest(r"\boxed{a}", "a", "math")])
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def test_a_workload_with_hostile_completions_is_graded_whole():
    drawn = draw(300)
    costs, verdicts = grade_all(drawn, workers=2, deadline_s=2.0, batch=128)
    assert {share: sum(counts.values()) for share, counts in verdicts.items()} == {
        share: part * 300 for share, part in SHARES.items()
    }
    assert verdicts["exact"] == {"right": 180}
    assert verdicts["unparsable"] == {"unparsed": 27}
    assert verdicts["hostile"]["right"] == 0
    assert costs["graded"] == 300
    assert costs["errors"] == costs["died"] == costs["processes_left"] == 0


def test_every_hostile_completion_ends_without_error(verifiers):
    grades = verifiers.grade_all([GradeRequest(response, "12", "math") for response in HOSTILE.values()])
    assert not any(verdict.correct for verdict in grades)
    assert {verdict.rule for verdict in grades} & {"error", "died"} == set()


def living(group: int) -> list[int]:
    """Processes of a group, without those that only wait to be reaped."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        found += [int(status.parent.name)] if int(of) == group and state != "Z" else []
    return found


def assert_group_ends(group: int) -> None:
    until = time.monotonic() + 20
    while living(group) and time.monotonic() < until:
        time.sleep(0.05)
    assert living(group) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize(("response", "ending"), [("hang", signal.SIGINT), ("spin", signal.SIGKILL)])
def test_ctrl_c_and_a_killed_parent_leave_no_process(response, ending):
    script = (
        "import signal\n"
        "from cogito_pl.rewards import GraderPool, GradeRequest\n"
        "from graders import obedient\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background starts without it
        f"pool = GraderPool(workers=2, deadline_s={60 if ending == signal.SIGINT else 0.4}, grader=obedient)\n"
        "pool.grade_all([GradeRequest('x', 'y', 'math')])\n"
        "print('started', flush=True)\n"
        f"while True: pool.grade_all([GradeRequest({response!r}, str(gold), 'math') for gold in range(4)])\n"
    )
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout.readline() == "started\n"
        time.sleep(0.2)
        if ending == signal.SIGINT:
            os.killpg(run.pid, ending)  # as a terminal does: the workers get it too
        else:
            run.kill()
        said = run.communicate(timeout=30)[1]
    assert_group_ends(run.pid)
    if ending == signal.SIGINT:
        assert said.count("Traceback") == said.count("KeyboardInterrupt") == 1, said


def test_a_signal_to_every_process_of_a_job_leaves_its_graders_alive_until_the_parent_is_done():
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with GraderPool(workers=2, deadline_s=20.0, grader=obedient) as pool:
            pool.grade_all(ask("warm", "up"))
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGTERM)
            assert [verdict.rule for verdict in pool.grade_all(ask("a", "b", "c"))] == ["test"] * 3
            assert pool.counters["deaths"] == 0
    finally:
        signal.signal(signal.SIGTERM, before)


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
