"""Activations: ReLU as part of the convolution before it, the others by their formulas, in place where that will do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, partial_sums
from fastconv.kernels import activation as kernels
from fastconv.kernels import loss
from fastconv.layout import Packed

#: What a formula takes: a number, a parameter with one value or one for each channel, or a value or one for each
#: channel of every image.
Coefficient = float | Bias | Tensor


@dataclass(frozen=True)
class Formula:
    """An activation: the name of one of `kernels.formulas`, and its coefficients a, b and c, as many as it takes."""

    name: str
    coefficients: Sequence[Coefficient] = ()

    @property
    def learns(self) -> bool:
        """Whether a gradient by any of the coefficients is needed."""
        return any(_is_learned(each) for each in self.coefficients)

    def fields(self) -> dict[str, Any]:
        """The coefficients as fields of a kernel's arguments."""
        fields: dict[str, Any] = {name: Fixed(np.zeros(1, np.float32)) for name in "abc"}
        for name, each in zip("abc", self.coefficients, strict=False):
            if isinstance(each, Tensor):
                fields |= {name: each.buffer, f"{name}_step": int(each.place.channels > 1), "c_has_lanes": True}
            elif isinstance(each, Bias):
                values = each.parameter.array
                fields |= {name: Fixed(values), f"{name}_step": int(values.size > 1)}
            else:
                fields[name] = Fixed(np.full(1, each, np.float32))
        return fields

    def gradients(self) -> dict[str, Any]:
        """Declares memory for the gradients by those that are learned, as fields of `activate_grad`'s arguments."""
        fields: dict[str, Any] = {}
        for name, each in zip("abc", self.coefficients, strict=False):
            if isinstance(each, Tensor) and each.needs_grad:
                fields |= {f"d{name}": each.new_grad().buffer, f"{name}_count": each.place.channels}
            elif isinstance(each, Bias) and each.trainable:
                each.partial = partial_sums(each.grad.size)
                fields |= {f"d{name}": each.partial, f"{name}_count": each.grad.size}
        return fields


def _is_learned(coefficient: Coefficient) -> bool:
    if isinstance(coefficient, Tensor):
        return coefficient.needs_grad
    return isinstance(coefficient, Bias) and coefficient.trainable


def relu(builder: Builder, x: Tensor) -> Tensor:
    """max(x, 0), in the place of x."""
    y = writable(builder, x).in_place()
    y.read_only = x.needs_grad  # its gradient looks where it was off
    if x.correlations:
        y.relu = True
        for call in x.correlations:
            call.records[0]["lower"] = 0.0
    else:
        builder.call(kernels.relu, y=y.buffer, size=y.floats)

    def gradient() -> None:
        if y.grad is not None and x.needs_grad:
            x.grad = y.grad
            if not y.gated and not x.gates:
                x.grad = writable(builder, y.grad)
                builder.call(kernels.relu_grad, dy=x.grad.buffer, y=y.buffer, size=y.floats)

    builder.gradient(gradient)
    return y


def activate(builder: Builder, x: Tensor, formula: Formula) -> Tensor:
    """The activation of x. Where nothing is learned it is in the place of x, and the slope is kept for the gradient.

    A formula that learns keeps x, and computes slopes and gradients from it.
    """
    if formula.learns:
        return _activate_and_learn(builder, x, formula)
    y = Tensor.new(x.place, x.needs_grad) if x.read_only else x.in_place()
    slope = Buffer(4 * x.floats) if x.needs_grad else x.buffer
    builder.call(kernels.activate.of(formula.name), x=x.buffer, y=y.buffer, slope=slope, keeps_slope=x.needs_grad,
                 **formula.fields(), **planes(x.place))

    def gradient() -> None:
        if y.grad is not None and x.needs_grad:
            x.grad = writable(builder, y.grad)
            builder.call(kernels.multiply, dy=x.grad.buffer, slope=slope, size=y.floats)

    builder.gradient(gradient)
    return y


def _activate_and_learn(builder: Builder, x: Tensor, formula: Formula) -> Tensor:
    y = Tensor.new(x.place, needs_grad=True)
    builder.call(kernels.activate.of(formula.name), x=x.buffer, y=y.buffer, slope=y.buffer, **formula.fields(),
                 **planes(x.place))

    def gradient() -> None:
        if y.grad is not None:
            x.grad = writable(builder, y.grad)
            activate_grad(builder, x.buffer, x.grad, formula)

    builder.gradient(gradient)
    return y


def activate_grad(builder: Builder, x: Buffer, dy: Tensor, formula: Formula) -> None:
    """Multiplies dy by the slopes at x, and leaves the sums by the coefficients that are learned."""
    builder.call(kernels.activate_grad.of(formula.name), x=x, dy=dy.buffer, **formula.gradients(), **formula.fields(),
                 **planes(dy.place))


def pixel_means(builder: Builder, x: Tensor, summed: bool = False) -> Tensor:
    """The mean of x (C, H, W) over its pixels (C, 1, 1), or the sum of those means (1, 1, 1).

    Its gradient is added to that of x: an operator that comes later has to write that.
    """
    y = Tensor.new(Packed.of(1 if summed else x.place.channels, 1, 1), x.needs_grad)
    fields = {"y_step": int(y.place.channels > 1), **planes(x.place)}
    builder.call(kernels.pixel_means, x=x.buffer, y=y.buffer, **fields)

    def gradient() -> None:
        if y.grad is not None and x.grad is not None:
            builder.call(kernels.pixel_means_grad, x=x.grad.buffer, y=y.grad.buffer, **fields)

    builder.gradient(gradient)
    return y


def features(builder: Builder, x: Tensor) -> Tensor:
    """x (C, H, W) as so many channels of one pixel, for what treats the features of a flattened image one by one."""
    y = Tensor.new(Packed.of(x.place.features, 1, 1), x.needs_grad)
    fields = {"row": x.place.row, "plane": x.place.plane, "channels": x.place.channels, "height": x.place.height,
              "width": x.place.width}
    builder.call(kernels.features, x=x.buffer, y=y.buffer, **fields)

    def gradient() -> None:
        if y.grad is not None and x.needs_grad:
            builder.call(kernels.features_grad, x=x.new_grad().buffer, y=y.grad.buffer, **fields)

    builder.gradient(gradient)
    return y


def softmax(builder: Builder, x: Tensor) -> Tensor:
    """Softmax over the features of x (F, 1, 1), in the place of x."""
    y = writable(builder, x).in_place()
    y.read_only = x.needs_grad
    builder.call(loss.softmax, y=y.buffer, classes=y.place.features)

    def gradient() -> None:
        if y.grad is not None and x.needs_grad:
            x.grad = writable(builder, y.grad)
            builder.call(loss.softmax_grad, dy=x.grad.buffer, y=y.buffer, classes=y.place.features)

    builder.gradient(gradient)
    return y


def planes(place: Packed) -> dict[str, int]:
    """The pixels of each channel as fields of a kernel's arguments."""
    return {"channels": place.channels, "pixels": place.height * place.row, "plane": place.plane}


def writable(builder: Builder, x: Tensor) -> Tensor:
    """x, or where its memory may not be written a copy."""
    if not x.read_only:
        return x
    y = Tensor.new(x.place, x.needs_grad)
    builder.call(kernels.copy, x=x.buffer, y=y.buffer, size=x.floats)
    return y
