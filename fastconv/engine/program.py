"""A program: tables of kernel calls over placed memory, ready to run on any batch up to its capacity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastconv.engine import memory, team
from fastconv.engine.memory import At, Buffer, Fixed
from fastconv.engine.threads import get_num_threads
from fastconv.kernels import work
from fastconv.kernels.abi import STOP, Kernel
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
    needs: this phase of the same region, by number, and all before it must be finished before this one begins.
    """

    calls: Sequence[Call]
    units: int | None = None
    needs: int = -1


def in_turn(stages: Iterable[Sequence[Phase]]) -> list[Phase]:
    """The phases of all stages; those of each begin when all earlier stages are finished."""
    phases: list[Phase] = []
    for stage in stages:
        needs = len(phases) - 1
        phases += [replace(phase, needs=needs) for phase in stage]
    return phases


class _Region:
    """Phases compiled into a job of `kernels.work`."""

    def __init__(self, phases: Sequence[Phase], calls: Sequence[np.ndarray], stop: np.ndarray) -> None:
        """calls: for each worker, rows of (kernel address, record address)."""
        self._fixed_units = np.array([-1 if phase.units is None else phase.units for phase in phases], np.int64)
        self._units, self._claimed, self._finished = (np.zeros(len(phases), np.int64) for _ in range(3))
        starts = np.cumsum([0, *(len(phase.calls) for phase in phases)], dtype=np.int64)
        needs = np.array([phase.needs for phase in phases], np.int64)
        self._tables = {work.STARTS: starts, work.UNITS: self._units, work.CLAIMED: self._claimed,
                        work.FINISHED: self._finished, work.NEEDS: needs, work.STOP: stop}
        self._tables |= {work.CALLS + worker: table for worker, table in enumerate(calls)}
        self.job = np.zeros(work.CALLS + len(calls), np.int64)
        self.job[work.PHASES] = len(phases)
        for place, table in self._tables.items():
            self.job[place] = table.ctypes.data

    def begin(self, groups: int) -> int:
        """Makes the job ready for a batch of so many groups of images; returns its units."""
        self._claimed.fill(0)
        self._finished.fill(0)
        np.copyto(self._units, self._fixed_units)
        self._units[self._units < 0] = groups
        return int(self._units.sum())


class Program:
    """Named regions of phases. A region ends when all its phases are finished, or a kernel has stopped it."""

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

    def _compile(self, phases: Sequence[Phase]) -> _Region:
        calls = [[self._compile_call(call, worker) for phase in phases for call in phase.calls]
                 for worker in range(self.workers)]
        return _Region(phases, [np.array(rows, np.int64) for rows in calls], self.batch[STOP:STOP + 1])

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
        compiled = self._regions[region]
        units = compiled.begin(groups_of(images))
        if units:
            team.team.run(compiled.job, min(self.workers, get_num_threads(), units))


def new_batch_table() -> np.ndarray:
    """The table of `kernels.abi`."""
    return np.zeros(STOP + 1, np.int64)
