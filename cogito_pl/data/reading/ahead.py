"""Computes something of every item in threads, a few items ahead of whoever takes the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[tuple[Item, Callable[[], Result]]]:
    """Every item, in order, with a function that waits for its result, or raises what `function` raised.

    Args:
        function: Called once per item, in one of the threads.
        items: Taken in this thread, at most four per thread ahead of what was yielded.
        threads: How many.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        waiting: deque[tuple[Item, Callable[[], Result]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(function, item).result))
            if len(waiting) > 4 * threads:
                yield waiting.popleft()
        yield from waiting
    finally:
        pool.shutdown(cancel_futures=True)
