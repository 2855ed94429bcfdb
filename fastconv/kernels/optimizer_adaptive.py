"""Updates of Adagrad, Adadelta and RMSprop."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import argument, floats, kernel
from fastconv.kernels.update import arguments, constant, read
from fastconv.layout import LANES
from fastconv.simd.vector import fma, select, splat, sqrt, store_first


@kernel(arguments("total"))
def adagrad(records, _index):
    """constants: lr, L2 factor, ε, what the sum of squares started from."""
    op = argument(records)
    theta, grad, total = floats(op.theta, 0), floats(op.grad, 0), floats(op.total, 0)
    lr, l2, eps, initial = constant(op, 0), constant(op, 1), constant(op, 2), constant(op, 3)
    for i in range(0, op.size, LANES):
        left = op.size - i
        w = read(theta, i, left)
        g = fma(l2, w, read(grad, i, left))
        squares = fma(g, g, read(total, i, left))
        store_first(total, i, squares, left)
        store_first(theta, i, w - lr * g / (sqrt(squares + initial) + eps), left)


@kernel(arguments("v", "u"))
def adadelta(records, _index):
    """constants: lr, L2 factor, ρ, 1-ρ, ε."""
    op = argument(records)
    theta, grad, v, u = floats(op.theta, 0), floats(op.grad, 0), floats(op.v, 0), floats(op.u, 0)
    lr, l2, rho, rest, eps = constant(op, 0), constant(op, 1), constant(op, 2), constant(op, 3), constant(op, 4)
    for i in range(0, op.size, LANES):
        left = op.size - i
        w, before = read(theta, i, left), read(u, i, left)
        g = fma(l2, w, read(grad, i, left))
        second = fma(rho, read(v, i, left), rest * g * g)
        delta = sqrt((before + eps) / (second + eps)) * g
        store_first(v, i, second, left)
        store_first(u, i, fma(rho, before, rest * delta * delta), left)
        store_first(theta, i, w - lr * delta, left)


@kernel(arguments("v", "mean", "buffer"))
def rmsprop(records, _index):
    """constants: lr, L2 factor, α, 1-α, ε, μ."""
    op = argument(records)
    theta, grad, v = floats(op.theta, 0), floats(op.grad, 0), floats(op.v, 0)
    mean, buffer = floats(op.mean, 0), floats(op.buffer, 0)
    centered, momentum = op.mean.address != 0, op.buffer.address != 0
    lr, l2, alpha, rest, eps, mu = (
        constant(op, 0), constant(op, 1), constant(op, 2), constant(op, 3), constant(op, 4), constant(op, 5))
    zero = splat(np.float32(0.0))
    for i in range(0, op.size, LANES):
        left = op.size - i
        w = read(theta, i, left)
        g = fma(l2, w, read(grad, i, left))
        second = fma(alpha, read(v, i, left), rest * g * g)
        store_first(v, i, second, left)
        if centered:
            first = read(mean, i, left)
            first = fma(rest, g - first, first)
            store_first(mean, i, first, left)
            variance = second - first * first
            second = select(zero > variance, zero, variance)  # rounding can leave less than nothing
        step = g / (sqrt(second) + eps)
        if momentum:
            step = fma(mu, read(buffer, i, left), step)
            store_first(buffer, i, step, left)
        store_first(theta, i, w - lr * step, left)
