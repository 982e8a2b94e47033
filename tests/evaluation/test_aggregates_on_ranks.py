"""Two processes with a share each compute what one process computes with everything."""

import json
import os
from pathlib import Path

import pytest
import torch.distributed as dist
import torch.multiprocessing as spawn

from cogito_pl.evaluation.aggregates.variants import OverVariants
from tests.evaluation.test_aggregates import Scored, computed

META = {f"{q}/{v}": {"seed": str(q)} for q in range(3) for v in range(2)}
SCORES = {name: float(place != 3) for place, name in enumerate(META)}


def rank(number: int, world: int, folder: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "RANK": str(number), "WORLD_SIZE": str(world)}
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=number, world_size=world)
    metric = OverVariants(META, variants=2)
    share = list(SCORES.items())[number::world] if number else [*list(SCORES.items())[::world], ("0/0", 1.0)]
    metric.update(Scored(name, 0, score) for name, score in share)
    Path(folder, f"{number}.json").write_text(json.dumps(metric.compute()))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path):
    spawn.spawn(rank, (2, str(tmp_path)), nprocs=2)
    alone = computed(OverVariants(META, variants=2), SCORES)
    assert alone["worst"] == pytest.approx(2 / 3)
    assert [json.loads((tmp_path / f"{number}.json").read_text()) for number in range(2)] == [alone, alone]
