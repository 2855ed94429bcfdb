"""The workloads of `fastconv bench` for pytest-benchmark, fastconv's part only: `pytest bench`."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fastconv_bench.report import workloads
from fastconv_bench.workload import FASTCONV, Workload


@pytest.mark.parametrize("workload", list(workloads()), ids=lambda workload: workload.name)
def test_workload(benchmark: BenchmarkFixture, workload: Workload) -> None:
    benchmark(workload.make()[FASTCONV].call)
