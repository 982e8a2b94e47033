"""Admission: which groups are trained on, with fresh prompts for the others (DAPO, arXiv 2503.14476, section 3.2)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cogito_pl.modules.hooks import RolloutCallback
from cogito_pl.modules.metrics import Metrics
from cogito_pl.rl.rollout import Rollout

if TYPE_CHECKING:
    from cogito_pl.modules.collected import Settings
    from cogito_pl.modules.collector import Collector


def admits_some(callback: RolloutCallback) -> bool:
    """Whether a callback has a say in which groups are trained on."""
    return type(callback).admit is not RolloutCallback.admit


def admitted(collector: "Collector", sampled: list[Rollout], settings: "Settings") -> Rollout:
    """The rollout with fresh groups in the place of those that callbacks do not admit.

    Every place is refilled from a stream that depends on its draw and the attempt alone: the same on any number of
    ranks, which all take part in an attempt while one of them needs it. A place without an admitted group after the
    last attempt counts zero times. Logs `rollout/admitted`, the share of places that have an admitted group, and
    `rollout/sampled`, completions sampled for them over all ranks.

    Args:
        collector: Samples and compares the refills.
        sampled: The rollout; refills are appended, one for each attempt.
        settings: Of the current stage.
    """
    module, rollout = collector.module, sampled[0]
    gates = [callback for callback in collector.callbacks if admits_some(callback)]
    admits = admitted_by(gates, module, rollout)
    for attempt in range(1, max(gate.refill_limit for gate in gates) + 1):
        if not module.over_ranks((~admits).sum()):
            break
        places = (~admits).nonzero()[:, 0].tolist()
        batch = module.trainer.datamodule.refill([rollout.draws[place] for place in places or [0]], attempt)
        metrics = module.metrics
        if not places:  # this rank needs none, but callbacks of the others may communicate: compare one, and discard it
            module.metrics = Metrics()
        fresh = collector.compared(batch, settings, attempt, count=int(bool(places)))
        module.metrics = metrics
        if places:
            order = list(range(len(admits)))
            for number, place in enumerate(places):
                order[place] = len(admits) + number
            rollout = rollout.join(fresh).select(order)
            admits[places] = admitted_by(gates, module, fresh)
            sampled.append(fresh)
    module.metrics.add("rollout/admitted", admits)
    module.metrics.add("rollout/sampled", float(sum(map(len, sampled))), reduce="sum")
    return rollout.counted(admits.repeat_interleave(rollout.group_size))


def admitted_by(gates: Sequence[RolloutCallback], module: object, rollout: Rollout) -> Tensor:
    """Which groups all callbacks admit, `[P]` of bool. Raises ValueError for anything but a boolean per prompt."""
    admits = torch.ones(len(rollout.problems), dtype=torch.bool, device=rollout.rewards.device)
    for gate in gates:
        kept = gate.admit(module.trainer, module, rollout)
        if kept is not None and (kept.shape != admits.shape or kept.dtype != torch.bool):
            raise ValueError(
                f"{type(gate).__name__}.admit returned {kept.dtype} of shape {list(kept.shape)}; return one boolean "
                f"for each of the {len(admits)} prompts, or None"
            )
        admits = admits if kept is None else admits & kept.to(admits.device)
    return admits
