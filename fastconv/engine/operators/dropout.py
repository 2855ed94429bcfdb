"""Dropout in training."""

from __future__ import annotations

from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.operators.activation import planes
from fastconv.engine.tensor import Tensor
from fastconv.kernels import dropout as kernels

#: One more than the largest draw.
DRAWS = 2**32


def dropout(builder: Builder, x: Tensor, p: float, stream: int, channels: bool = False) -> Tensor:
    """x with each value, or each of its channels, dropped with probability p, in the place of x where that will do.

    stream: the number of the random numbers that are drawn, of `Builder.new_stream`.
    """
    kernel = kernels.dropout_channels if channels else kernels.dropout
    fields: dict[str, Any] = {
        "batch": builder.batch, "stream": stream, "threshold": min(round(p * DRAWS), DRAWS - 1),
        "scale": 0.0 if p == 1 else 1 / (1 - p), **planes(x.place if channels else x.place.flat())}
    y = Tensor.new(x.place, x.needs_grad) if x.read_only else x.in_place()
    builder.call(kernel, x=x.buffer, y=y.buffer, **fields)

    def gradient() -> None:
        if y.grad is not None and x.needs_grad:
            builder.call(kernel, x=y.grad.buffer, y=x.grad_over(y.grad).buffer, **fields)

    builder.gradient(gradient)
    return y
