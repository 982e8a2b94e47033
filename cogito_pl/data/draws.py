"""The draws of a stage: asked of the draw order once, recorded, and repeated from the record in a resumed run."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from cogito_pl.data.draw_order import DrawContext, DrawOrder, DrawOutcome
from cogito_pl.seeds import stable_seed


class RecordedOrder:
    """A draw order and what it drew.

    Args:
        order: Asked for every number once.
        size: Number of problems.
    """

    def __init__(self, order: DrawOrder, size: int) -> None:
        self.order, self.size = order, size
        self.drawn: dict[int, int] = {}
        """Index of the problem by number of the draw."""

    def draw(self, numbers: Sequence[int]) -> list[int]:
        """The indices of the problems that these draws take.

        Raises:
            ValueError: The order answers with something that is not the index of a problem.
        """
        for number in numbers:
            if number not in self.drawn:
                self.drawn[number] = self._checked(number, self.order(number))
        return [self.drawn[number] for number in numbers]

    def _checked(self, number: int, answer: Any) -> int:
        try:
            index = operator.index(answer)  # NumPy's integers too, as a plain one
        except TypeError:
            index = -1
        if not 0 <= index < self.size:
            raise ValueError(
                f"data.draw_order: {type(self.order).__name__} answers draw {number} with {answer!r}; it must be the "
                f"index of one of the {self.size} problems, an integer from 0"
            )
        return index

    def forget_before(self, number: int) -> None:
        """Drops the record of the draws before `number`."""
        self.drawn = {known: index for known, index in self.drawn.items() if known >= number}

    def state_dict(self) -> dict[str, Any]:
        """The record, and the order's own state."""
        return {"drawn": dict(self.drawn), "order": self.order.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores both."""
        self.drawn = dict(state["drawn"])
        self.order.load_state_dict(state["order"])


class StageDraws:
    """The draws of one stage, and those that refill rejected groups.

    Every rank draws whole prompt batches and takes its share of them, so the state is the same on all ranks, and a run
    can be resumed on another number of them.

    A refill has a stream of its own per attempt: another instance of the order, with a seed made from the run's and the
    attempt. The instance is created at the first such attempt of the stage, and observes outcomes from then on.

    Args:
        make_order: Makes the order of a stage.
        context: The stage.
    """

    def __init__(self, make_order: Callable[[DrawContext], DrawOrder], context: DrawContext) -> None:
        self.make_order, self.context = make_order, context
        self.streams = {0: RecordedOrder(make_order(context), len(context.problems))}
        self.observed = context.first
        """Number of the first draw whose outcome was not observed yet."""
        self._batch: Sequence[int] = ()

    @property
    def observes(self) -> bool:
        """Whether the order takes outcomes."""
        return type(self.streams[0].order).observe is not DrawOrder.observe

    def draw(self, numbers: Sequence[int]) -> list[int]:
        """The indices of the problems of the next prompt batch, whose draws have these numbers."""
        self._batch = numbers
        return self.streams[0].draw(numbers)

    def refill(self, numbers: Sequence[int], attempt: int) -> list[int]:
        """Indices of fresh problems for draws of the current prompt batch; must be called on all ranks or none.

        The stream draws for the whole batch, whatever part of it is asked for on this rank.

        Raises:
            ValueError: A draw is not in the current prompt batch, or `attempt` is below 1.
        """
        if attempt < 1 or not set(numbers) <= set(self._batch):
            raise ValueError(
                f"attempt {attempt} to refill the draws {list(numbers)}: attempts count from 1, and the draws of the "
                f"current prompt batch are {list(self._batch)}"
            )
        self._stream(attempt).draw(self._batch)
        return [self.index_of(number, attempt) for number in numbers]

    def index_of(self, number: int, attempt: int = 0) -> int:
        """Index of the problem that draw `number` of this epoch took, or a refill of it."""
        return self.streams[attempt].drawn[number]

    def observe(self, outcomes: Sequence[DrawOutcome]) -> None:
        """Hands the outcomes of one rollout to the order and its refill streams.

        A run that was resumed inside a rollout samples it again; outcomes that were observed before are left out then.
        """
        new = [outcome for outcome in outcomes if outcome.number >= self.observed]
        if new:
            for stream in self.streams.values():
                stream.order.observe(new)
            self.observed = max(outcome.number for outcome in new) + 1

    def forget_before(self, number: int) -> None:
        """Drops the record of the draws before `number`."""
        for stream in self.streams.values():
            stream.forget_before(number)

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs, in plain values besides what the order adds."""
        return {
            **self._identity(),
            "observed": self.observed,
            "streams": {attempt: stream.state_dict() for attempt, stream in self.streams.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the draws of the run that is resumed.

        Raises:
            ValueError: The checkpoint's draws were made by another order, for other stages or from other problems.
        """
        changed = [
            f"{name} {state[name]!r} in the checkpoint, {mine!r} now"
            for name, mine in self._identity().items()
            if state[name] != mine
        ]
        if changed:
            raise ValueError(
                f"--ckpt_path: the draws of its stage cannot be continued: {'; '.join(changed)}; resume with the "
                "settings of `data` and `schedule.prompts` that the checkpoint was made with, or start a new run"
            )
        self.observed = state["observed"]
        for attempt, stream in state["streams"].items():
            self._stream(attempt).load_state_dict(stream)

    def _stream(self, attempt: int) -> RecordedOrder:
        if attempt not in self.streams:
            seed = stable_seed(self.context.seed, "refill", attempt)
            order = self.make_order(replace(self.context, seed=seed))
            self.streams[attempt] = RecordedOrder(order, len(self.context.problems))
        return self.streams[attempt]

    def _identity(self) -> dict[str, int | str]:
        kind = type(self.streams[0].order)
        return {
            "stage": self.context.stage,
            "first draw": self.context.first,
            "problems": len(self.context.problems),
            "seed": self.context.seed,
            "draw_order": f"{kind.__module__}.{kind.__qualname__}",
        }
