"""Normalisation of each image by itself, over groups of its channels, and its gradients.

    y = γ x̂ + β,  x̂ = (x - mean) / √(var + ε), over the pixels of some channels     (Wu & He 2018, equations 1 and 2)

With an image in each lane its statistics are vectors, and no group of images has to wait for another. Lanes without an
image are told to have no spread: they come out as β, and let no gradient through.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, COUNT, argument, floats, integers, kernel, record
from fastconv.kernels.moments import moments
from fastconv.layout import LANES
from fastconv.simd import vector
from fastconv.simd.native import native

ZERO, ONE = np.float32(0.0), np.float32(1.0)

#: γ and β have one value for each channel or, where `of_pixels`, for each pixel of each.
FACTORS = (("gamma", BUFFER), ("beta", BUFFER), ("of_pixels", np.int64))
#: `width` channels are normalised together.
PLANES = (("channels", np.int64), ("width", np.int64), ("pixels", np.int64), ("plane", np.int64))

#: What is kept of each group of channels, for each lane.
MEAN, INVERSE_STD, KEPT = range(3)


@native
def _statistics(op, x, first):
    """Mean and variance of `width` channels from the first one on, for each lane.

    Two passes, the second with a correction of the first's rounding (Chan et al. 1983, equation 1.7).
    """
    share = ONE / np.float32(op.width * op.pixels)
    zero = vector.splat(ZERO)
    total, away, squares = zero, zero, zero
    for channel in range(first, first + op.width):
        start = channel * op.plane * LANES
        part, _ = moments(x, start, start + op.pixels * LANES, zero)
        total += part
    mean = total * share
    for channel in range(first, first + op.width):
        start = channel * op.plane * LANES
        part, part_squares = moments(x, start, start + op.pixels * LANES, mean)
        away += part
        squares += part_squares
    away = away * share
    return mean + away, squares * share - away * away


@kernel(record(("x", BUFFER), ("y", BUFFER), ("kept", BUFFER), ("batch", BUFFER), ("eps", np.float32),
               ("lower", np.float32), *FACTORS, *PLANES))
def group_norm(records, group):
    """y = max(γ x̂ + β, lower), and the statistics that were used; y may be x."""
    op = argument(records)
    x, y, kept = floats(op.x, group), floats(op.y, group), floats(op.kept, group)
    gamma, beta = floats(op.gamma, 0), floats(op.beta, 0)
    present, lower = vector.first_lanes(integers(op.batch, 0)[COUNT] - group * LANES), op.lower
    for first in range(0, op.channels, op.width):
        mean, variance = _statistics(op, x, first)
        inverse_std = vector.select(present, ONE / vector.sqrt(variance + op.eps), ZERO)
        place = first // op.width * KEPT * LANES
        vector.store(kept, place + MEAN * LANES, mean)
        vector.store(kept, place + INVERSE_STD * LANES, inverse_std)
        for channel in range(first, first + op.width):
            start = channel * op.plane * LANES
            if op.of_pixels:
                for pixel in range(op.pixels):
                    i, k = start + pixel * LANES, channel * op.pixels + pixel
                    normal = (vector.load(x, i) - mean) * inverse_std
                    vector.store(y, i, vector.at_least(vector.fma(normal, gamma[k], beta[k]), lower))
            else:
                scale, shift = inverse_std * gamma[channel], beta[channel]
                for i in range(start, start + op.pixels * LANES, LANES):
                    value = vector.fma(vector.load(x, i) - mean, scale, shift)
                    vector.store(y, i, vector.at_least(value, lower))


@kernel(record(("x", BUFFER), ("dy", BUFFER), ("dx", BUFFER), ("kept", BUFFER), ("gamma_grad", BUFFER),
               ("beta_grad", BUFFER), ("passes_on", np.int64), *FACTORS, *PLANES))
def group_norm_grad(records, group):
    """The sums of γ's and β's gradients over a group of images; where it is passed on, also dx, which may be dy.

    dx = (g - mean of g - x̂ mean of g x̂) / √(var + ε) with g = γ dy: Ioffe & Szegedy 2015, section 3, simplified.
    """
    op = argument(records)
    x, dy, dx = floats(op.x, group), floats(op.dy, group), floats(op.dx, group)
    kept, gamma = floats(op.kept, group), floats(op.gamma, 0)
    gamma_grad, beta_grad = floats(op.gamma_grad, group), floats(op.beta_grad, group)
    share = ONE / np.float32(op.width * op.pixels)
    for first in range(0, op.channels, op.width):
        place = first // op.width * KEPT * LANES
        mean, inverse_std = vector.load(kept, place + MEAN * LANES), vector.load(kept, place + INVERSE_STD * LANES)
        total, moment = vector.splat(ZERO), vector.splat(ZERO)
        for channel in range(first, first + op.width):
            start = channel * op.plane * LANES
            by_beta, by_gamma = vector.splat(ZERO), vector.splat(ZERO)
            if op.of_pixels:
                for pixel in range(op.pixels):
                    i, k = start + pixel * LANES, channel * op.pixels + pixel
                    gradient = vector.load(dy, i)
                    along = gradient * ((vector.load(x, i) - mean) * inverse_std)
                    beta_grad[k], gamma_grad[k] = vector.lane_sum(gradient), vector.lane_sum(along)
                    by_beta = vector.fma(gradient, gamma[k], by_beta)
                    by_gamma = vector.fma(along, gamma[k], by_gamma)
                total += by_beta
                moment += by_gamma
            else:
                for i in range(start, start + op.pixels * LANES, LANES):
                    gradient = vector.load(dy, i)
                    by_beta += gradient
                    by_gamma = vector.fma(gradient, vector.load(x, i) - mean, by_gamma)
                by_gamma = by_gamma * inverse_std
                beta_grad[channel], gamma_grad[channel] = vector.lane_sum(by_beta), vector.lane_sum(by_gamma)
                total = vector.fma(by_beta, gamma[channel], total)
                moment = vector.fma(by_gamma, gamma[channel], moment)
        if op.passes_on:
            centre, slope = total * share, moment * share * inverse_std
            for channel in range(first, first + op.width):
                start = channel * op.plane * LANES
                for pixel in range(op.pixels):
                    i = start + pixel * LANES
                    factor = gamma[channel * op.pixels + pixel] if op.of_pixels else gamma[channel]
                    inner = vector.load(dy, i) * factor - vector.fma(vector.load(x, i) - mean, slope, centre)
                    vector.store(dx, i, inner * inverse_std)
