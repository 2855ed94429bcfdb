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
    records: Sequence[dict[str, Any]]
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
class _CompiledRegion:
    tables: list[np.ndarray]  # for each worker, rows of (kernel address, record address)
    starts: np.ndarray  # of each phase in the table
    fixed_units: np.ndarray  # of each phase; -1 for the groups of the batch
    units: np.ndarray
    counters: np.ndarray


class Program:
    """Named regions of independent phases. A region ends when all threads have finished all its phases."""

    def __init__(self, regions: Mapping[str, Sequence[Phase]], batch: np.ndarray, capacity: int,
                 workers: int) -> None:
        """batch: the int64 table that the kernels read the batch's addresses from. capacity: most images."""
        self.batch, self.capacity, self.workers = batch, capacity, workers
        self._alive: list[np.ndarray] = []  # what the records point to
        phases = [phase for region in regions.values() for phase in region]
        self._place([phase for phase in phases if phase.units is None])
        self._regions = {name: self._compile(region) for name, region in regions.items()}

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

    def _compile(self, region: Sequence[Phase]) -> _CompiledRegion:
        tables = []
        for worker in range(self.workers):
            rows = [self._compile_call(call, worker) for phase in region for call in phase.calls]
            tables.append(np.array(rows, np.int64).reshape(-1, 2))
        starts = np.cumsum([0, *(len(phase.calls) for phase in region)])
        units = np.array([-1 if phase.units is None else phase.units for phase in region], np.int64)
        return _CompiledRegion(tables, starts, units, np.zeros_like(units), np.zeros_like(units))

    def _compile_call(self, call: Call, worker: int) -> tuple[int, int]:
        records = np.zeros(len(call.records), call.kernel.arguments)
        for i, fields in enumerate(call.records):
            for name, value in fields.items():
                in_memory = isinstance(value, Buffer | Fixed | At)
                records[i][name] = self._address(value, worker) if in_memory else value
        self._alive.append(records)
        return call.kernel.address(call.block), records.ctypes.data

    def run(self, region: str, images: int = 0) -> None:
        """Runs a region; `images` is how many the batch table describes."""
        work = self._regions[region]
        work.counters[:] = 0
        np.copyto(work.units, work.fixed_units)
        work.units[work.units < 0] = groups_of(images)

        def job(worker: int) -> None:
            abi.run(work.tables[worker], work.starts, work.units, work.counters)

        team.team.run(job, min(self.workers, team.get_num_threads(), max(1, int(work.units.sum()))))


def new_batch_table() -> np.ndarray:
    """The table of `kernels.abi`: addresses of images, indices, targets and results, and the count."""
    return np.zeros(5, np.int64)
