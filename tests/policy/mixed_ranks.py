"""As a program, one of two ranks: gradients of a batch of which this rank's part may have no image, against one rank's.

    python -m tests.policy.mixed_ranks FOLDER few|all MODEL...

Writes `rank<r>.json`: for every case, the largest difference from the gradients of the whole batch, and their size.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.nn.parallel import DistributedDataParallel

from cogito_pl.policy import Policy, PolicyConfig
from cogito_pl.policy.parallel import shard
from cogito_pl.problem import Problem
from tests.conftest import problem

IMAGES = (problem("How many?", (84, 56), seed=1), problem("Which is larger?", (56, 56), seed=2))
TEXTS = (problem("1 + 1 =", seed=3), problem("Text only, and longer than the other: one plus two?", seed=4))
BATCHES = {"one rank without": (IMAGES, TEXTS), "none at all": (TEXTS[:1], TEXTS[1:]), "mixed": (
    (IMAGES[0], TEXTS[0]), (TEXTS[1], IMAGES[1]))}  # fmt: skip
FROZEN = {"trained": (), "frozen tower": ("vision", "projector")}


class Loss(nn.Module):
    """Minus a weighted sum of log-probabilities, whose gradients add up over the parts of a batch."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, problems: tuple[Problem, ...]) -> torch.Tensor:
        ids = torch.tensor([[40 + len(p.question) % 30 + t for t in range(5)] for p in problems])
        mask = torch.arange(5) < torch.tensor([[3 + len(p.question) % 3] for p in problems])
        prompts = [self.policy.encode(p) for p in problems]
        return -(self.policy.log_probs(prompts, ids, mask).values * torch.arange(1.0, 6.0)).sum() / 60


def gradients(policy: Policy) -> dict[str, torch.Tensor]:
    """The gradient of every trained parameter, gathered; zeros for one that no forward reaches."""
    found = {}
    for name, parameter in policy.model.named_parameters():
        if parameter.requires_grad:
            value = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            found[name] = value.full_tensor() if hasattr(value, "full_tensor") else value
    return found


def cases(model: str, few: bool) -> Iterator[tuple[str, float, float]]:
    """Name, largest difference and largest gradient of every case."""
    mesh = init_device_mesh("cpu", (2,), mesh_dim_names=("data_parallel",))
    for layout in ("auto",) if few else ("auto", "padded"):
        for state, frozen in FROZEN.items():
            config = PolicyConfig(name=model, freeze=frozen, layout=layout)
            for kind, parts in list(BATCHES.items())[: 1 if few else None]:
                alone = Loss(Policy(config))
                alone((*parts[0], *parts[1])).backward()
                wanted = gradients(alone.policy)
                for strategy in ("ddp", "fsdp2"):
                    loss = Loss(Policy(config))
                    if strategy == "fsdp2":
                        shard(loss.policy, mesh["data_parallel"])
                    step = DistributedDataParallel(loss) if strategy == "ddp" else loss
                    for _ in range(2):  # DDP finds out in the second forward what the first one left unused
                        loss.zero_grad()
                        (2 * step(parts[dist.get_rank()])).backward()  # both strategies average over the ranks
                    found = gradients(loss.policy)
                    assert found.keys() == wanted.keys()
                    difference = max((found[name] - value).abs().max().item() for name, value in wanted.items())
                    largest = max(value.abs().max().item() for value in wanted.values())
                    yield f"{Path(model).name}, {layout}, tower {state}, {kind}, {strategy}", difference, largest


def main(folder: str, which: str, *models: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    results = {name: values for model in models for name, *values in cases(model, which == "few")}
    (Path(folder) / f"rank{dist.get_rank()}.json").write_text(json.dumps(results))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
