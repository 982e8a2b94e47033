"""What a resumed run may change of its stages: those that have not begun, and the end of the one under way.

The draws of a run are counted from its first on, so whatever decides how many there were before a checkpoint, and what
they were, has to stay as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from cogito_pl.data.plan import Plan

ENDS = ("epochs", "patience")
"""Settings of the stage under way that may change."""


def settings_in_force(plan: Plan, epoch: int, slots: int | None) -> dict[str, Any]:
    """What a checkpoint keeps, for `check_past` of the run that goes on from it; plain values.

    Args:
        plan: Of the run.
        epoch: That the checkpoint is written in.
        slots: Micro-batches of a rollout, which the place inside an epoch is counted in; None outside of one.
    """
    stages = plan.curriculum.stages
    position = plan.curriculum.at(epoch) if stages else None
    return {
        "prompts": plan.prompts,
        "slots": slots,
        "rollouts": list(plan.rollouts),
        "stages": [asdict(stage) for stage in stages],
        "index": position.index if position else 0,
        "begun": position.epoch + 1 if position else 0,  # epochs of the stage under way, this one included
    }


def check_past(before: Mapping[str, Any], plan: Plan, ended: Mapping[str, int], slots: int) -> None:
    """Raises ValueError, naming all that differs, where a resumed run has another past than its checkpoint.

    Args:
        before: What the checkpoint has of `settings_in_force`.
        plan: Of the resumed run.
        ended: Epochs that stages which ended early took, by name.
        slots: Micro-batches of a rollout of the resumed run.
    """
    changes = list(_changes(before, plan, ended))
    if before["slots"] not in (None, slots):
        changes.append(
            f"a rollout had {before['slots']} micro-batches on a rank and has {slots} (`schedule`, or the number of "
            "ranks), which a checkpoint of the end of an epoch allows and this one does not"
        )
    if changes:
        under_way = f"stage {before['stages'][before['index']]['name']!r}" if before["stages"] else ""
        allowed = f" (the end of {under_way} and later stages may change)" if under_way else ""
        raise ValueError(
            f"--ckpt_path cannot be continued with what has changed: {'; '.join(changes)}; set it back{allowed}, or "
            "start a new run from its weights by policy.init_from"
        )


def _changes(before: Mapping[str, Any], plan: Plan, ended: Mapping[str, int]) -> Iterator[str]:
    if before["prompts"] != plan.prompts:
        yield f"schedule.prompts was {before['prompts']} and is {plan.prompts}"
    stages = [asdict(stage) for stage in plan.curriculum.stages]
    if not before["stages"]:
        if stages:
            yield "data.stages was empty and has stages"
        elif before["rollouts"] != plan.rollouts:
            yield f"rollouts of an epoch were {before['rollouts'][0]} and are {plan.rollouts[0]}"
    for index, old in enumerate(before["stages"][: before["index"] + 1]):
        name = old["name"]
        new = stages[index] if index < len(stages) else {"name": None}
        if new["name"] != name:
            yield f"stage {index + 1} of data.stages was {name!r} and is {repr(new['name']) if new['name'] else 'gone'}"
            continue
        under_way = index == before["index"]
        for key in old.keys() - {"rollouts_per_epoch", *(ENDS if under_way else ())}:
            if old[key] != new.get(key):
                yield f"{key} of stage {name!r} was {old[key]} and is {new.get(key)}"
        if before["rollouts"][index] != plan.rollouts[index]:
            yield (
                f"rollouts of an epoch of stage {name!r} were {before['rollouts'][index]} and are "
                f"{plan.rollouts[index]}"
            )
        if under_way and name not in ended and new["epochs"] < min(before["begun"], old["epochs"]):
            yield f"epochs of stage {name!r} is {new['epochs']}, and {before['begun']} have begun"
