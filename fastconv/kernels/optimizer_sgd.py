"""Updates of gradient descent with and without momentum."""

from __future__ import annotations

from fastconv.kernels.abi import argument, floats, kernel
from fastconv.kernels.update import arguments, constant, is_set, read
from fastconv.layout import LANES
from fastconv.simd.vector import fma, store_first


@kernel(arguments())
def sgd(records, _index):
    """constants: lr, L2 factor."""
    op = argument(records)
    theta, grad = floats(op.theta, 0), floats(op.grad, 0)
    lr, l2 = constant(op, 0), constant(op, 1)
    for i in range(0, op.size, LANES):
        left = op.size - i
        w = read(theta, i, left)
        g = fma(l2, w, read(grad, i, left))
        store_first(theta, i, w - lr * g, left)


@kernel(arguments("velocity"))
def momentum(records, _index):
    """constants: lr, L2 factor, μ, 1 - dampening, whether Nesterov's."""
    op = argument(records)
    theta, grad, velocity = floats(op.theta, 0), floats(op.grad, 0), floats(op.velocity, 0)
    lr, l2, mu, share, nesterov = constant(op, 0), constant(op, 1), constant(op, 2), constant(op, 3), is_set(op, 4)
    for i in range(0, op.size, LANES):
        left = op.size - i
        w = read(theta, i, left)
        g = fma(l2, w, read(grad, i, left))
        v = fma(mu, read(velocity, i, left), share * g)
        store_first(velocity, i, v, left)
        store_first(theta, i, w - lr * (fma(mu, v, g) if nesterov else v), left)


@kernel(arguments("m"))
def sgdw(records, _index):
    """constants: ηα, β₁, shrinkage 1 - ηλ."""
    op = argument(records)
    theta, grad, m = floats(op.theta, 0), floats(op.grad, 0), floats(op.m, 0)
    lr, beta1, shrinkage = constant(op, 0), constant(op, 1), constant(op, 2)
    for i in range(0, op.size, LANES):
        left = op.size - i
        first = fma(beta1, read(m, i, left), lr * read(grad, i, left))
        store_first(m, i, first, left)
        store_first(theta, i, read(theta, i, left) * shrinkage - first, left)
