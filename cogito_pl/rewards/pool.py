"""Grades responses in worker processes that stay alive, each response with a deadline.

A formula can keep sympy busy for minutes, and only killing its process is sure to stop it. So each worker holds one
answer at a time, the parent keeps the clock (from any thread, without signals), and a worker that passes its deadline
is killed and replaced: only its own answer is lost. Workers are spawned, never forked, because the parent may hold a
CUDA context; they are daemons, so none survives the parent. What the shipped verifiers decide in linear time is graded
in the parent: the way to a worker and back costs more.
"""

import hashlib
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import wait

from cogito_pl.rewards.verifier.grade import Grade, grade, grade_cheaply
from cogito_pl.rewards.verifier.registry import SHIPPED, Verifiers, is_shipped, verifier_of
from cogito_pl.rewards.worker import START_UP_S, Grader, GradeRequest, Worker

CACHED = 8192
"""Grades that are kept, so that identical requests are graded once; their texts are not kept."""

LONGEST = 20_000
"""Characters of a response that is still graded where a training step waits for it, without a deadline."""
COUNTERS = ("graded", "unparsed", "cache_hits", "in_parent", "deadline", "died", "errors", "deaths")
"""Responses graded and unparsed; those answered by the cache, or in this process; those past their deadline, those
whose worker died twice over them, those on which a verifier raised; and deaths of workers that nobody killed."""


def _key(request: GradeRequest) -> bytes:
    return hashlib.blake2b(repr(request).encode(), digest_size=16).digest()


class GraderPool:
    """Grades responses, each within its deadline.

    Args:
        workers: Number of processes, started when they are first needed.
        deadline_s: Seconds for one response, counted from when a worker begins it.
        verifiers: By kind; workers get them when they start. Those that are not shipped run in workers only.
        grader: Grades in place of the verifiers, as the papers' own rewards do; workers import it.

    Raises:
        ValueError: No workers, or no time.
    """

    def __init__(
        self, workers: int = 2, deadline_s: float = 5.0, verifiers: Verifiers = SHIPPED, grader: Grader | None = None
    ) -> None:
        if workers < 1 or not deadline_s > 0:
            raise ValueError(f"workers={workers}, deadline_s={deadline_s}: both must be positive; use workers >= 1")
        self._size, self._deadline_s, self._verifiers = workers, deadline_s, verifiers
        self._grader, self._may_grade_here = grader or partial(grade, verifiers=verifiers), grader is None
        self._workers: list[Worker] = []
        self._cache: OrderedDict[bytes, Grade] = OrderedDict()
        self._counts = Counter(dict.fromkeys(COUNTERS, 0))
        self._lock = threading.Lock()

    @property
    def counters(self) -> dict[str, int]:
        """What happened since the pool was made, see `COUNTERS`."""
        return dict(self._counts)

    def grade_all(self, requests: Sequence[GradeRequest]) -> list[Grade]:
        """Grades requests, in order.

        Args:
            requests: What to grade; identical ones are graded once.

        Returns:
            One grade for each request. A response past its deadline has rule "deadline", one whose worker died twice
            over it has rule "died"; both count as unparsed.

        Raises:
            RuntimeError: A worker could not start.
            ValueError: A request has a kind without a verifier.
        """
        with self._lock:
            keys = {request: _key(request) for request in dict.fromkeys(requests)}
            grades = {request: self._cache[key] for request, key in keys.items() if key in self._cache}
            fresh = [request for request in keys if request not in grades]
            try:
                cheap = {request: verdict for request in fresh if (verdict := self._cheaply(request))}
                grades |= cheap | self._graded([request for request in fresh if request not in cheap])
            except BaseException:
                self._kill_all()  # workers may still hold requests whose answers nobody will read
                raise
            self._remember({key: grades[request] for request, key in keys.items()})
            rules = Counter(grades[request].rule for request in fresh)
            self._counts.update(
                graded=len(requests),
                unparsed=sum(not grades[request].parsed for request in requests),
                cache_hits=len(requests) - len(fresh),
                in_parent=len(cheap),
                deadline=rules["deadline"],
                died=rules["died"],
                errors=rules["error"],
            )
            return [grades[request] for request in requests]

    def _cheaply(self, request: GradeRequest) -> Grade | None:
        """The verdict where it costs less than the way to a worker: no long response, no formulas to compare."""
        quick = self._may_grade_here and is_shipped(verifier_of(request.kind, self._verifiers))
        short = len(request.response) <= LONGEST
        return grade_cheaply(*request, verifiers=self._verifiers) if quick and short else None

    def _remember(self, grades: dict[bytes, Grade]) -> None:
        for key, verdict in grades.items():
            if verdict.rule not in ("deadline", "died"):  # a busy machine must not be remembered
                self._cache[key] = verdict
                self._cache.move_to_end(key)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)

    def _graded(self, requests: Sequence[GradeRequest]) -> dict[GradeRequest, Grade]:
        grades: dict[GradeRequest, Grade] = {}
        queue, died = deque(requests), set[GradeRequest]()
        while len(grades) < len(requests):
            while len(self._workers) < min(self._size, len(requests) - len(grades)):
                self._workers.append(Worker(self._grader, self._deadline_s))
            for worker in self._workers:
                if worker.ready and worker.request is None and queue:
                    worker.give(queue.popleft())
            waited = [worker for worker in self._workers if worker.request or not worker.ready]
            first = min(worker.until for worker in waited)
            heard = wait([worker.pipe for worker in waited], timeout=max(0.0, first - time.monotonic()))
            for worker in waited:
                if worker.pipe in heard:
                    self._hear(worker, grades, queue, died)
                elif time.monotonic() >= worker.until:
                    self._retire(worker)
                    if worker.request is None:
                        raise RuntimeError(f"a worker was not ready in {START_UP_S:.0f} s; is the machine busy?")
                    grades[worker.request] = Grade.without_answer("deadline")
        return grades

    def _hear(self, worker: Worker, grades: dict, queue: deque, died: set) -> None:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            self._retire(worker)
            if worker.request is None:
                raise RuntimeError(
                    f"a grading worker ended before it was ready (exit code {worker.process.exitcode}); its message is "
                    "above. A new process must be able to import the grader and the verifiers."
                ) from None
            self._counts["deaths"] += 1
            if worker.request in died:
                grades[worker.request] = Grade.without_answer("died")
            else:
                died.add(worker.request)
                queue.appendleft(worker.request)
            return
        if isinstance(message, Exception):
            raise message
        if worker.ready:
            grades[worker.request] = message
            worker.request = None
        worker.ready = True

    def _retire(self, worker: Worker) -> None:
        worker.kill()
        self._workers.remove(worker)

    def _kill_all(self) -> None:
        while self._workers:
            self._retire(self._workers[-1])

    def close(self) -> None:
        """Ends all workers; a later `grade_all` starts new ones."""
        with self._lock:
            self._kill_all()

    def __enter__(self) -> "GraderPool":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
