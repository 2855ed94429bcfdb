"""A program: tables of kernel calls over placed memory, ready to run on any batch up to its capacity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from fastconv.engine import memory, team
from fastconv.engine.memory import At, Buffer, Fixed, aligned_words
from fastconv.engine.team import Table
from fastconv.engine.threads import get_num_threads
from fastconv.kernels import work
from fastconv.kernels.abi import BATCH_WORDS, STOP, Kernel
from fastconv.layout import LANES, groups_of
from fastconv.simd.block import ONE_VECTOR, Block


@dataclass(frozen=True)
class Call:
    """One kernel with its arguments: a single record, or one for each unit of the phase.

    part: what it was emitted for, if the builder was told.
    """

    kernel: Kernel
    records: Sequence[dict[str, Any]]
    block: Block = ONE_VECTOR
    part: object = None

    def buffers(self) -> Iterator[Buffer]:
        for record in self.records:
            for value in record.values():
                buffer = value.buffer if isinstance(value, At) else value
                while isinstance(buffer, Buffer) and buffer.inside is not None:
                    buffer = buffer.inside.buffer
                if isinstance(buffer, Buffer):
                    yield buffer


@dataclass(frozen=True)
class Phase:
    """Calls made one after the other on each unit: on each group of images, or on each of `units` parts.

    The units of a phase are independent of each other, and threads take them as they come.
    needs: this phase, by number, and all before it must be finished before this one begins.
    """

    calls: list[Call]
    units: int | None = None
    needs: int = -1


def in_turn(stages: Iterable[Sequence[Phase]]) -> list[Phase]:
    """The phases of all stages; those of each begin when all earlier stages are finished."""
    phases: list[Phase] = []
    for stage in stages:
        needs = len(phases) - 1
        phases += [replace(phase, needs=needs) for phase in stage]
    return phases


#: The first and the last call that uses a buffer, by number.
Lifetimes = dict[Buffer, tuple[int, int]]


def _lifetimes(phases: Sequence[Phase]) -> tuple[Lifetimes, dict[Buffer, set[int]]]:
    """Of all buffers, and in which phases each is used.

    Nothing is known of the order in which the parts of one group get on: what they work on lives for whole phases.
    """
    lifetimes: Lifetimes = {}
    phases_of: dict[Buffer, set[int]] = {}
    start = 0
    for number, phase in enumerate(phases):
        end = start + len(phase.calls)
        for index, call in enumerate(phase.calls, start):
            first, last = (index, index) if phase.units is None else (start, end)
            for buffer in call.buffers():
                lifetimes[buffer] = (lifetimes.get(buffer, (first, last))[0], last)
                phases_of.setdefault(buffer, set()).add(number)
        start = end
    return lifetimes, phases_of


class Program:
    """Phases as one job of `kernels.work`. It ends when all of them are finished, or a kernel has stopped it."""

    def __init__(self, phases: Sequence[Phase], batch: np.ndarray, capacity: int, workers: int,
                 lanes: int = LANES, margin: int = 0) -> None:
        """batch: the int64 table that the kernels read the batch's addresses from. capacity: most images.

        lanes: images in a group.  margin: bytes that kernels may read on either side of scratch memory.
        """
        self.phases, self.batch, self.capacity, self.workers, self._lanes = phases, batch, capacity, workers, lanes
        self._margin = -(-margin // memory.ALIGNMENT) * memory.ALIGNMENT
        self._alive: list[np.ndarray] = []  # what the job and its records point to
        self._place(phases)
        self._most_units = max([phase.units for phase in phases if phase.units is not None], default=0)
        self._job = self._compile(phases)

    @property
    def scratch_bytes(self) -> int:
        """Bytes of scratch memory of one worker."""
        return self._arenas[0].size

    def _place(self, phases: Sequence[Phase]) -> None:
        """Gives all buffers memory. What one phase of the groups leaves for another must outlive the other groups."""
        lifetimes, phases_of = _lifetimes(phases)
        self._by_parts: Lifetimes = {}
        self._passed_on: Lifetimes = {}
        own: Lifetimes = {}
        for buffer, life in lifetimes.items():
            if not buffer.per_group:
                by_parts = any(phases[number].units is not None for number in phases_of[buffer])
                kind = self._by_parts if by_parts else self._passed_on if len(phases_of[buffer]) > 1 else own
                kind[buffer] = life
        groups = groups_of(self.capacity)
        self._arenas = self._with_margin(memory.place(own), self.workers)
        [self._parts_arena] = self._with_margin(memory.place(self._by_parts), 1)
        self._passed_on_size = memory.place(self._passed_on)
        self._passed_on_arena = memory.aligned(self._passed_on_size * groups)
        self._per_group = {buffer: memory.aligned(buffer.size * groups) for buffer in lifetimes if buffer.per_group}

    def _with_margin(self, size: int, count: int) -> list[np.ndarray]:
        return [memory.aligned(size + 2 * self._margin) for _ in range(count)]

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
        if value.inside is not None:
            return self._address(value.inside, worker)
        if value.per_group:
            return self._per_group[value].ctypes.data, value.size
        if value in self._passed_on:
            return self._passed_on_arena.ctypes.data + value.offset, self._passed_on_size
        arena = self._parts_arena if value in self._by_parts else self._arenas[worker]
        return arena.ctypes.data + self._margin + value.offset, 0

    def _compile(self, phases: Sequence[Phase]) -> Table:
        count = len(phases)
        job = Table(work.CALLS + self.workers)
        job.words[work.PHASES] = count
        tables = {
            work.STARTS: aligned_words([0, *accumulate(len(phase.calls) for phase in phases)]),
            work.SIZES: aligned_words([-1 if phase.units is None else phase.units for phase in phases]),
            work.UNITS: aligned_words([0] * count),
            work.CLAIMED: aligned_words([0] * count),
            work.FINISHED: aligned_words([0] * count),
            work.NEEDS: aligned_words([phase.needs for phase in phases]),
            work.STOP: self.batch[STOP:STOP + 1],
        }
        for worker in range(self.workers):
            calls = [self._compile_call(call, worker) for phase in phases for call in phase.calls]
            tables[work.CALLS + worker] = aligned_words([word for call in calls for word in call])
        for place, each in tables.items():
            job.words[place] = each.ctypes.data
        self._alive += tables.values()
        return job

    def _compile_call(self, call: Call, worker: int) -> tuple[int, int, int]:
        layout = call.kernel.arguments
        records = memory.aligned(len(call.records) * layout.itemsize).view(layout)
        for i, fields in enumerate(call.records):
            for name, value in fields.items():
                in_memory = isinstance(value, Buffer | Fixed | At)
                records[i][name] = self._address(value, worker) if in_memory else value
        self._alive.append(records)
        return call.kernel.address(call.block), records.ctypes.data, layout.itemsize if len(records) > 1 else 0

    @property
    def addresses(self) -> tuple[int, int]:
        """Of the job and of the batch table."""
        return self._job.address, self.batch.ctypes.data

    def run(self, images: int = 0, first: int = 0) -> None:
        """Runs the phases from `first` on; `images` is how many the batch table describes."""
        groups = -(-images // self._lanes)
        self._job.words[work.GROUPS], self._job.words[work.FIRST] = groups, first
        team.team.run(self._job, min(self.workers, get_num_threads(), max(groups, self._most_units, 1)))


def new_batch_table() -> np.ndarray:
    """The table of `kernels.abi`."""
    return aligned_words([0] * BATCH_WORDS)
