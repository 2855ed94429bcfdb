"""Reports of `fastconv bench` that nobody had to measure."""

from __future__ import annotations

from collections.abc import Mapping

from fastconv_bench.machine import Machine
from fastconv_bench.report import Report, Row
from fastconv_bench.timing import Times
from fastconv_bench.workload import FASTCONV, NUMPY

#: Numbers that binary fractions hold exactly, so that tests can compare what follows from them with ==.
PEAK, BANDWIDTH = 2.0**37, 2.0**34


def machine(peak: float = PEAK, threads: int = 2) -> Machine:
    return Machine("some CPU", threads, peak / 2, peak, BANDWIDTH)


def times(best: float, spread: float = 0.0) -> Times:
    return Times(best, best, spread)


def row(workload: str = "convolution", *, best: float = 0.5, spread: float = 0.0, images: int = 128,
        flop: float = 2.0**34, size: float = 0.0, peers: Mapping[str, float] | None = None) -> Row:
    """size: the bytes it reads and writes.  peers: the best times of others."""
    others = {name: times(seconds) for name, seconds in (peers or {}).items()}
    return Row(workload, images, flop, size, {FASTCONV: times(best, spread), **others})


def report(*rows: Row, peak: float = PEAK, threads: int = 2) -> Report:
    return Report("1.2.3", True, machine(peak, threads), rows or (row(peers={NUMPY: 2.0}),))
