"""Items come in order with their own result, however the threads take turns."""

import threading
import time
from itertools import count

import pytest

from cogito_pl.data.reading.ahead import ahead


def test_results_come_in_the_order_of_the_items_and_errors_where_they_belong():
    def slow_first(item):
        time.sleep(0.02 * (item % 3 == 0))
        if item == 4:
            raise KeyError("four")
        return item * 10

    seen = []
    for item, result in ahead(slow_first, range(9), 3):
        if item == 4:
            with pytest.raises(KeyError, match="four"):
                result()
        else:
            seen.append((item, result()))
    assert seen == [(n, n * 10) for n in range(9) if n != 4]


def test_as_many_items_as_there_are_threads_are_worked_on_at_once():
    together = threading.Barrier(3)
    assert [result() for _, result in ahead(lambda _: together.wait(timeout=5) >= 0, range(6), 3)] == [True] * 6


def test_few_items_are_taken_ahead_of_what_was_yielded():
    taken = count()
    results = ahead(lambda item: item, (next(taken) for _ in range(1000)), 2)
    next(results)
    assert next(taken) <= 10
    results.close()
