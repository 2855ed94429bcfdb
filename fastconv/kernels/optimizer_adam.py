"""Updates of Adam and its kin."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import argument, floats, kernel
from fastconv.kernels.update import CHUNK, arguments, constant, is_set, read, slot
from fastconv.layout import LANES
from fastconv.simd.native import native
from fastconv.simd.vector import fma, lane_sum, select, splat, sqrt, store_first


@kernel(arguments("m", "v", "v_max"))
def adam(records, _index):
    """constants: step size lr/(1-β₁ᵗ), 1-β₁, β₂, 1-β₂, 1/√(1-β₂ᵗ), ε, L2 factor, shrinkage.

    Adam has shrinkage 1, AdamW L2 factor 0; AMSGrad keeps v_max.
    """
    op = argument(records)
    theta, grad, m, v = floats(op.theta, 0), floats(op.grad, 0), floats(op.m, 0), floats(op.v, 0)
    v_max, amsgrad = floats(op.v_max, 0), op.v_max.address != 0
    step_size, rest1, beta2, rest2 = constant(op, 0), constant(op, 1), constant(op, 2), constant(op, 3)
    correction, eps, l2, shrinkage = constant(op, 4), constant(op, 5), constant(op, 6), constant(op, 7)
    for i in range(0, op.size, LANES):
        left = op.size - i
        w, first = read(theta, i, left), read(m, i, left)
        g = fma(l2, w, read(grad, i, left))
        first = fma(rest1, g - first, first)
        second = fma(beta2, read(v, i, left), rest2 * g * g)
        store_first(m, i, first, left)
        store_first(v, i, second, left)
        if amsgrad:
            largest = read(v_max, i, left)
            second = select(largest > second, largest, second)
            store_first(v_max, i, second, left)
        store_first(theta, i, w * shrinkage - step_size * first / fma(sqrt(second), correction, eps), left)


@kernel(arguments("m", "v"))
def nadam(records, _index):
    """constants: step sizes of g and of m, 1-β₁, β₂, 1-β₂, 1/√(1-β₂ᵗ), ε, L2 factor, shrinkage."""
    op = argument(records)
    theta, grad, m, v = floats(op.theta, 0), floats(op.grad, 0), floats(op.m, 0), floats(op.v, 0)
    step_of_g, step_of_m, rest1, beta2, rest2 = (
        constant(op, 0), constant(op, 1), constant(op, 2), constant(op, 3), constant(op, 4))
    correction, eps, l2, shrinkage = constant(op, 5), constant(op, 6), constant(op, 7), constant(op, 8)
    for i in range(0, op.size, LANES):
        left = op.size - i
        w, first = read(theta, i, left), read(m, i, left)
        g = fma(l2, w * shrinkage, read(grad, i, left))
        first = fma(rest1, g - first, first)
        second = fma(beta2, read(v, i, left), rest2 * g * g)
        store_first(m, i, first, left)
        store_first(v, i, second, left)
        step = fma(step_of_g, g, step_of_m * first) / fma(sqrt(second), correction, eps)
        store_first(theta, i, w * shrinkage - step, left)


@kernel(arguments("m", "v", "velocity"))
def swats(records, _index):
    """constants: whether it has switched; before it -step size, 1-β₁, β₂, 1-β₂, ε, and after it (1-β₁)Λ, β₁.

    Before the switch the slot gets pᵀp and pᵀg of the change p.
    """
    op = argument(records)
    if is_set(op, 0):
        _descend(op)
    else:
        _explore(op)


@native
def _explore(op):
    """Adam."""
    theta, grad, m, v = floats(op.theta, 0), floats(op.grad, 0), floats(op.m, 0), floats(op.v, 0)
    step_size, rest1, beta2, rest2, eps = (
        constant(op, 1), constant(op, 2), constant(op, 3), constant(op, 4), constant(op, 5))
    pp, pg = 0.0, 0.0
    for chunk in range(0, op.size, CHUNK):
        chunk_pp, chunk_pg = splat(np.float32(0.0)), splat(np.float32(0.0))
        for i in range(chunk, min(op.size, chunk + CHUNK), LANES):
            left = op.size - i
            g, first = read(grad, i, left), read(m, i, left)
            first = fma(rest1, g - first, first)
            second = fma(beta2, read(v, i, left), rest2 * g * g)
            p = step_size * first / (sqrt(second) + eps)
            store_first(m, i, first, left)
            store_first(v, i, second, left)
            store_first(theta, i, read(theta, i, left) + p, left)
            chunk_pp, chunk_pg = fma(p, p, chunk_pp), fma(p, g, chunk_pg)
        pp += lane_sum(chunk_pp)
        pg += lane_sum(chunk_pg)
    slot(op)[0], slot(op)[1] = pp, pg


@native
def _descend(op):
    """Gradient descent with momentum."""
    theta, grad, velocity = floats(op.theta, 0), floats(op.grad, 0), floats(op.velocity, 0)
    lr, beta1 = constant(op, 1), constant(op, 2)
    for i in range(0, op.size, LANES):
        left = op.size - i
        u = fma(beta1, read(velocity, i, left), read(grad, i, left))
        store_first(velocity, i, u, left)
        store_first(theta, i, read(theta, i, left) - lr * u, left)
