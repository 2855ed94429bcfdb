"""One image by itself: a vector is 16 neighbouring pixels of a plane, and no lane waits for another image.

Planes are walked from end to end, across rows and the gaps between them, so there are no tails, and what a tap sees
lies at the same distance from every result. Where it lies outside the image, or the result in a gap, a mask says so.
Reads may go beyond a buffer by the builder's margin. Writes stay inside a channel's plane, so that threads may share
the channels; where channels are single pixels they may go beyond a buffer by `SLACK` bytes, which are never read.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastconv.kernels.abi import (
    BUFFER,
    INDICES,
    RESULTS,
    argument,
    floats,
    integers,
    kernel,
    pointer,
    record,
    shorts,
)
from fastconv.kernels.activation import COEFFICIENTS, formula_of
from fastconv.kernels.pack import PACK, PLACE
from fastconv.kernels.upsample import ARGUMENTS as UPSAMPLE
from fastconv.layout import LANES
from fastconv.simd import ir_tools, math, vector
from fastconv.simd.ir_tools import FLOATS, INTEGERS
from fastconv.simd.native import native

#: Bytes behind a buffer that a vector may reach: two vectors, of which every second float is taken.
SLACK = 2 * 4 * LANES

ZERO = np.float32(0.0)

SPLIT = record(
    ("x", BUFFER), ("y", BUFFER),
    ("phases", BUFFER), ("phase_count", np.int64),  # of each phase its first row and column
    ("channels", np.int64), ("height", np.int64), ("width", np.int64), ("x_row", np.int64), ("x_plane", np.int64),
    ("y_row", np.int64), ("y_plane", np.int64),
    ("stride_height", np.int64), ("stride_width", np.int64),
)

#: What windows see: for each tap where it lies from a result's place, and a mask for each vector of results.
SEEN = (("offsets", BUFFER), ("masks", BUFFER), ("taps", np.int64), ("vectors", np.int64))

ROWS = record(
    ("x", BUFFER), ("y", BUFFER), ("bias", BUFFER),
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),  # of the image
    ("x_row", np.int64), ("x_plane", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
    ("distance", np.int64),  # floats from one of the four sums or products to the next
    ("pairs", np.int64), ("top", np.int64), ("lower", np.float32),
)

POOL = record(("x", BUFFER), ("y", BUFFER), *SEEN, ("channels", np.int64), ("x_plane", np.int64), ("y_plane", np.int64),
              ("share", np.float32))


@intrinsic
def _every_second(_typing, start, index):
    """start[index], start[index + 2], …: 16 floats."""

    def codegen(_context, builder, _signature, args):
        place = builder.gep(args[0], [args[1]])
        low = ir_tools.load(builder, place, FLOATS)
        high = ir_tools.load(builder, builder.gep(place, [ir.Constant(args[1].type, LANES)]), FLOATS)
        lanes = ir.Constant(INTEGERS, list(range(0, 2 * LANES, 2)))
        return builder.shuffle_vector(low, high, lanes)

    return vector.floats(start, types.intp), codegen


@native
def _image(images, op, index):
    """x = images[indices[index]] * scale + shift"""
    batch, scale, shift, x = integers(op.batch, 0), floats(op.scale, 0), floats(op.shift, 0), floats(op.x, index)
    source = pointer(np.int64, batch[INDICES])[index] * op.channels * op.height * op.width
    rows, length = (1, op.height * op.width) if op.row == op.width else (op.height, op.width)
    for c in range(op.channels):
        factor, term = scale[c], shift[c]
        for h in range(rows):
            target = c * op.plane + h * op.row
            for w in range(length):
                x[target + w] = np.float32(images[source + w]) * factor + term
            source += length


@kernel(PACK)
def image_uint8(records, index):
    """x = images[indices[index]] * scale + shift"""
    op = argument(records)
    _image(pointer(np.uint8, integers(op.batch, 0)[op.slot]), op, index)


@kernel(PACK)
def image_float32(records, index):
    """As `image_uint8`, for float32 images."""
    op = argument(records)
    _image(pointer(np.float32, integers(op.batch, 0)[op.slot]), op, index)


@kernel(record(("x", BUFFER), ("batch", BUFFER), *PLACE))
def result(records, index):
    """y[index, channel, height, width] = x"""
    op = argument(records)
    x, y = floats(op.x, index), pointer(np.float32, integers(op.batch, 0)[RESULTS])
    target = index * op.channels * op.height * op.width
    for c in range(op.channels):
        for h in range(op.height):
            source = c * op.plane + h * op.row
            for w in range(op.width):
                y[target + w] = x[source + w]
            target += op.width


@native
def _copy_rows(rows, count, stride, x, source, x_step, y, target, y_step):
    """y[target + h · y_step + i] = x[source + h · x_step + i · stride] for h < rows and i < count.

    Rows are written in the order of their addresses: one overwrites what the one before has left behind its end.
    """
    for _ in range(rows):
        if stride == 1:
            for i in range(0, count, LANES):
                vector.store(y, target + i, vector.load(x, source + i))
        elif stride == 2:
            for i in range(0, count, LANES):
                vector.store(y, target + i, _every_second(x, source + 2 * i))
        else:
            for i in range(count):
                y[target + i] = x[source + i * stride]
        source += x_step
        target += y_step


@native
def _phase(count, first, stride):
    """How many of `count` rows or columns belong to a phase."""
    return (count - first + stride - 1) // stride


@kernel(SPLIT)
def split(records, index):
    """y[c, phase, h, w] = x[c, h · stride + row of the phase, w · stride + its column], as far as x goes.

    All that a tap of a strided window sees then lies side by side.
    """
    op = argument(records)
    x, y, phases = floats(op.x, index), floats(op.y, index), integers(op.phases, 0)
    x_row, y_row, stride, x_step = op.x_row, op.y_row, op.stride_width, op.stride_height * op.x_row
    for c in range(op.channels):
        for phase in range(op.phase_count):
            row, col = phases[2 * phase], phases[2 * phase + 1]
            rows, count = _phase(op.height, row, op.stride_height), _phase(op.width, col, stride)
            source, target = c * op.x_plane + row * x_row + col, (c * op.phase_count + phase) * op.y_plane
            if stride == 1:
                _copy_rows(rows, count, 1, x, source, x_step, y, target, y_row)
            elif stride == 2:
                _copy_rows(rows, count, 2, x, source, x_step, y, target, y_row)
            else:
                _copy_rows(rows, count, stride, x, source, x_step, y, target, y_row)


@native
def _row_at(op, x, plane, h, w):
    """16 pixels of row h, zeros above and below the image."""
    inside = 0 <= h < op.height
    return vector.load_first(x, plane + h * op.x_row + w if inside else plane, LANES if inside else 0)


@kernel(ROWS)
def split_pairs(records, index):
    """The four sums of rows d0 - d2, d1 + d2, d2 - d1, d1 - d3 for every two rows of results of three taps.

    Winograd's F(2, 3) along the columns (Lavin & Gray 2016, section 4.1): y[k, c, pair, w] from rows 2 pair - top to
    2 pair + 3 - top of x[c].
    """
    op = argument(records)
    x, y, distance = floats(op.x, index), floats(op.y, index), op.distance
    for c in range(op.channels):
        plane = c * op.x_plane
        for pair in range(op.pairs):
            h, target = 2 * pair - op.top, c * op.y_plane + pair * op.y_row
            for w in range(0, op.width, LANES):
                d0, d1 = _row_at(op, x, plane, h, w), _row_at(op, x, plane, h + 1, w)
                d2, d3 = _row_at(op, x, plane, h + 2, w), _row_at(op, x, plane, h + 3, w)
                vector.store(y, target + w, d0 - d2)
                vector.store(y, target + w + distance, d1 + d2)
                vector.store(y, target + w + 2 * distance, d2 - d1)
                vector.store(y, target + w + 3 * distance, d1 - d3)


@kernel(ROWS)
def join_pairs(records, index):
    """y[c, 2 pair] = max(lower, m0 + m1 + m2 + bias[c]) and y[c, 2 pair + 1] = max(lower, m1 - m2 - m3 + bias[c]).

    m: x[k, c, pair], the products of `split_pairs`' sums.
    """
    op = argument(records)
    x, y, bias, lower = floats(op.x, index), floats(op.y, index), floats(op.bias, 0), op.lower
    distance = op.distance
    for c in range(op.channels):
        term = vector.splat(bias[c])
        for pair in range(op.pairs):
            source, target = c * op.x_plane + pair * op.x_row, c * op.y_plane + 2 * pair * op.y_row
            for w in range(0, op.width, LANES):
                m1, m2 = vector.load(x, source + w + distance), vector.load(x, source + w + 2 * distance)
                first = vector.load(x, source + w) + (m1 + m2)
                vector.store(y, target + w, vector.at_least(first + term, lower))
            if 2 * pair + 1 < op.height:
                for w in range(0, op.width, LANES):
                    m1, m2 = vector.load(x, source + w + distance), vector.load(x, source + w + 2 * distance)
                    second = (m1 - m2) - vector.load(x, source + w + 3 * distance)
                    vector.store(y, target + op.y_row + w, vector.at_least(second + term, lower))


@kernel(POOL)
def max_pool(records, index):
    """The maximum of what the taps see; NaN wins over everything."""
    op = argument(records)
    x, y, offsets, masks = floats(op.x, index), floats(op.y, index), integers(op.offsets, 0), shorts(op.masks, 0)
    lowest = np.float32(-np.inf)
    for c in range(op.channels):
        for v in range(op.vectors):
            source, best = c * op.x_plane + v * LANES, vector.splat(lowest)
            for tap in range(op.taps):
                value = vector.load(x, source + offsets[tap])
                wins = ((value > best) | vector.is_nan(value)) & vector.load_mask(masks, tap * op.vectors + v)
                best = vector.select(wins, value, best)
            vector.store(y, c * op.y_plane + v * LANES, best)


@kernel(POOL)
def mean_pool(records, index):
    """The mean of what the taps see, and of zeros outside the image."""
    op = argument(records)
    x, y, offsets, masks = floats(op.x, index), floats(op.y, index), integers(op.offsets, 0), shorts(op.masks, 0)
    share = vector.splat(op.share)
    for c in range(op.channels):
        for v in range(op.vectors):
            source, total = c * op.x_plane + v * LANES, vector.splat(ZERO)
            for tap in range(op.taps):
                inside = vector.load_mask(masks, tap * op.vectors + v)
                total += vector.select(inside, vector.load(x, source + offsets[tap]), ZERO)
            vector.store(y, c * op.y_plane + v * LANES, total * share)


@kernel(POOL)
def plane_mean(records, index):
    """y[c] = the mean of channel c; the masks of the only tap say where its pixels are."""
    op = argument(records)
    x, y, masks = floats(op.x, index), floats(op.y, index), shorts(op.masks, 0)
    for c in range(op.channels):
        total = vector.splat(ZERO)
        for v in range(op.vectors):
            total += vector.select(vector.load_mask(masks, v), vector.load(x, c * op.x_plane + v * LANES), ZERO)
        y[c] = vector.lane_sum(total) * op.share


@kernel(record(("y", BUFFER), ("classes", np.int64)))
def softmax(records, index):
    """y_k = exp(y_k - max) / Σ exp(y - max)"""
    op = argument(records)
    y = floats(op.y, index)
    largest = y[0]
    for k in range(1, op.classes):
        if y[k] > largest or y[k] != y[k]:
            largest = y[k]
    total = vector.splat(ZERO)
    for k in range(0, op.classes, LANES):
        inside = vector.first_lanes(op.classes - k)
        e = vector.select(inside, math.exp(vector.load(y, k) - vector.splat(largest)), ZERO)
        total += e
        vector.store(y, k, e)
    share = vector.splat(vector.lane_sum(total))
    for k in range(0, op.classes, LANES):
        vector.store(y, k, vector.load(y, k) / share)


@kernel(record(("x", BUFFER), ("y", BUFFER), ("channels", np.int64), ("floats", np.int64),
               ("x_step", np.int64), ("y_step", np.int64)))
def copy_channels(records, index):
    """y[c · y_step + i] = x[c · x_step + i] for each channel c, and nothing behind its `floats`."""
    op = argument(records)
    x, y = floats(op.x, index), floats(op.y, index)
    for c in range(op.channels):
        source, target = c * op.x_step, c * op.y_step
        for i in range(op.floats):
            y[target + i] = x[source + i]


@native
def _values(values, step, i, count):
    """A coefficient of 16 features."""
    return vector.load_first(values, i, count) if step else vector.splat(values[0])


@kernel(record(("x", BUFFER), ("y", BUFFER), ("features", np.int64), *COEFFICIENTS))
def activate_features(records, index):
    """y = f(x), of single pixels, whose coefficients are vectors too; y may be x."""
    op, formula = argument(records), formula_of(records)
    x, y = floats(op.x, index), floats(op.y, index)
    a, b, c = floats(op.a, 0), floats(op.b, 0), floats(op.c, index)
    for i in range(0, op.features, LANES):
        count = op.features - i
        value, _, _, _, _ = formula(vector.load(x, i), _values(a, op.a_step, i, count), _values(b, op.b_step, i, count),
                                    _values(c, op.c_step, i, count))
        vector.store_first(y, i, value, count)


@kernel(record(("x", BUFFER), ("y", BUFFER), ("masks", BUFFER), ("vectors", np.int64), ("channels", np.int64),
               ("width", np.int64), ("plane", np.int64), ("share", np.float32), ("eps", np.float32)))
def group_norm(records, index):
    """y = (x - mean) / √(var + ε) over each `width` channels; `share` is 1 / their pixels, which the masks tell.

    Two passes, the second with a correction of the first's rounding (Chan et al. 1983, equation 1.7). y may be x.
    """
    op = argument(records)
    x, y, masks, zero = floats(op.x, index), floats(op.y, index), shorts(op.masks, 0), vector.splat(ZERO)
    for first in range(0, op.channels, op.width):
        total, away, squares = zero, zero, zero
        for c in range(first, first + op.width):
            for v in range(op.vectors):
                total += vector.select(vector.load_mask(masks, v), vector.load(x, c * op.plane + v * LANES), ZERO)
        mean = vector.lane_sum(total) * op.share
        for c in range(first, first + op.width):
            for v in range(op.vectors):
                distance = vector.load(x, c * op.plane + v * LANES) - vector.splat(mean)
                distance = vector.select(vector.load_mask(masks, v), distance, ZERO)
                away += distance
                squares = vector.fma(distance, distance, squares)
        lost = vector.lane_sum(away) * op.share
        variance = vector.lane_sum(squares) * op.share - lost * lost
        centre = vector.splat(mean + lost)
        scale = vector.splat(np.float32(1.0)) / vector.sqrt(vector.splat(variance + op.eps))
        for c in range(first, first + op.width):
            for v in range(op.vectors):
                i = c * op.plane + v * LANES
                vector.store(y, i, (vector.load(x, i) - centre) * scale)


@kernel(UPSAMPLE)
def upsample(records, index):
    """y[c, h, w] = x[c, h // scale_height, w // scale_width]"""
    op = argument(records)
    x, y = floats(op.x, index), floats(op.y, index)
    for c in range(op.channels):
        for h in range(op.height * op.scale_height):
            source, target = c * op.x_plane + h // op.scale_height * op.x_row, c * op.y_plane + h * op.y_row
            for w in range(op.width):
                for i in range(op.scale_width):
                    y[target + w * op.scale_width + i] = x[source + w]
