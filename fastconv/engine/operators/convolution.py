"""Convolution and linear layers, by the algorithm that is measured to be the fastest: forward and all gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastconv.engine.builder import Builder
from fastconv.engine.operators import direct, winograd
from fastconv.engine.operators.window import Window
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight, partial_sums
from fastconv.kernels.correlate_grad import bias_grad
from fastconv.layout import Packed

halo, conv2d_weight_grad = direct.halo, direct.conv2d_weight_grad


def conv2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window,
           algorithm: Literal["auto", "direct"] = "auto") -> Tensor:
    """The convolution of x. "direct" takes the direct algorithm for its input's gradient too, whatever is faster."""
    size = window.output_size(x.place.size)
    fast = algorithm == "auto" and winograd.wins(weight.sources, weight.targets, window, size)
    forward = winograd.conv2d if fast else direct.conv2d
    y = forward(builder, x, weight, bias, window)
    y.needs_grad = x.needs_grad or weight.trainable

    def gradient() -> None:
        if y.grad is None:
            return
        if bias is not None and bias.trainable:
            conv2d_bias_grad(builder, y.grad, bias)
        if weight.trainable:
            conv2d_weight_grad(builder, x, y.grad, weight, window)
        if x.needs_grad:
            backward = direct.conv2d_input_grad if algorithm == "direct" else conv2d_input_grad
            backward(builder, y.grad, x.new_grad(), weight, window)

    builder.gradient(gradient)
    return y


def linear(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None) -> Tensor:
    """A convolution whose kernel covers the whole of x."""
    return conv2d(builder, x, weight, bias, Window(x.place.size))


def conv_transpose2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window,
                     size: tuple[int, int]) -> Tensor:
    """The transposed convolution (Zeiler et al. 2010; Dumoulin & Visin 2016, section 4): of x, as of the gradient of a
    convolution by `window` of images of `size`, the gradient of these.
    """
    needs_grad = x.needs_grad or weight.trainable
    y = Tensor.new(Packed.of(weight.groups * weight.sources, *size), needs_grad)
    y.correlations = conv2d_input_grad(builder, x, y, weight, window, bias)

    def gradient() -> None:
        if y.grad is None:
            return
        if bias is not None and bias.trainable:
            conv2d_bias_grad(builder, y.grad, bias)
        if weight.trainable:
            conv2d_weight_grad(builder, y.grad, x, weight, window)
        if x.needs_grad:
            fast = winograd.wins(weight.sources, weight.targets, window, x.place.size)
            x.grad = (winograd if fast else direct).conv2d(builder, y.grad, weight, None, window)

    builder.gradient(gradient)
    return y


def conv2d_input_grad(builder: Builder, dy: Tensor, dx: Tensor, weight: Weight, window: Window,
                      bias: Bias | None = None) -> Sequence[Call]:
    """Writes the gradient of the convolution's input to dx, plus the bias if there is one."""
    fast = winograd.wins(weight.targets, weight.sources, window, dx.place.size)
    backward = winograd.conv2d_input_grad if fast else direct.conv2d_input_grad
    return backward(builder, dy, dx, weight, window, bias)


def conv2d_bias_grad(builder: Builder, dy: Tensor, bias: Bias) -> None:
    """Leaves the sums of dy of each group of images."""
    place = dy.place
    bias.partial = partial_sums(bias.grad.size)
    builder.call(bias_grad, dy=dy.buffer, db=bias.partial, channels=place.channels, height=place.height,
                 width=place.width, row=place.row, plane=place.plane)
