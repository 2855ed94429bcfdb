"""Batch normalisation in training, over the whole batch: all its groups have to come before any of them goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Fixed, aligned_floats
from fastconv.engine.operators.activation import planes
from fastconv.engine.operators.addition import alike
from fastconv.engine.parameter import Parameter
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, partial_sums
from fastconv.kernels import batch_norm as kernels


@dataclass(frozen=True)
class Running:
    """The statistics that inference uses, and how training gathers them. momentum: None for the mean of all steps."""

    mean: Parameter
    variance: Parameter
    steps: Parameter
    momentum: float | None


def batch_norm(builder: Builder, x: Tensor, gamma: Bias | None, beta: Bias | None, eps: float,
               running: Running, other: Tensor | None = None) -> Tensor:
    """x (C, H, W) normalised with its batch's statistics, times gamma, plus beta, and plus `other` if there is one."""
    if other is not None:
        x, other = alike(builder, [x, other])
    channels, batch = x.place.channels, builder.batch
    table, sums = Fixed(aligned_floats(3 * channels)), partial_sums(2 * channels)
    counts: dict[str, Any] = {"channels": channels, "pixels": planes(x.place)["pixels"], "batch": batch}
    builder.call(kernels.statistics, x=x.buffer, sums=sums, batch=batch, **planes(x.place))
    builder.gather(kernels.combine_statistics, sums=sums, table=table, eps=eps, **counts)
    builder.afterwards((running.mean, running.variance, running.steps), kernels.update_running, table=table,
                       mean=Fixed(running.mean.array), variance=Fixed(running.variance.array),
                       steps=Fixed(running.steps.array),
                       momentum=-1.0 if running.momentum is None else running.momentum, **counts)
    learned = [each is not None and each.trainable for each in (gamma, beta)]
    y = Tensor.new(x.place, x.needs_grad or any(learned) or (other is not None and other.needs_grad))
    factors = {"table": table, "gamma": values(gamma, channels, 1.0), "beta": values(beta, channels, 0.0)}
    added: dict[str, Any] = {} if other is None else {"other": other.buffer, "adds": True}
    call = builder.call(kernels.normalise, x=x.buffer, y=y.buffer, lower=-np.inf, **added, **factors, **planes(x.place))
    y.correlations, y.gates = [call], other is None

    def gradient() -> None:
        if y.grad is None:
            return
        if other is not None and other.needs_grad:
            other.grad = y.grad.view()
        if not x.needs_grad and not any(learned):
            return
        gated = y.gates and call.records[0]["lower"] == 0
        grads = {"gamma_grad": _grad(gamma, channels), "beta_grad": _grad(beta, channels)}
        sums = partial_sums(2 * channels)
        common = {"x": x.buffer, "dy": y.grad.buffer, "batch": batch, "gated": gated, **factors, **planes(x.place)}
        builder.call(kernels.gradient_sums, sums=sums, **common)
        builder.gather(kernels.combine_gradients, sums=sums, channels=channels, batch=batch, **grads)
        if x.needs_grad:
            builder.call(kernels.input_gradient, dx=x.new_grad().buffer, **grads, **common)

    builder.gradient(gradient)
    return y


def values(bias: Bias | None, channels: int, default: float) -> Fixed:
    """A parameter's values, or where there is none `default` for each channel."""
    return Fixed(np.full(channels, default, np.float32) if bias is None else bias.parameter.array)


def _grad(bias: Bias | None, channels: int) -> Fixed:
    """Memory for a gradient, which is needed on the way to that of x also where it changes nothing."""
    if bias is None:
        return Fixed(aligned_floats(channels))
    bias.summed = True
    return Fixed(bias.grad)
