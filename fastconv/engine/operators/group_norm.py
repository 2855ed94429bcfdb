"""Normalisation of each image by itself: over groups of its channels, or over all of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer
from fastconv.engine.operators.activation import planes
from fastconv.engine.operators.batch_norm import values
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, partial_sums
from fastconv.kernels import group_norm as kernels
from fastconv.layout import LANES, whole_lanes


def group_norm(builder: Builder, x: Tensor, groups: int, gamma: Bias | None, beta: Bias | None, eps: float) -> Tensor:
    """x (C, H, W) normalised over each of so many groups of channels, times gamma, plus beta.

    gamma, beta: a value for each channel; or, of a single group, for each value of x.
    """
    learned = [each is not None and each.trainable for each in (gamma, beta)]
    whole = groups == 1 and (gamma is None or gamma.grad.size == x.place.features)
    place = x.place.flat() if whole else x.place
    count = place.channels if gamma is None else gamma.grad.size
    kept = Buffer(4 * LANES * kernels.KEPT * groups)
    common: dict[str, Any] = {
        "kept": kept, "gamma": values(gamma, count, 1.0), "beta": values(beta, count, 0.0),
        "of_pixels": count != place.channels, "width": place.channels // groups, **planes(place)}
    keeps_x = x.needs_grad or any(learned)
    y = Tensor.new(x.place, keeps_x) if x.read_only or keeps_x else x.in_place()
    call = builder.call(kernels.group_norm, x=x.buffer, y=y.buffer, batch=builder.batch, eps=eps, lower=-np.inf,
                        **common)
    y.correlations = [call]

    def gradient() -> None:
        if y.grad is None or not keeps_x:
            return
        grads = {"gamma_grad": _grad(gamma, count), "beta_grad": _grad(beta, count)}
        dx: dict[str, Any] = {"dx": x.grad_over(y.grad).buffer, "passes_on": True} if x.needs_grad else {}
        builder.call(kernels.group_norm_grad, x=x.buffer, dy=y.grad.buffer, **dx, **grads, **common)

    builder.gradient(gradient)
    return y


def _grad(bias: Bias | None, count: int) -> Buffer:
    """Memory for each group's sums, which are made on the way to the gradient of x also where nobody needs them."""
    if bias is None or not bias.trainable:
        return Buffer(4 * whole_lanes(count))
    bias.partial = partial_sums(count)
    return bias.partial
