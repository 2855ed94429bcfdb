"""Max and average pooling on packed activations, with the position of each maximum kept for the gradient."""

from __future__ import annotations

import numpy as np
from numba import njit

from fastconv.kernels.abi import BUFFER, NATIVE, argument, floats, kernel, octets, record, shorts
from fastconv.layout import LANES
from fastconv.simd import vector

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),  # or, backward: dx, dy
    ("argmax", BUFFER),  # [channels, y_plane, lane]: the maximum's place in its window
    ("gate", BUFFER),  # backward: the pooled activations, where a ReLU stood between convolution and pooling
    ("gated", np.int64),
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),  # of x
    ("out_height", np.int64), ("out_width", np.int64),
    ("kernel_height", np.int64), ("kernel_width", np.int64),
    ("stride_height", np.int64), ("stride_width", np.int64),
    ("top", np.int64), ("left", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
)


@njit(**NATIVE)
def _window(position, stride, padding, kernel_size, size):
    """The kernel positions [start, end) of a window that lie inside the image."""
    first = position * stride - padding
    return max(0, -first), min(kernel_size, size - first)


@njit(**NATIVE)
def _max_pool2d(op, x, y, argmax):
    for c in range(op.channels):
        for oh in range(op.out_height):
            kh_start, kh_end = _window(oh, op.stride_height, op.top, op.kernel_height, op.height)
            for ow in range(op.out_width):
                kw_start, kw_end = _window(ow, op.stride_width, op.left, op.kernel_width, op.width)
                corner = c * op.x_plane + (oh * op.stride_height - op.top) * op.x_row + ow * op.stride_width - op.left
                best = vector.splat(np.float32(-np.inf))
                place = vector.splat_integer(argmax, kh_start * op.kernel_width + kw_start)
                for kh in range(kh_start, kh_end):
                    for kw in range(kw_start, kw_end):
                        value = vector.load(x, (corner + kh * op.x_row + kw) * LANES)
                        wins = (value > best) | vector.is_nan(value)
                        best = vector.select(wins, value, best)
                        here = vector.splat_integer(argmax, kh * op.kernel_width + kw)
                        place = vector.select(wins, here, place)
                target = (c * op.y_plane + oh * op.y_row + ow) * LANES
                vector.store(y, target, best)
                vector.store(argmax, target, place)


@njit(**NATIVE)
def _windows_of(position, stride, padding, kernel_size, outputs):
    """The windows [start, end) that cover one pixel row or column."""
    start = (position + padding - kernel_size) // stride + 1
    return max(0, start), min(outputs, (position + padding) // stride + 1)


@njit(**NATIVE)
def _max_pool2d_grad(op, dx, dy, argmax, gate):
    zero = vector.splat(np.float32(0.0))
    for c in range(op.channels):
        for h in range(op.height):
            oh_start, oh_end = _windows_of(h, op.stride_height, op.top, op.kernel_height, op.out_height)
            for w in range(op.width):
                ow_start, ow_end = _windows_of(w, op.stride_width, op.left, op.kernel_width, op.out_width)
                total = zero
                for oh in range(oh_start, oh_end):
                    for ow in range(ow_start, ow_end):
                        source = (c * op.y_plane + oh * op.y_row + ow) * LANES
                        kh, kw = h - oh * op.stride_height + op.top, w - ow * op.stride_width + op.left
                        here = vector.splat_integer(argmax, kh * op.kernel_width + kw)
                        chosen = vector.load(argmax, source) == here
                        if op.gated:
                            chosen = chosen & (vector.load(gate, source) > zero)
                        total += vector.select(chosen, vector.load(dy, source), zero)
                vector.store(dx, (c * op.x_plane + h * op.x_row + w) * LANES, total)


@kernel(ARGUMENTS)
def max_pool2d(records, group):
    """The maximum of each window, and its place; the first one wins, and NaN wins over everything."""
    op = argument(records, 0)
    _max_pool2d(op, floats(op.x, group), floats(op.y, group), octets(op.argmax, group))


@kernel(ARGUMENTS)
def max_pool2d_wide(records, group):
    """As `max_pool2d`, with places in uint16."""
    op = argument(records, 0)
    _max_pool2d(op, floats(op.x, group), floats(op.y, group), shorts(op.argmax, group))


@kernel(ARGUMENTS)
def max_pool2d_grad(records, group):
    """dx: each pixel gathers dy from the windows whose maximum it is, so nothing is scattered."""
    op = argument(records, 0)
    _max_pool2d_grad(op, floats(op.x, group), floats(op.y, group), octets(op.argmax, group), floats(op.gate, group))


@kernel(ARGUMENTS)
def max_pool2d_grad_wide(records, group):
    """As `max_pool2d_grad`, with places in uint16."""
    op = argument(records, 0)
    _max_pool2d_grad(op, floats(op.x, group), floats(op.y, group), shorts(op.argmax, group), floats(op.gate, group))


@kernel(ARGUMENTS)
def avg_pool2d(records, group):
    """The mean of each window; padding counts as zeros, as in PyTorch's default."""
    op = argument(records, 0)
    x, y = floats(op.x, group), floats(op.y, group)
    share = vector.splat(np.float32(1.0) / np.float32(op.kernel_height * op.kernel_width))
    for c in range(op.channels):
        for oh in range(op.out_height):
            kh_start, kh_end = _window(oh, op.stride_height, op.top, op.kernel_height, op.height)
            for ow in range(op.out_width):
                kw_start, kw_end = _window(ow, op.stride_width, op.left, op.kernel_width, op.width)
                corner = c * op.x_plane + (oh * op.stride_height - op.top) * op.x_row + ow * op.stride_width - op.left
                total = vector.splat(np.float32(0.0))
                for kh in range(kh_start, kh_end):
                    for kw in range(kw_start, kw_end):
                        total += vector.load(x, (corner + kh * op.x_row + kw) * LANES)
                vector.store(y, (c * op.y_plane + oh * op.y_row + ow) * LANES, total * share)


@kernel(ARGUMENTS)
def avg_pool2d_grad(records, group):
    """dx: each pixel gathers its share of dy from every window that covers it."""
    op = argument(records, 0)
    dx, dy = floats(op.x, group), floats(op.y, group)
    share = vector.splat(np.float32(1.0) / np.float32(op.kernel_height * op.kernel_width))
    for c in range(op.channels):
        for h in range(op.height):
            oh_start, oh_end = _windows_of(h, op.stride_height, op.top, op.kernel_height, op.out_height)
            for w in range(op.width):
                ow_start, ow_end = _windows_of(w, op.stride_width, op.left, op.kernel_width, op.out_width)
                total = vector.splat(np.float32(0.0))
                for oh in range(oh_start, oh_end):
                    for ow in range(ow_start, ow_end):
                        total += vector.load(dy, (c * op.y_plane + oh * op.y_row + ow) * LANES)
                vector.store(dx, (c * op.x_plane + h * op.x_row + w) * LANES, total * share)
