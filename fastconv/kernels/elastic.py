"""Elastic distortion: in each lane a cubic B-spline with random coefficients says how far pixels move."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, floats, integers, kernel, offset, record, words
from fastconv.layout import LANES
from fastconv.simd.native import native
from fastconv.simd.noise import noise
from fastconv.simd.vector import fma, load, splat, store

#: Coefficients that count at a pixel, along each axis.
SUPPORT = 4

DISPLACE = record(("keys", BUFFER), ("coefficients", BUFFER), ("points", np.int64))


@kernel(DISPLACE)
def displace(records, _group):
    """coefficients: noise along x, and then along y, at each point of the spline: [2, point, lane]."""
    op = argument(records)
    keys, coefficients = words(op.keys, 0), floats(op.coefficients, 0)
    for point in range(op.points):
        along_x, along_y = noise(keys, point)
        store(coefficients, point * LANES, along_x)
        store(coefficients, (op.points + point) * LANES, along_y)


#: How a kernel finds the spline's value: at row h of the image the SUPPORT coefficients from row rows[h] on count by
#: row_weights[h], at column w those from column columns[w] on by column_weights[w].
SPLINE = (
    ("coefficients", BUFFER), ("line", BUFFER),  # line: room for a row of coefficients of both axes
    ("rows", BUFFER), ("row_weights", BUFFER), ("columns", BUFFER), ("column_weights", BUFFER),
    ("points_high", np.int64), ("points_wide", np.int64),
)


@native
def start_row(op, h):
    """Has the spline's coefficients along row h of the image in op.line."""
    line, weights = floats(op.line, 0), offset(floats(op.row_weights, 0), h * SUPPORT)
    step, first = op.points_wide * LANES, integers(op.rows, 0)[h]
    for axis in range(2):
        source = offset(floats(op.coefficients, 0), (axis * op.points_high + first) * step)
        for column in range(0, step, LANES):
            store(line, axis * step + column, _weighted(source, column, step, weights))


@native
def displacement(op, w):
    """How far the pixel in column w of the row last started moves along x and along y."""
    first, weights = integers(op.columns, 0)[w] * LANES, offset(floats(op.column_weights, 0), w * SUPPORT)
    along_x, along_y = floats(op.line, 0), offset(floats(op.line, 0), op.points_wide * LANES)
    return _weighted(along_x, first, LANES, weights), _weighted(along_y, first, LANES, weights)


@native
def _weighted(values, first, step, weights):
    """Σ_k weights[k] values[first + k · step : + 16]"""
    total = load(values, first) * splat(weights[0])
    for k in range(1, SUPPORT):
        total = fma(splat(weights[k]), load(values, first + k * step), total)
    return total
