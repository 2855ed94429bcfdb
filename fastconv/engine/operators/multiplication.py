"""Products of two values, of one shape or of an image and a factor for each of its channels."""

from __future__ import annotations

from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.operators.activation import planes
from fastconv.engine.operators.addition import alike
from fastconv.engine.tensor import Tensor
from fastconv.kernels import multiplication as kernels


def multiply(builder: Builder, x: Tensor, factor: Tensor) -> Tensor:
    """x (C, H, W) times a factor of the same shape or (C, 1, 1), in the place of x where that will do."""
    if x.place.features == factor.place.features:
        x, factor = alike(builder, [x, factor])
    y = Tensor.new(x.place, x.needs_grad) if x.read_only or factor.needs_grad else x.in_place()
    y.needs_grad = x.needs_grad or factor.needs_grad
    _product(builder, x, factor, y)

    def gradient() -> None:
        if y.grad is None:
            return
        if factor.needs_grad:
            if factor.place == x.place:
                _product(builder, y.grad, x, factor.new_grad())
            else:
                builder.call(kernels.channel_products, x=y.grad.buffer, y=x.buffer, z=factor.new_grad().buffer,
                             **planes(x.place))
        if x.needs_grad:
            _product(builder, y.grad, factor, x.grad_over(y.grad))

    builder.gradient(gradient)
    return y


def _product(builder: Builder, x: Tensor, factor: Tensor, y: Tensor) -> None:
    fields: dict[str, Any] = {"step": factor.place == x.place, "y_plane": factor.place.plane, **planes(x.place)}
    builder.call(kernels.product, x=x.buffer, y=factor.buffer, z=y.buffer, **fields)
