"""What a gradient goes through before the update: its sum over the groups of images, its norm, and clipping."""

from __future__ import annotations

import math

import numpy as np

from fastconv.kernels.abi import BUFFER, COUNT, STOP, argument, floats, integers, kernel, pointer, record
from fastconv.kernels.update import CHUNK
from fastconv.layout import LANES
from fastconv.simd.vector import fma, lane_sum, load_first, select, splat, store_first

#: A range of a gradient. slot: one float64 for sum_squares.  bound: one float32 for the others.
RANGE = record(("grad", BUFFER), ("slot", BUFFER), ("bound", BUFFER), ("size", np.int64))

@kernel(record(("partial", BUFFER), ("grad", BUFFER), ("batch", BUFFER),
               ("targets", np.int64), ("rows", np.int64), ("cols", np.int64)))
def sum_groups(records, _index):
    """grad[t, col, row] = the sum of the groups' partial[t, row, col], in the order of the groups.

    The sums are taken in the first group's memory.
    """
    op = argument(records)
    grad, sums = floats(op.grad, 0), floats(op.partial, 0)
    size = op.rows * op.cols
    for group in range(1, (integers(op.batch, 0)[COUNT] + LANES - 1) // LANES):
        partial = floats(op.partial, group)
        for i in range(op.targets * size):
            sums[i] += partial[i]
    for t in range(op.targets):
        for col in range(op.cols):
            for row in range(op.rows):
                grad[t * size + col * op.rows + row] = sums[t * size + row * op.cols + col]


@kernel(RANGE)
def sum_squares(records, _index):
    """slot = Σ grad²"""
    op = argument(records)
    grad, total = floats(op.grad, 0), 0.0
    for chunk in range(0, op.size, CHUNK):
        squares = splat(np.float32(0.0))
        for i in range(chunk, min(op.size, chunk + CHUNK), LANES):
            g = load_first(grad, i, op.size - i)
            squares = fma(g, g, squares)
        total += lane_sum(squares)
    pointer(np.float64, op.slot.address)[0] = total


@kernel(RANGE)
def scale(records, _index):
    """grad ← bound · grad"""
    op = argument(records)
    grad, factor = floats(op.grad, 0), splat(floats(op.bound, 0)[0])
    for i in range(0, op.size, LANES):
        left = op.size - i
        store_first(grad, i, factor * load_first(grad, i, left), left)


@kernel(RANGE)
def clamp(records, _index):
    """grad ← grad, no further from 0 than bound"""
    op = argument(records)
    grad, most = floats(op.grad, 0), splat(floats(op.bound, 0)[0])
    least = splat(-floats(op.bound, 0)[0])
    for i in range(0, op.size, LANES):
        left = op.size - i
        g = load_first(grad, i, left)
        g = select(g > most, most, g)
        store_first(grad, i, select(least > g, least, g), left)


@kernel(record(("slots", BUFFER), ("total", BUFFER), ("count", np.int64), ("width", np.int64), ("first", np.int64)))
def add_up(records, _index):
    """total[k] = the sum of slots[i, k] over i in order, onto what is there unless it is the first."""
    op = argument(records)
    slots, total = pointer(np.float64, op.slots.address), pointer(np.float64, op.total.address)
    for k in range(op.width):
        value = 0.0 if op.first else total[k]
        for i in range(op.count):
            value += slots[i * op.width + k]
        total[k] = value


@kernel(record(("squares", BUFFER), ("factor", BUFFER), ("batch", BUFFER), ("max_norm", np.float64)))
def clip_factor(records, _index):
    """factor = min(1, max_norm / (norm + 10⁻⁶)), PyTorch's; the program stops where the norm is no finite number."""
    op = argument(records)
    norm = math.sqrt(pointer(np.float64, op.squares.address)[0])
    floats(op.factor, 0)[0] = min(1.0, op.max_norm / (norm + 1e-6))
    if not math.isfinite(norm):
        integers(op.batch, 0)[STOP] = 1
