"""Channels of one image put together, taken out, shuffled, and enlarged."""

from __future__ import annotations

from collections.abc import Sequence

from fastconv.engine.builder import Builder
from fastconv.engine.operators import channels, upsampling
from fastconv.engine.operators.planes.place import alike, new
from fastconv.engine.tensor import Tensor
from fastconv.kernels import planes as kernels
from fastconv.layout import Packed


def concat(builder: Builder, inputs: Sequence[Tensor]) -> Tensor:
    """The channels of all inputs, one after the other."""
    return channel_shuffle(builder, inputs, 1)


def narrow(x: Tensor, start: int, length: int) -> Tensor:
    """The channels of x from start on, where they lie."""
    y = x.channels(start, length)
    y.read_only = True
    return y


def channel_shuffle(builder: Builder, inputs: Sequence[Tensor], groups: int) -> Tensor:
    """All channels of the inputs: the first of each group, then the second of each, and so on."""
    inputs = alike(builder, inputs)
    y = new(channels.joined(inputs))
    for x, first, count, target in channels.runs(inputs, groups):
        source = x.channels(first, count)
        builder.call(kernels.copy_channels, x=source.buffer, y=y.channels(target, count).buffer, channels=count,
                     floats=(x.place.height - 1) * x.place.row + x.place.width, x_step=x.place.plane,
                     y_step=groups * y.place.plane)
    return y


def upsample(builder: Builder, x: Tensor, scale: tuple[int, int]) -> Tensor:
    """Each pixel of x as a rectangle of `scale` (height, width) pixels."""
    y = new(Packed.alone(x.place.channels, x.place.height * scale[0], x.place.width * scale[1]))
    builder.call(kernels.upsample, **upsampling.fields(x, y, scale))
    return y
