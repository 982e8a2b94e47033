"""What every epoch of a run draws: how many prompt batches, and out of which problems. Knows no trainer."""

from collections.abc import Mapping, Sequence

from cogito_pl.data.curriculum import Stage, first_epoch, stage_at
from cogito_pl.data.mixture import Mixture, Pool, pools_of
from cogito_pl.data.problem import Problem


class Plan:
    """The draws of a run. A run without stages is one stage over all problems that never ends.

    Args:
        problems: All problems to learn from.
        stages: The curriculum; may be empty.
        seed: Of the order.
        prompts: Prompts of a batch, over all ranks.
        rollouts: Prompt batches of an epoch whose stage does not say; once through its problems when None.

    Raises:
        ValueError: A stage draws from what holds no problems.
    """

    def __init__(
        self, problems: Sequence[Problem], stages: Sequence[Stage], *, seed: int, prompts: int, rollouts: int | None
    ) -> None:
        self.stages, self.seed, self.prompts = tuple(stages), seed, prompts
        self.pools = [pools_of(stage, problems) for stage in stages] or [[Pool(range(len(problems)))]]
        given = [stage.rollouts_per_epoch for stage in stages] or [None]
        once = [max(1, sum(len(pool.indices) for pool in pools) // prompts) for pools in self.pools]
        self.rollouts = [mine or rollouts or all_of_it for mine, all_of_it in zip(given, once, strict=True)]
        self._mixture: Mixture | None = None

    def rollouts_in(self, epoch: int, ended: Mapping[str, int]) -> int:
        """Prompt batches of `epoch`; `ended` holds the epochs that stages which ended early took."""
        return self.rollouts[self._index(epoch, ended)]

    def rollouts_before(self, epoch: int, ended: Mapping[str, int]) -> int:
        """Prompt batches of all epochs before `epoch`."""
        if not self.stages:
            return epoch * self.rollouts[0]
        return sum(self.rollouts_in(earlier, ended) for earlier in range(epoch))

    def order(self, epoch: int, ended: Mapping[str, int]) -> Mixture:
        """Which problem a draw of `epoch` takes."""
        index = self._index(epoch, ended)
        first = self.rollouts_before(first_epoch(index, self.stages, ended), ended) * self.prompts
        kept = self._mixture
        if kept is None or (kept.stage, kept.first) != (index, first):
            kept = self._mixture = Mixture(self.pools[index], seed=self.seed, stage=index, first=first)
        return kept

    def _index(self, epoch: int, ended: Mapping[str, int]) -> int:
        return stage_at(epoch, self.stages, ended).index if self.stages else 0
