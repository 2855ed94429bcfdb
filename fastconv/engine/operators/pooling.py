"""Max and average pooling with their gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.kernels import pooling
from fastconv.kernels.argmax import pack_argmax, unpack_argmax
from fastconv.layout import Packed
from fastconv.simd.block import ONE_VECTOR, Block

#: Windows with more cells keep the places of their maxima in uint16 instead of uint8.
MOST_UINT8_CELLS = 256

#: Windows up to this size are compiled as constants.
MOST_CONSTANT_CELLS = 9


def max_pool2d(builder: Builder, x: Tensor, window: Window) -> Tensor:
    y = output(x, window)
    argmax = max_pool2d_forward(builder, x, y, window)

    def gradient() -> None:
        if x.needs_grad and y.grad is not None:
            # The maximum of ReLU's outputs is above zero exactly where the ReLU let it pass, so pooling's
            # gradient can stop what ReLU's would, and the larger activation below is not needed any more.
            x.gated = x.relu and not y.overwritten
            max_pool2d_grad(builder, argmax, y.grad, x.new_grad(), window, gate=y if x.gated else None)

    builder.gradient(gradient)
    return y


def avg_pool2d(builder: Builder, x: Tensor, window: Window, count_include_pad: bool = True) -> Tensor:
    y = output(x, window)
    builder.call(pooling.avg_pool2d, **fields(x, y, window), **_shares(x, window, count_include_pad))

    def gradient() -> None:
        if x.needs_grad and y.grad is not None:
            avg_pool2d_grad(builder, y.grad, x.new_grad(), window, count_include_pad)

    builder.gradient(gradient)
    return y


def max_pool2d_forward(builder: Builder, x: Tensor, y: Tensor, window: Window) -> Buffer:
    """Writes the maxima to y and returns the places of each in its window."""
    argmax = new_argmax(y, window)
    kernel = pooling.max_pool2d_wide if is_wide(window) else pooling.max_pool2d
    builder.call(kernel, constant(window), argmax=argmax, **fields(x, y, window))
    return argmax


def max_pool2d_grad(builder: Builder, argmax: Buffer, dy: Tensor, dx: Tensor, window: Window,
                    gate: Tensor | None = None) -> None:
    """Writes dx: dy at the maxima, where the gate (a tensor like dy) is above zero if there is one."""
    kernel = pooling.max_pool2d_grad_wide if is_wide(window) else pooling.max_pool2d_grad
    gates: dict[str, Any] = {} if gate is None else {"gate": gate.buffer, "gated": True}
    builder.call(kernel, constant(window), argmax=argmax, **gates, **fields(dx, dy, window))


def avg_pool2d_grad(builder: Builder, dy: Tensor, dx: Tensor, window: Window, count_include_pad: bool = True) -> None:
    builder.call(pooling.avg_pool2d_grad, **fields(dx, dy, window), **_shares(dx, window, count_include_pad))


def _shares(x: Tensor, window: Window, count_include_pad: bool) -> dict[str, Any]:
    """What a mean is divided by, as fields of the kernels' arguments; share is 0 where windows differ in that."""
    size, (_, bottom, _, right) = x.place.size, window.padding
    inside = replace(window, ceil_mode=False).output_size(size) == window.output_size(size)
    alike = inside and (count_include_pad or not any(window.padding))
    share = 1 / (window.kernel[0] * window.kernel[1]) if alike else 0.0
    return {"share": share, "count_include_pad": count_include_pad, "bottom": bottom, "right": right}


def new_argmax(y: Tensor, window: Window) -> Buffer:
    return Buffer((2 if is_wide(window) else 1) * y.floats)


def output_argmax(builder: Builder, argmax: Buffer, x: Tensor, y: Tensor, window: Window) -> None:
    """Writes the places in the image, int64 (N, C, H_out, W_out), to the batch's targets."""
    builder.call(unpack_argmax, **_argmax_fields(builder, argmax, x, y, window))


def input_argmax(builder: Builder, argmax: Buffer, x: Tensor, y: Tensor, window: Window) -> None:
    """Reads the places in the image, int64 (N, C, H_out, W_out), from the batch's targets."""
    builder.call(pack_argmax, **_argmax_fields(builder, argmax, x, y, window))


def constant(window: Window) -> Block:
    """The window as a compile-time constant, where it is small enough to be worth a kernel of its own."""
    height, width = window.kernel
    return Block(height, width) if height * width <= MOST_CONSTANT_CELLS else ONE_VECTOR


def is_wide(window: Window) -> bool:
    """Whether places in the window need uint16."""
    return window.kernel[0] * window.kernel[1] > MOST_UINT8_CELLS


def output(x: Tensor, window: Window) -> Tensor:
    """A tensor for what the windows make of x."""
    return Tensor.new(Packed.of(x.place.channels, *window.output_size(x.place.size)), x.needs_grad)


def fields(x: Tensor, y: Tensor, window: Window) -> dict[str, Any]:
    """What pooling's kernels share: x and y, or their gradients, their places and the window."""
    return {"x": x.start, "y": y.buffer, **window.fields(),
            "channels": x.place.channels, "height": x.place.height, "width": x.place.width,
            "out_height": y.place.height, "out_width": y.place.width,
            "x_row": x.place.row, "x_plane": x.place.plane, "y_row": y.place.row, "y_plane": y.place.plane}


def _argmax_fields(builder: Builder, argmax: Buffer, x: Tensor, y: Tensor, window: Window) -> dict[str, Any]:
    names = ("channels", "width", "out_height", "out_width", "y_row", "y_plane", "kernel_width",
             "stride_height", "stride_width", "top", "left")
    chosen = {name: value for name, value in fields(x, y, window).items() if name in names}
    return {"argmax": argmax, "batch": builder.batch, "wide": is_wide(window), **chosen}
