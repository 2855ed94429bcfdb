"""A program: tables of kernel calls over placed memory, ready to run on any batch up to its capacity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv.engine import memory, team
from fastconv.engine.memory import At, Buffer, Fixed
from fastconv.kernels import abi
from fastconv.kernels.abi import Kernel
from fastconv.layout import groups_of
from fastconv.simd.tile import ONE_VECTOR, Block


@dataclass(frozen=True)
class Call:
    """One kernel with its arguments: a single record, or in a phase over units one record for each unit."""

    kernel: Kernel
    records: Sequence[Mapping[str, Any]]
    block: Block = ONE_VECTOR

    def buffers(self) -> Iterator[Buffer]:
        for record in self.records:
            for value in record.values():
                buffer = value.buffer if isinstance(value, At) else value
                if isinstance(buffer, Buffer):
                    yield buffer


@dataclass(frozen=True)
class Phase:
    """Calls made one after the other on each unit: on each group of images, or on each of `units` blocks.

    The units of a phase are independent of each other, and threads take them as they come.
    """

    calls: Sequence[Call]
    units: int | None = None


@dataclass(frozen=True)
class _CompiledPhase:
    tables: list[np.ndarray]  # for each worker, rows of (kernel address, record address)
    units: int | None


class Program:
    """Named regions of phases. A region ends when all threads have finished all its phases."""

    def __init__(self, regions: Mapping[str, Sequence[Phase]], batch: np.ndarray, capacity: int,
                 workers: int) -> None:
        """batch: the int64 table that the kernels read the batch's addresses from. capacity: most images."""
        self.batch, self.capacity, self.workers = batch, capacity, workers
        self._alive: list[np.ndarray] = []  # what the records point to
        phases = [phase for region in regions.values() for phase in region]
        self._place([phase for phase in phases if phase.units is None])
        self._regions = {name: [self._compile(phase) for phase in region] for name, region in regions.items()}
        self._counters = np.zeros(max(len(region) for region in regions.values()), np.int64)

    @property
    def scratch_bytes(self) -> int:
        """Bytes of scratch memory of one worker."""
        return self._arenas[0].size

    def _place(self, phases: Sequence[Phase]) -> None:
        lifetimes: dict[Buffer, tuple[int, int]] = {}
        calls = [call for phase in phases for call in phase.calls]
        for index, call in enumerate(calls):
            for buffer in call.buffers():
                first, _ = lifetimes.get(buffer, (index, index))
                lifetimes[buffer] = (first, index)
        size = memory.place({buffer: life for buffer, life in lifetimes.items() if not buffer.per_group})
        self._arenas = [memory.aligned(size) for _ in range(self.workers)]
        groups = groups_of(self.capacity)
        self._per_group = {buffer: memory.aligned(buffer.size * groups) for buffer in lifetimes if buffer.per_group}

    def array_of(self, buffer: Buffer, dtype: Any) -> np.ndarray:
        """A per-group buffer as a flat array over all groups."""
        return self._per_group[buffer].view(dtype)

    def _address(self, value: Any, worker: int) -> tuple[int, int]:
        if isinstance(value, At):
            address, stride = self._address(value.buffer, worker)
            return address + value.bytes, stride
        if isinstance(value, Fixed):
            self._alive.append(value.array)
            return value.array.ctypes.data, 0
        if value.per_group:
            return self._per_group[value].ctypes.data, value.size
        return self._arenas[worker].ctypes.data + value.offset, 0

    def _compile(self, phase: Phase) -> _CompiledPhase:
        # Records over units hold no scratch memory, so all workers share one table.
        tables = []
        for worker in range(self.workers if phase.units is None else 1):
            rows = []
            for call in phase.calls:
                records = np.zeros(len(call.records), call.kernel.arguments)
                for i, fields in enumerate(call.records):
                    for name, value in fields.items():
                        place = isinstance(value, Buffer | Fixed | At)
                        records[i][name] = self._address(value, worker) if place else value
                self._alive.append(records)
                rows.append((call.kernel.address(call.block), records.ctypes.data))
            tables.append(np.array(rows, np.int64).reshape(-1, 2))
        return _CompiledPhase(tables * (self.workers // len(tables)), phase.units)

    def run(self, region: str, images: int = 0) -> None:
        """Runs a region; `images` is how many the batch table describes."""
        phases, counters = self._regions[region], self._counters
        counters[:] = 0
        sizes = [groups_of(images) if phase.units is None else phase.units for phase in phases]

        def job(worker: int) -> None:
            for i, phase in enumerate(phases):
                abi.run(phase.tables[worker], sizes[i], counters, i)

        team.team.run(job, min(self.workers, team.get_num_threads(), max(sizes, default=1)))


def new_batch_table() -> np.ndarray:
    """The table of `kernels.abi`: addresses of images, indices, targets and results, and the count."""
    return np.zeros(5, np.int64)
