"""Batch normalisation: statistics of each channel over the whole batch, and the gradients that come through them.

    y = γ (x - mean) / √(var + ε) + β                                        (Ioffe & Szegedy 2015, Algorithm 1)

Each group of images leaves its own sums; they are combined once all groups have come, in their order. Lanes without an
image are in no sum, and get a gradient of zero.
"""

from __future__ import annotations

import math

import numpy as np

from fastconv.kernels.abi import BUFFER, COUNT, argument, floats, integers, kernel, record
from fastconv.kernels.moments import moments
from fastconv.layout import LANES
from fastconv.simd import vector
from fastconv.simd.native import native

ZERO = np.float32(0.0)

PLANES = (("channels", np.int64), ("pixels", np.int64), ("plane", np.int64))

#: Rows of the table of a batch's statistics, one value a channel in each.
MEAN, INVERSE_STD, VARIANCE = range(3)


@native
def _images(batch, group):
    """How many images a group has."""
    return min(LANES, batch[COUNT] - group * LANES)


@kernel(record(("x", BUFFER), ("sums", BUFFER), ("batch", BUFFER), *PLANES))
def statistics(records, group):
    """sums[c] = the mean of x[c] over the pixels and images of a group, sums[C + c] = Σ (x - that mean)².

    Each lane sums distances from its first pixel, in which nothing cancels that matters; lanes are then combined by
    Chan et al. 1983, equation 2.1.
    """
    op = argument(records)
    x, sums, images = floats(op.x, group), floats(op.sums, group), _images(integers(op.batch, 0), group)
    present, pixels = vector.first_lanes(images), np.float32(op.pixels)
    share, image_share = np.float32(1.0) / pixels, np.float32(1.0) / np.float32(images)
    for channel in range(op.channels):
        start, end = channel * op.plane * LANES, (channel * op.plane + op.pixels) * LANES
        first = vector.load(x, start)
        total, squares = moments(x, start, end, first)
        away = total * share
        of_lane = vector.select(present, first + away, ZERO)
        inside = vector.select(present, squares - away * away * pixels, ZERO)
        mean = vector.lane_sum(of_lane) * image_share
        between = vector.select(present, of_lane - mean, ZERO)
        sums[channel] = mean
        sums[op.channels + channel] = vector.lane_sum(vector.fma(between * between, pixels, inside))


@kernel(record(("sums", BUFFER), ("table", BUFFER), ("batch", BUFFER), ("channels", np.int64), ("pixels", np.int64),
               ("eps", np.float64)))
def combine_statistics(records, _index):
    """table = the batch's means, 1 / √(variance + ε), and variances (Chan et al. 1983, equation 2.1)."""
    op = argument(records)
    table, batch = floats(op.table, 0), integers(op.batch, 0)
    groups = (batch[COUNT] + LANES - 1) // LANES
    for channel in range(op.channels):
        mean, squares = 0.0, 0.0
        for group in range(groups):
            mean += np.float64(floats(op.sums, group)[channel]) * _images(batch, group)
        mean /= batch[COUNT]
        for group in range(groups):
            sums = floats(op.sums, group)
            away = sums[channel] - mean
            squares += sums[op.channels + channel] + away * away * _images(batch, group) * op.pixels
        variance = squares / (batch[COUNT] * op.pixels)
        table[MEAN * op.channels + channel] = mean
        table[INVERSE_STD * op.channels + channel] = 1.0 / math.sqrt(variance + op.eps)
        table[VARIANCE * op.channels + channel] = variance


@native
def _factors(op, channel):
    """(mean, γ / √(var + ε), β) of a channel."""
    table = floats(op.table, 0)
    scale = floats(op.gamma, 0)[channel] * table[INVERSE_STD * op.channels + channel]
    return (vector.splat(table[MEAN * op.channels + channel]), vector.splat(scale),
            vector.splat(floats(op.beta, 0)[channel]))


FACTORS = (("table", BUFFER), ("gamma", BUFFER), ("beta", BUFFER))


@kernel(record(("x", BUFFER), ("other", BUFFER), ("adds", np.int64), ("y", BUFFER), ("lower", np.float32), *FACTORS,
               *PLANES))
def normalise(records, group):
    """y = max(γ (x - mean) / √(var + ε) + β, lower), where `adds` with `other` added before the maximum."""
    op = argument(records)
    x, other, y, lower = floats(op.x, group), floats(op.other, group), floats(op.y, group), op.lower
    for channel in range(op.channels):
        mean, scale, shift = _factors(op, channel)
        start, end = channel * op.plane * LANES, (channel * op.plane + op.pixels) * LANES
        if op.adds:
            for i in range(start, end, LANES):
                value = vector.fma(vector.load(x, i) - mean, scale, shift) + vector.load(other, i)
                vector.store(y, i, vector.at_least(value, lower))
        else:
            for i in range(start, end, LANES):
                vector.store(y, i, vector.at_least(vector.fma(vector.load(x, i) - mean, scale, shift), lower))


@native
def _through(op, gradient, x, mean, scale, shift):
    """dy, with zeros where a ReLU that is part of the normalisation was off."""
    if op.gated:
        return vector.select(vector.fma(x - mean, scale, shift) > ZERO, gradient, ZERO)
    return gradient


@kernel(record(("x", BUFFER), ("dy", BUFFER), ("sums", BUFFER), ("batch", BUFFER), ("gated", np.int64), *FACTORS,
               *PLANES))
def gradient_sums(records, group):
    """sums[c] = Σ dy, sums[C + c] = Σ dy (x - mean) / √(var + ε), over the pixels and images of a group."""
    op = argument(records)
    x, dy, sums = floats(op.x, group), floats(op.dy, group), floats(op.sums, group)
    present, zero = vector.first_lanes(_images(integers(op.batch, 0), group)), vector.splat(ZERO)
    for channel in range(op.channels):
        mean, scale, shift = _factors(op, channel)
        start, end = channel * op.plane * LANES, (channel * op.plane + op.pixels) * LANES
        total_a, total_b, moment_a, moment_b = zero, zero, zero, zero
        for i in range(start, end - LANES, 2 * LANES):
            value_a, value_b = vector.load(x, i), vector.load(x, i + LANES)
            a = _through(op, vector.load(dy, i), value_a, mean, scale, shift)
            b = _through(op, vector.load(dy, i + LANES), value_b, mean, scale, shift)
            total_a += a
            total_b += b
            moment_a = vector.fma(a, value_a - mean, moment_a)
            moment_b = vector.fma(b, value_b - mean, moment_b)
        if op.pixels % 2:
            value_a = vector.load(x, end - LANES)
            a = _through(op, vector.load(dy, end - LANES), value_a, mean, scale, shift)
            total_a += a
            moment_a = vector.fma(a, value_a - mean, moment_a)
        inverse_std = floats(op.table, 0)[INVERSE_STD * op.channels + channel]
        sums[channel] = vector.lane_sum(vector.select(present, total_a + total_b, ZERO))
        moment = vector.lane_sum(vector.select(present, moment_a + moment_b, ZERO))
        sums[op.channels + channel] = moment * inverse_std


@kernel(record(("sums", BUFFER), ("beta_grad", BUFFER), ("gamma_grad", BUFFER), ("batch", BUFFER),
               ("channels", np.int64)))
def combine_gradients(records, _index):
    """The gradients of β and γ."""
    op = argument(records)
    beta_grad, gamma_grad = floats(op.beta_grad, 0), floats(op.gamma_grad, 0)
    groups = (integers(op.batch, 0)[COUNT] + LANES - 1) // LANES
    for channel in range(op.channels):
        total, moment = 0.0, 0.0
        for group in range(groups):
            sums = floats(op.sums, group)
            total += sums[channel]
            moment += sums[op.channels + channel]
        beta_grad[channel], gamma_grad[channel] = total, moment


@kernel(record(("x", BUFFER), ("dy", BUFFER), ("dx", BUFFER), ("beta_grad", BUFFER), ("gamma_grad", BUFFER),
               ("batch", BUFFER), ("gated", np.int64), *FACTORS, *PLANES))
def input_gradient(records, group):
    """dx = γ / √(var + ε) (dy - mean of dy - x̂ mean of dy x̂), with x̂ = (x - mean) / √(var + ε).

    (Ioffe & Szegedy 2015, section 3, the chain rule simplified.)
    """
    op = argument(records)
    x, dy, dx, batch = floats(op.x, group), floats(op.dy, group), floats(op.dx, group), integers(op.batch, 0)
    present = vector.first_lanes(_images(batch, group))
    share = 1.0 / (np.float64(batch[COUNT]) * op.pixels)
    for channel in range(op.channels):
        mean, scale, shift = _factors(op, channel)
        inverse_std = floats(op.table, 0)[INVERSE_STD * op.channels + channel]
        centre = vector.splat(np.float32(floats(op.beta_grad, 0)[channel] * share))
        slope = vector.splat(np.float32(floats(op.gamma_grad, 0)[channel] * share * inverse_std))
        for i in range(channel * op.plane * LANES, (channel * op.plane + op.pixels) * LANES, LANES):
            value = vector.load(x, i)
            gradient = _through(op, vector.load(dy, i), value, mean, scale, shift)
            inner = gradient - vector.fma(value - mean, slope, centre)
            vector.store(dx, i, vector.select(present, inner * scale, ZERO))


@kernel(record(("table", BUFFER), ("mean", BUFFER), ("variance", BUFFER), ("steps", BUFFER), ("batch", BUFFER),
               ("channels", np.int64), ("pixels", np.int64), ("momentum", np.float64)))
def update_running(records, _index):
    """running ← (1 - momentum) running + momentum · that of the batch, with the unbiased variance; PyTorch's rule.

    A momentum below 0 stands for the mean over all steps.
    """
    op = argument(records)
    table, mean, variance = floats(op.table, 0), floats(op.mean, 0), floats(op.variance, 0)
    steps, count = integers(op.steps, 0), integers(op.batch, 0)[COUNT] * op.pixels
    steps[0] += 1
    momentum = 1.0 / steps[0] if op.momentum < 0 else op.momentum
    unbiased = count / max(1, count - 1)
    for channel in range(op.channels):
        mean[channel] += momentum * (table[MEAN * op.channels + channel] - mean[channel])
        now = table[VARIANCE * op.channels + channel] * unbiased
        variance[channel] += momentum * (now - variance[channel])
