"""Nearest-neighbour upsampling with its gradient."""

from __future__ import annotations

from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.tensor import Tensor
from fastconv.kernels import upsample as kernels
from fastconv.layout import Packed


def upsample(builder: Builder, x: Tensor, scale: tuple[int, int]) -> Tensor:
    """Each pixel of x as a rectangle of `scale` (height, width) pixels."""
    height, width = x.place.size
    y = Tensor.new(Packed.of(x.place.channels, height * scale[0], width * scale[1]), x.needs_grad)
    builder.call(kernels.upsample, **fields(x, y, scale))

    def gradient() -> None:
        if x.needs_grad and y.grad is not None:
            upsample_grad(builder, y.grad, x.new_grad(), scale)

    builder.gradient(gradient)
    return y


def upsample_grad(builder: Builder, dy: Tensor, dx: Tensor, scale: tuple[int, int]) -> None:
    """Writes the gradient of upsampling's input to dx."""
    builder.call(kernels.upsample_grad, **fields(dx, dy, scale))


def fields(x: Tensor, y: Tensor, scale: tuple[int, int]) -> dict[str, Any]:
    """The smaller x, the larger y and the factors between them as fields of a kernel's arguments."""
    return {"x": x.start, "y": y.buffer, "channels": x.place.channels, "height": x.place.height,
            "width": x.place.width, "scale_height": scale[0], "scale_width": scale[1],
            "x_row": x.place.row, "x_plane": x.place.plane, "y_row": y.place.row, "y_plane": y.place.plane}
