"""Metrics are reduced over rows, micro-batches and ranks by their weights, whoever adds them."""

import json
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from cogito_pl.modules.metrics import Metrics

CPU = torch.device("cpu")


def test_a_mean_is_weighted_by_what_each_value_is_a_mean_of():
    metrics = Metrics()
    metrics.add("loss", 1.0, weights=10)
    metrics.add("loss", torch.tensor([4.0, 6.0]), weights=torch.tensor([1, 4]))
    assert metrics.pop(CPU) == {"loss": pytest.approx((10 + 4 + 24) / 15)}


def test_booleans_are_shares_and_nothing_is_kept_for_the_next_step():
    metrics = Metrics()
    metrics.add("applied", torch.tensor([True, False, False, True]))
    assert metrics.pop(CPU) == {"applied": 0.5}
    assert metrics.pop(CPU) == {}


def test_sums_add_up_and_maxima_take_the_largest_negative_ones_too():
    metrics = Metrics()
    for value in (-3.0, -1.0, -2.0):
        metrics.add("total", value, reduce="sum")
        metrics.add("peak", value, reduce="max")
    assert metrics.pop(CPU) == {"total": -6.0, "peak": -1.0}


def test_a_mean_without_weight_and_empty_values_are_not_logged():
    metrics = Metrics()
    metrics.add("nothing", torch.zeros(0))
    metrics.add("unweighted", 3.0, weights=0)
    assert metrics.pop(CPU) == {}


def test_a_value_that_is_nan_is_named():
    metrics = Metrics()
    metrics.add("policy/kl", float("nan"))
    with pytest.raises(ValueError, match="policy/kl is NaN"):
        metrics.pop(CPU)


def test_means_over_many_small_values_keep_their_precision():
    metrics = Metrics()
    for _ in range(2000):
        metrics.add("share", torch.full((100,), 0.1))
    assert metrics.pop(CPU)["share"] == pytest.approx(float(torch.tensor(0.1)), rel=1e-12)


def of_rank(rank: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    metrics = Metrics()
    metrics.add("both", [1.0, 2.0] if rank == 0 else [6.0])
    metrics.add(f"rank{rank}/own", float(rank))
    metrics.add("peak", float(rank), reduce="max")
    metrics.add("sampled", 8.0, reduce="sum")
    (Path(folder) / f"rank{rank}.json").write_text(json.dumps(metrics.pop(CPU)))
    dist.destroy_process_group()


def test_ranks_with_different_names_and_numbers_of_rows_see_the_same_values(tmp_path):
    mp.start_processes(of_rank, args=(str(tmp_path),), nprocs=2, start_method="fork")
    expected = {"both": 3.0, "rank0/own": 0.0, "rank1/own": 1.0, "peak": 1.0, "sampled": 16.0}
    assert [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1)] == [expected, expected]
