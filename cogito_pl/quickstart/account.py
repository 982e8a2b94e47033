"""What a run costs over all of its starts, kept while it runs, so that a kill loses seconds of the account only."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from cogito_pl.quickstart.cost import spent
from cogito_pl.quickstart.record import Cost, Record

EVERY_S = 5.0
"""Seconds between two notes."""


class Account:
    """The cost of one run in one record.

    Args:
        record: Of the run.
        opened: What the process had spent when this start of the run began; zero where its start-up counts.
    """

    def __init__(self, record: Record, opened: Cost) -> None:
        self.record, self.opened, self.before = record, opened, record.spent

    def total(self) -> Cost:
        """The run so far, earlier starts included."""
        return self.before.plus(spent().since(self.opened))

    @contextmanager
    def running(self, phase: str) -> Iterator[None]:
        """Books the block as `phase`, together with earlier starts that did not finish it; done if it ends well."""
        earlier, start, stop = self.record.begin(phase), spent(), Event()

        def so_far() -> tuple[Cost, Cost]:
            return earlier.plus(spent().since(start)), self.total()

        def keep_notes() -> None:
            while not stop.wait(EVERY_S):
                self.record.note(phase, *so_far())

        notes = Thread(target=keep_notes, daemon=True)
        notes.start()
        try:
            yield
        except BaseException:
            stop.set()
            notes.join()
            self.record.note(phase, *so_far())
            raise
        stop.set()
        notes.join()
        self.record.finish(phase, *so_far())
