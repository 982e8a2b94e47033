"""Copies of all benchmarks, written once per test run."""

from functools import cache
from pathlib import Path

import pytest

from cogito_pl.data.reading.reader import read_source
from cogito_pl.evaluation.benchmark import Benchmark
from cogito_pl.evaluation.benchmarks import BENCHMARKS
from cogito_pl.evaluation.table import BenchmarkTable
from cogito_pl.problem import Problem
from cogito_pl.rewards import Reward, RewardConfig
from tests.evaluation.fixtures import WRITERS


@pytest.fixture(scope="session")
def copies(tmp_path_factory):
    """`copies(name)` writes the copy of a benchmark, once, and gives the folder that holds all of them."""
    root = tmp_path_factory.mktemp("benchmarks")

    @cache
    def written(name: str) -> Path:
        WRITERS[name](root)
        return root

    return written


@pytest.fixture(scope="session")
def asked(copies):
    """`asked(name, **settings)` reads the copy of a benchmark: the benchmark, its problems, what was rejected."""

    def read(name: str, **settings) -> tuple[Benchmark, list[Problem], list[str]]:
        benchmark = BENCHMARKS[name](root=str(copies(name)), **settings)
        reward = Reward(RewardConfig())
        reward.include(benchmark.name, benchmark.verifiers, benchmark.grading)
        result = read_source(benchmark.source, table=BenchmarkTable(benchmark), check=reward.rejection, progress=False)
        return benchmark, result.problems, [str(rejection) for rejection in result.rejections]

    return read
