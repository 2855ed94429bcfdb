"""What this machine can do at most: multiply-adds a second on one core and on all, and bytes a second from memory."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv.engine.memory import Fixed, aligned_floats
from fastconv.engine.program import Call, Phase, Program, new_batch_table
from fastconv.kernels.abi import BUFFER, Kernel, argument, block_of, floats, kernel, record
from fastconv.layout import LANES
from fastconv.runs.environment import cpu_name
from fastconv.simd import tile as tiles
from fastconv.simd import vector
from fastconv.simd.block import ONE_VECTOR, Block
from fastconv.simd.blocking import SINGLE_PIXEL_ROWS
from fastconv_bench.timing import wait_until_idle

ROUNDS = 200_000
SAMPLES = 5
FLOATS_PER_ARRAY = 16 * 1024 * 1024  # 64 MiB: far more than a thread's share of the caches

ARGUMENTS = record(("x", BUFFER), ("y", BUFFER), ("size", np.int64))


@kernel(ARGUMENTS)
def multiply_adds(records: Any, index: int) -> None:
    """`size` rounds of independent multiply-adds on registers, as many as a convolution keeps in flight."""
    op, block = argument(records), block_of(records)
    x = floats(op.x, 0)
    tile = tiles.zeros(block)
    for _ in range(op.size):
        tile = tiles.fma_vectors_vectors(tile, x, 0, 0, x, 0, 0)
    tiles.add_lane_sums(floats(op.y, 0), 0, 1, tile, False)


@kernel(ARGUMENTS)
def read(records: Any, index: int) -> None:
    """Reads `size` floats."""
    op = argument(records)
    x, total = floats(op.x, 0), vector.splat(np.float32(0.0))
    for i in range(0, op.size, LANES):
        total += vector.load(x, i)
    vector.store(floats(op.y, 0), 0, total)


@dataclass(frozen=True)
class Machine:
    """peak_one_core, peak: FLOP/s of float32 multiply-adds, two each.  bandwidth: bytes/s read with all threads."""

    cpu: str
    threads: int
    peak_one_core: float
    peak: float
    bandwidth: float


class Gauge:
    """Measures the machine again and again, and keeps the best: what it can do, not what others left of it once."""

    def __init__(self, threads: int) -> None:
        """threads: how many fastconv is set to use."""
        block = Block(SINGLE_PIXEL_ROWS, 1)
        lanes, memory = [aligned_floats(LANES)], [np.ones(FLOATS_PER_ARRAY, np.float32) for _ in range(threads)]
        self._threads = threads
        self._programs = {"one core": _program(multiply_adds, lanes, ROUNDS, block),
                          "all cores": _program(multiply_adds, lanes * threads, ROUNDS, block),
                          "memory": _program(read, memory, FLOATS_PER_ARRAY)}
        self._best = dict.fromkeys(self._programs, math.inf)

    def sample(self) -> None:
        """Measures for some 50 ms."""
        wait_until_idle()
        for name, program in self._programs.items():
            program.run()  # wakes all threads
            for _ in range(SAMPLES):
                start = time.perf_counter()
                program.run()
                self._best[name] = min(self._best[name], time.perf_counter() - start)

    def machine(self) -> Machine:
        """The best of all samples."""
        work = 2.0 * SINGLE_PIXEL_ROWS * LANES * ROUNDS
        one = work / self._best["one core"]
        every = max(one, work * self._threads / self._best["all cores"])
        bandwidth = 4.0 * FLOATS_PER_ARRAY * self._threads / self._best["memory"]
        return Machine(cpu_name(), self._threads, one, every, bandwidth)


def _program(work: Kernel, arrays: list[np.ndarray], size: int, block: Block = ONE_VECTOR) -> Program:
    """Runs a kernel once on each array, in parallel."""
    records = [{"x": Fixed(x), "y": Fixed(aligned_floats(LANES * LANES)), "size": size} for x in arrays]
    return Program([Phase([Call(work, records, block)], len(arrays))], new_batch_table(), 0, len(arrays))
