"""The whole measurement: the machine, then every workload."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from fastconv import __version__
from fastconv_bench import convolution, lenet, networks, others, updates
from fastconv_bench.machine import Gauge, Machine
from fastconv_bench.timing import Times, interleaved
from fastconv_bench.workload import FASTCONV, NUMPY, Workload

#: Seconds for each contender of a workload.
THOROUGH, QUICK = 0.5, 0.04

#: Seconds for NumPy, which is a scale and no rival: three samples, after the others' turns, because its threads keep
#: looking for work on a core for long after each.
SCALE = 0.0


@dataclass(frozen=True)
class Row:
    """One workload: the times of a batch, of all contenders by name, in seconds."""

    workload: str
    images: int
    flop: float
    bytes: float
    times: Mapping[str, Times]

    @property
    def seconds(self) -> float:
        return self.times[FASTCONV].best

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds

    def share_of_limit(self, limits: Machine) -> float:
        """How close fastconv comes to the machine's arithmetic or memory, whichever takes longer (its roofline)."""
        return max(self.flop / limits.peak, self.bytes / limits.bandwidth) / self.seconds

    def ratio(self, peer: str) -> float | None:
        """How many times longer the peer takes; None where it did not take part."""
        return self.times[peer].best / self.seconds if peer in self.times else None


@dataclass(frozen=True)
class Report:
    """Everything that was measured, in one run."""

    version: str
    quick: bool
    machine: Machine
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON takes it, with the figures that follow from the times."""
        rows = [{**asdict(row), "images_per_second": row.images_per_second, "gflops": row.flop / row.seconds / 1e9,
                 "share_of_limit": row.share_of_limit(self.machine),
                 "ratios": {peer: row.ratio(peer) for peer in row.times if peer != FASTCONV}} for row in self.rows]
        return {"version": self.version, "quick": self.quick, "machine": asdict(self.machine), "workloads": rows}


def run(quick: bool, threads: int, progress: Callable[[str], None]) -> Report:
    """Measures with `threads` threads, which fastconv must be set to use; tells `progress` what comes next."""
    progress("preparing")
    gauge, rows = Gauge(threads), []
    for workload in workloads():
        progress(workload.name)
        gauge.sample()
        rows.append(_measure(workload, QUICK if quick else THOROUGH))
    return Report(__version__, quick, gauge.machine(), tuple(rows))


def workloads() -> Iterator[Workload]:
    """All of them, in the order of the table."""
    return chain.from_iterable(part.workloads() for part in (lenet, networks, convolution, others, updates))


def _measure(workload: Workload, seconds: float) -> Row:
    contenders = workload.make()
    calls = {name: contender.call for name, contender in contenders.items()}
    scale = calls.pop(NUMPY, None)
    times = interleaved(calls, seconds)
    if scale:
        times |= interleaved({NUMPY: scale}, SCALE)
    scaled = {name: times[name].scaled(workload.images / contenders[name].images) for name in contenders}
    return Row(workload.name, workload.images, workload.flop, workload.bytes, scaled)
