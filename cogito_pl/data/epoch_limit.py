"""What `trainer.limit_train_batches` leaves of an epoch."""


def rollouts_within(limit: int | float | None, rollouts: int, slots: int) -> int:
    """The prompt batches of an epoch that has at most `limit` training batches.

    Args:
        limit: `trainer.limit_train_batches`; None and 1.0 take all, and at 0 the trainer does not train.
        rollouts: Prompt batches of the whole epoch.
        slots: Training batches of a rollout, which are its micro-batches.

    Raises:
        ValueError: The epoch would end inside a rollout.
    """
    if limit is None or limit == 0 or (isinstance(limit, float) and limit == 1):
        return rollouts
    if isinstance(limit, int) and (limit % slots == 0 or limit >= rollouts * slots):
        return min(rollouts, limit // slots)
    raise ValueError(
        f"trainer.limit_train_batches={limit} may end an epoch inside a rollout, which has {slots} micro-batches; set "
        f"it to a multiple of {slots}, or leave it out and set data.rollouts_per_epoch"
    )
