"""Max and average pooling on packed activations, with the position of each maximum kept for the gradient."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, kernel, octets, record, shorts
from fastconv.layout import LANES
from fastconv.simd import vector
from fastconv.simd.native import native

#: The windows of x, each of which makes a pixel of y.
WINDOWS = (
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),  # of x
    ("out_height", np.int64), ("out_width", np.int64),
    ("kernel_height", np.int64), ("kernel_width", np.int64),
    ("stride_height", np.int64), ("stride_width", np.int64),
    ("top", np.int64), ("left", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
)

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),  # or, backward: dx, dy
    ("argmax", BUFFER),  # [channels, y_plane, lane]: the maximum's place in its window
    ("gate", BUFFER),  # backward: the pooled activations, where a ReLU stood between convolution and pooling
    ("gated", np.int64),
    *WINDOWS,
    # of means: one over the pixels of a window, or 0 where windows differ in that; then those of the padding may count
    ("share", np.float32), ("count_include_pad", np.int64), ("bottom", np.int64), ("right", np.int64),
)


@native
def inside(position, stride, padding, kernel_size, size):
    """The kernel positions [start, end) of a window that lie inside the image."""
    first = position * stride - padding
    return max(0, -first), min(kernel_size, size - first)


@native
def corner_of(op, c, oh, ow):
    """The pixel of x at which a window begins, perhaps in the padding."""
    return c * op.x_plane + (oh * op.stride_height - op.top) * op.x_row + ow * op.stride_width - op.left


@native
def _whole(constant, kernel_size, stride, padding, size, outputs):
    """The windows [first, end) of a row or column that lie inside the image, if their size is the compile-time one."""
    if kernel_size != constant:
        return 0, 0
    return (padding + stride - 1) // stride, min(outputs, (size + padding - kernel_size) // stride + 1)


@native
def whole_windows(window, op):
    """The rows and the columns [first, end) of windows that `_whole` tells of."""
    return (_whole(window.rows, op.kernel_height, op.stride_height, op.top, op.height, op.out_height),
            _whole(window.cols, op.kernel_width, op.stride_width, op.left, op.width, op.out_width))


@native
def _maximum(x, argmax, corner, row, kernel_width, kh_start, kh_end, kw_start, kw_end):
    """The maximum of a window and its place; the window's first pixel is x[corner], its pixels are those given."""
    best = vector.splat(np.float32(-np.inf))
    place = vector.splat_integer(argmax, kh_start * kernel_width + kw_start)
    for kh in range(kh_start, kh_end):
        for kw in range(kw_start, kw_end):
            value = vector.load(x, (corner + kh * row + kw) * LANES)
            wins = (value > best) | vector.is_nan(value)
            best = vector.select(wins, value, best)
            place = vector.select(wins, vector.splat_integer(argmax, kh * kernel_width + kw), place)
    return best, place


@native
def _max_pool2d(window, op, x, y, argmax):
    """window: the kernel size where it is a compile-time constant, so that whole windows need no loops; else 1 x 1."""
    rows, cols = whole_windows(window, op)
    for c in range(op.channels):
        for oh in range(op.out_height):
            kh_start, kh_end = inside(oh, op.stride_height, op.top, op.kernel_height, op.height)
            corner, target = corner_of(op, c, oh, 0), (c * op.y_plane + oh * op.y_row) * LANES
            for ow in range(op.out_width):
                if rows[0] <= oh < rows[1] and cols[0] <= ow < cols[1]:
                    best, place = _maximum(x, argmax, corner, op.x_row, window.cols, 0, window.rows, 0, window.cols)
                else:
                    kw_start, kw_end = inside(ow, op.stride_width, op.left, op.kernel_width, op.width)
                    best, place = _maximum(
                        x, argmax, corner, op.x_row, op.kernel_width, kh_start, kh_end, kw_start, kw_end)
                vector.store(y, target, best)
                vector.store(argmax, target, place)
                corner += op.stride_width
                target += LANES


@native
def _routed(op, dy, argmax, gate, source):
    """dy, with zeros where the gate is closed, and the places its values go to."""
    gradient, zero = vector.load(dy, source), vector.splat(np.float32(0.0))
    if op.gated:
        gradient = vector.select(vector.load(gate, source) > zero, gradient, zero)
    return gradient, vector.load(argmax, source)


@native
def _scatter(dx, gradient, place, argmax, corner, row, kernel_width, kh_start, kh_end, kw_start, kw_end):
    """Writes a window's pixels: the gradient where the maximum was, zero elsewhere."""
    zero = vector.splat(np.float32(0.0))
    for kh in range(kh_start, kh_end):
        for kw in range(kw_start, kw_end):
            chosen = place == vector.splat_integer(argmax, kh * kernel_width + kw)
            vector.store(dx, (corner + kh * row + kw) * LANES, vector.select(chosen, gradient, zero))


@native
def _clear_between(op, dx):
    """Zeros where windows leave pixels out."""
    zero = vector.splat(np.float32(0.0))
    whole = (op.stride_height == op.kernel_height and op.out_height * op.stride_height - op.top >= op.height
             and op.stride_width == op.kernel_width and op.out_width * op.stride_width - op.left >= op.width)
    if not whole:
        for c in range(op.channels):
            for h in range(op.height):
                for w in range(op.width):
                    vector.store(dx, (c * op.x_plane + h * op.x_row + w) * LANES, zero)


@native
def _max_pool2d_grad_separate(window, op, dx, dy, argmax, gate):
    """Where windows do not overlap, each pixel is written once. window: as for `_max_pool2d`."""
    _clear_between(op, dx)
    rows, cols = whole_windows(window, op)
    for c in range(op.channels):
        for oh in range(op.out_height):
            kh_start, kh_end = inside(oh, op.stride_height, op.top, op.kernel_height, op.height)
            corner, source = corner_of(op, c, oh, 0), (c * op.y_plane + oh * op.y_row) * LANES
            for ow in range(op.out_width):
                gradient, place = _routed(op, dy, argmax, gate, source)
                if rows[0] <= oh < rows[1] and cols[0] <= ow < cols[1]:
                    _scatter(dx, gradient, place, argmax, corner, op.x_row, window.cols, 0, window.rows, 0, window.cols)
                else:
                    kw_start, kw_end = inside(ow, op.stride_width, op.left, op.kernel_width, op.width)
                    _scatter(dx, gradient, place, argmax, corner, op.x_row, op.kernel_width,
                             kh_start, kh_end, kw_start, kw_end)
                corner += op.stride_width
                source += LANES


@native
def _windows_of(position, stride, padding, kernel_size, outputs):
    """The windows [start, end) that cover one pixel row or column."""
    start = (position + padding - kernel_size) // stride + 1
    return max(0, start), min(outputs, (position + padding) // stride + 1)


@native
def _max_pool2d_grad_overlapping(op, dx, dy, argmax, gate):
    """Each pixel gathers from the windows that cover it, so nothing is scattered."""
    zero = vector.splat(np.float32(0.0))
    for c in range(op.channels):
        for h in range(op.height):
            oh_start, oh_end = _windows_of(h, op.stride_height, op.top, op.kernel_height, op.out_height)
            for w in range(op.width):
                ow_start, ow_end = _windows_of(w, op.stride_width, op.left, op.kernel_width, op.out_width)
                total = zero
                for oh in range(oh_start, oh_end):
                    for ow in range(ow_start, ow_end):
                        kh, kw = h - oh * op.stride_height + op.top, w - ow * op.stride_width + op.left
                        gradient, place = _routed(op, dy, argmax, gate, (c * op.y_plane + oh * op.y_row + ow) * LANES)
                        chosen = place == vector.splat_integer(argmax, kh * op.kernel_width + kw)
                        total += vector.select(chosen, gradient, zero)
                vector.store(dx, (c * op.x_plane + h * op.x_row + w) * LANES, total)


@native
def _max_pool2d_grad(window, op, dx, dy, argmax, gate):
    if op.stride_height >= op.kernel_height and op.stride_width >= op.kernel_width:
        _max_pool2d_grad_separate(window, op, dx, dy, argmax, gate)
    else:
        _max_pool2d_grad_overlapping(op, dx, dy, argmax, gate)


@kernel(ARGUMENTS)
def max_pool2d(records, group):
    """The maximum of each window, and its place; the first one wins, and NaN wins over everything."""
    op = argument(records)
    _max_pool2d(block_of(records), op, floats(op.x, group), floats(op.y, group), octets(op.argmax, group))


@kernel(ARGUMENTS)
def max_pool2d_wide(records, group):
    """As `max_pool2d`, with places in uint16."""
    op = argument(records)
    _max_pool2d(block_of(records), op, floats(op.x, group), floats(op.y, group), shorts(op.argmax, group))


@kernel(ARGUMENTS)
def max_pool2d_grad(records, group):
    """dx: dy at the maxima."""
    op, window = argument(records), block_of(records)
    dx, dy, gate = floats(op.x, group), floats(op.y, group), floats(op.gate, group)
    _max_pool2d_grad(window, op, dx, dy, octets(op.argmax, group), gate)


@kernel(ARGUMENTS)
def max_pool2d_grad_wide(records, group):
    """As `max_pool2d_grad`, with places in uint16."""
    op, window = argument(records), block_of(records)
    dx, dy, gate = floats(op.x, group), floats(op.y, group), floats(op.gate, group)
    _max_pool2d_grad(window, op, dx, dy, shorts(op.argmax, group), gate)


@native
def _extent(first, kernel_size, size, after, count_include_pad):
    """The rows or columns of a window that count in its mean; what is beyond the padding never does."""
    end = min(first + kernel_size, size + after if count_include_pad else size)
    return end - (first if count_include_pad else max(0, first))


@native
def _share(op, oh, ow):
    """The share that a pixel has in the mean of a window."""
    if op.share > 0:
        return op.share
    height = _extent(oh * op.stride_height - op.top, op.kernel_height, op.height, op.bottom, op.count_include_pad)
    width = _extent(ow * op.stride_width - op.left, op.kernel_width, op.width, op.right, op.count_include_pad)
    return np.float32(1.0) / np.float32(height * width)


@kernel(ARGUMENTS)
def avg_pool2d(records, group):
    """The mean of each window; padding counts as zeros, or not at all."""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    for c in range(op.channels):
        for oh in range(op.out_height):
            kh_start, kh_end = inside(oh, op.stride_height, op.top, op.kernel_height, op.height)
            for ow in range(op.out_width):
                kw_start, kw_end = inside(ow, op.stride_width, op.left, op.kernel_width, op.width)
                corner = corner_of(op, c, oh, ow)
                total = vector.splat(np.float32(0.0))
                for kh in range(kh_start, kh_end):
                    for kw in range(kw_start, kw_end):
                        total += vector.load(x, (corner + kh * op.x_row + kw) * LANES)
                vector.store(y, (c * op.y_plane + oh * op.y_row + ow) * LANES, total * _share(op, oh, ow))


@kernel(ARGUMENTS)
def avg_pool2d_grad(records, group):
    """dx: each pixel gathers its share of dy from every window that covers it."""
    op = argument(records)
    dx, dy = floats(op.x, group), floats(op.y, group)
    for c in range(op.channels):
        for h in range(op.height):
            oh_start, oh_end = _windows_of(h, op.stride_height, op.top, op.kernel_height, op.out_height)
            for w in range(op.width):
                ow_start, ow_end = _windows_of(w, op.stride_width, op.left, op.kernel_width, op.out_width)
                total = vector.splat(np.float32(0.0))
                for oh in range(oh_start, oh_end):
                    for ow in range(ow_start, ow_end):
                        gradient = vector.load(dy, (c * op.y_plane + oh * op.y_row + ow) * LANES)
                        total += gradient * _share(op, oh, ow)
                vector.store(dx, (c * op.x_plane + h * op.x_row + w) * LANES, total)
