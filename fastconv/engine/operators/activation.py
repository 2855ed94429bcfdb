"""Activations: ReLU as part of the convolution before it, the others in place."""

from __future__ import annotations

from fastconv.engine.builder import Builder
from fastconv.engine.tensor import Tensor
from fastconv.kernels import activation as kernels
from fastconv.kernels import loss
from fastconv.kernels.abi import Kernel

KERNELS: dict[str, tuple[Kernel, Kernel]] = {
    "relu": (kernels.relu, kernels.relu_grad),
    "tanh": (kernels.tanh, kernels.tanh_grad),
    "sigmoid": (kernels.sigmoid, kernels.sigmoid_grad),
}


def activation(builder: Builder, x: Tensor, name: str) -> Tensor:
    """The activation of x, in the place of x."""
    forward, backward = KERNELS[name]
    y = _in_place(x)
    if name == "relu" and x.correlations:
        y.relu = True
        for call in x.correlations:
            call.records[0]["lower"] = 0.0
    else:
        builder.call(forward, y=y.buffer, size=y.floats)

    def gradient() -> None:
        if y.grad is not None and x.needs_grad:
            if not y.gated:
                builder.call(backward, dy=y.grad.buffer, y=y.buffer, size=y.floats)
            x.grad = y.grad

    builder.gradient(gradient)
    return y


def softmax(builder: Builder, x: Tensor) -> Tensor:
    """Softmax over the features of x (F, 1, 1), in the place of x."""
    y = _in_place(x)
    builder.call(loss.softmax, y=y.buffer, classes=y.place.features)

    def gradient() -> None:
        if y.grad is not None and x.needs_grad:
            builder.call(loss.softmax_grad, dy=y.grad.buffer, y=y.buffer, classes=y.place.features)
            x.grad = y.grad

    builder.gradient(gradient)
    return y


def _in_place(x: Tensor) -> Tensor:
    x.overwritten = True
    return Tensor(x.place, x.buffer, x.needs_grad)
