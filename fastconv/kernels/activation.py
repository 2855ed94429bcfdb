"""Activations and their gradients, element by element on packed memory; ReLU in place, all others by their formulas."""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic

from fastconv.kernels import formulas
from fastconv.kernels.abi import BUFFER, argument, floats, kernel, record
from fastconv.layout import LANES
from fastconv.simd import vector
from fastconv.simd.native import native

ZERO = np.float32(0.0)

FORWARD = record(("y", BUFFER), ("size", np.int64))
BACKWARD = record(("dy", BUFFER), ("y", BUFFER), ("size", np.int64))

#: The coefficients of a formula: one for each channel (step 1) or for all (step 0); c may have one for each lane too.
COEFFICIENTS = (
    ("a", BUFFER), ("b", BUFFER), ("c", BUFFER), ("a_step", np.int64), ("b_step", np.int64), ("c_step", np.int64),
    ("c_has_lanes", np.int64))
PLANES = (("channels", np.int64), ("pixels", np.int64), ("plane", np.int64))


@intrinsic
def formula_of(_typing, records):
    """The formula the kernel is compiled for."""
    formula = types.Dispatcher(getattr(formulas, records.formula))

    def codegen(context, _builder, _signature, _args):
        return context.get_dummy_value()

    return formula(records), codegen


@native
def coefficients(op, group, channel):
    """A formula's a, b and c in one channel, as vectors."""
    a, b, c = floats(op.a, 0), floats(op.b, 0), floats(op.c, group)
    last = vector.load(c, channel * op.c_step * LANES) if op.c_has_lanes else vector.splat(c[channel * op.c_step])
    return vector.splat(a[channel * op.a_step]), vector.splat(b[channel * op.b_step]), last


@kernel(FORWARD)
def relu(records, group):
    """y = max(y, 0)"""
    op = argument(records)
    y = floats(op.y, group)
    for i in range(op.size):
        y[i] = ZERO if y[i] < ZERO else y[i]


@kernel(record(("x", BUFFER), ("y", BUFFER), ("size", np.int64)))
def copy(records, group):
    """y = x"""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    for i in range(0, op.size, LANES):
        vector.store(y, i, vector.load(x, i))


@kernel(record(("x", BUFFER), ("y", BUFFER), ("z", BUFFER), ("size", np.int64), ("lower", np.float32)))
def add(records, group):
    """z = max(x + y, lower); z may be x or y."""
    op = argument(records)
    x, y, z = floats(op.x, group), floats(op.y, group), floats(op.z, group)
    lower = op.lower
    for i in range(0, op.size, LANES):
        vector.store(z, i, vector.at_least(vector.load(x, i) + vector.load(y, i), lower))


@kernel(BACKWARD)
def relu_grad(records, group):
    """dy = dy where y > 0, else 0"""
    op = argument(records)
    dy, y = floats(op.dy, group), floats(op.y, group)
    for i in range(op.size):
        dy[i] = dy[i] if y[i] > ZERO else ZERO


@kernel(record(("x", BUFFER), ("y", BUFFER), ("slope", BUFFER), ("keeps_slope", np.int64), *COEFFICIENTS, *PLANES))
def activate(records, group):
    """y = f(x), and where it is kept, slope = f'(x); y may be x."""
    op, formula = argument(records), formula_of(records)
    x, y, slope = floats(op.x, group), floats(op.y, group), floats(op.slope, group)
    for channel in range(op.channels):
        a, b, c = coefficients(op, group, channel)
        start = channel * op.plane * LANES
        if op.keeps_slope:
            for i in range(start, start + op.pixels * LANES, LANES):
                value, derivative, _, _, _ = formula(vector.load(x, i), a, b, c)
                vector.store(y, i, value)
                vector.store(slope, i, derivative)
        else:
            for i in range(start, start + op.pixels * LANES, LANES):
                value, _, _, _, _ = formula(vector.load(x, i), a, b, c)
                vector.store(y, i, value)


@kernel(record(("dy", BUFFER), ("slope", BUFFER), ("size", np.int64)))
def multiply(records, group):
    """dy = dy · slope"""
    op = argument(records)
    dy, slope = floats(op.dy, group), floats(op.slope, group)
    for i in range(0, op.size, LANES):
        vector.store(dy, i, vector.load(dy, i) * vector.load(slope, i))


@kernel(record(
    ("x", BUFFER), ("dy", BUFFER), ("da", BUFFER), ("db", BUFFER), ("dc", BUFFER),
    ("a_count", np.int64), ("b_count", np.int64), ("c_count", np.int64),  # of those that are learned; 0 elsewhere
    *COEFFICIENTS, *PLANES))
def activate_grad(records, group):
    """dy = dy · f'(x), and the sums of dy by each coefficient that is learned, over the pixels and images of a group.

    A c with lanes has a sum for each image.
    """
    op, formula = argument(records), formula_of(records)
    x, dy = floats(op.x, group), floats(op.dy, group)
    da, db, dc = floats(op.da, group), floats(op.db, group), floats(op.dc, group)
    zero = vector.splat(ZERO)
    for i in range(op.a_count):
        da[i] = ZERO
    for i in range(op.b_count):
        db[i] = ZERO
    for i in range(op.c_count * LANES if op.c_has_lanes else op.c_count):
        dc[i] = ZERO
    for channel in range(op.channels):
        a, b, c = coefficients(op, group, channel)
        start = channel * op.plane * LANES
        by_a, by_b, by_c = zero, zero, zero
        for i in range(start, start + op.pixels * LANES, LANES):
            gradient = vector.load(dy, i)
            _, slope, slope_a, slope_b, slope_c = formula(vector.load(x, i), a, b, c)
            vector.store(dy, i, gradient * slope)
            by_a += gradient * slope_a
            by_b += gradient * slope_b
            by_c += gradient * slope_c
        if op.a_count:
            da[channel * op.a_step] += vector.lane_sum(by_a)
        if op.b_count:
            db[channel * op.b_step] += vector.lane_sum(by_b)
        if op.c_count:
            place = channel * op.c_step
            if op.c_has_lanes:
                vector.store(dc, place * LANES, vector.load(dc, place * LANES) + by_c)
            else:
                dc[place] += vector.lane_sum(by_c)


@kernel(record(("x", BUFFER), ("y", BUFFER), ("y_step", np.int64), *PLANES))
def pixel_means(records, group):
    """y[c] = the mean of x[c] over its pixels; where y_step is 0, y[0] = the sum of those means."""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    share = np.float32(1.0) / np.float32(op.pixels)
    total = vector.splat(ZERO)
    for channel in range(op.channels):
        start, end = channel * op.plane * LANES, (channel * op.plane + op.pixels) * LANES
        even, odd = vector.splat(ZERO), vector.splat(ZERO)  # two sums, so that an addition need not wait for the last
        for i in range(start, end - LANES, 2 * LANES):
            even += vector.load(x, i)
            odd += vector.load(x, i + LANES)
        if op.pixels % 2:
            even += vector.load(x, end - LANES)
        mean = (even + odd) * share
        total += mean
        vector.store(y, channel * op.y_step * LANES, mean if op.y_step else total)


@kernel(record(("x", BUFFER), ("y", BUFFER), ("y_step", np.int64), *PLANES))
def pixel_means_grad(records, group):
    """x, a gradient, plus what comes through `pixel_means` from y, that of the means."""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    share = np.float32(1.0) / np.float32(op.pixels)
    for channel in range(op.channels):
        start = channel * op.plane * LANES
        each = vector.load(y, channel * op.y_step * LANES) * share
        for i in range(start, start + op.pixels * LANES, LANES):
            vector.store(x, i, vector.load(x, i) + each)


FEATURES = record(("x", BUFFER), ("y", BUFFER), ("channels", np.int64), ("height", np.int64), ("width", np.int64),
                  ("row", np.int64), ("plane", np.int64))


@kernel(FEATURES)
def features(records, group):
    """y = the pixels of x, one after the other."""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    target = 0
    for channel in range(op.channels):
        for h in range(op.height):
            for w in range(op.width):
                vector.store(y, target, vector.load(x, (channel * op.plane + h * op.row + w) * LANES))
                target += LANES


@kernel(FEATURES)
def features_grad(records, group):
    """x = y, put back where `features` took it from."""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    source = 0
    for channel in range(op.channels):
        for h in range(op.height):
            for w in range(op.width):
                vector.store(x, (channel * op.plane + h * op.row + w) * LANES, vector.load(y, source))
                source += LANES
