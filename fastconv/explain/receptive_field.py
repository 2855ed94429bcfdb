"""Receptive fields: the pixels that an activation of some layer depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

from fastconv.nn.activation import Elementwise
from fastconv.nn.batch_norm import BatchNorm2d
from fastconv.nn.channels import ChannelShuffle, Concat, Narrow
from fastconv.nn.convolution import Conv2d
from fastconv.nn.graph import Add
from fastconv.nn.layer import Layer, Shape
from fastconv.nn.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d


@dataclass(frozen=True)
class Axis:
    """Along one axis, position o depends on pixels from start + o · stride on, `size` of them; some may be padding."""

    size: int = 1
    stride: int = 1
    start: int = 0

    def window(self, kernel: int, stride: int, padding: int, dilation: int = 1) -> Axis:
        """The axis behind a window (Araujo, Norris & Sim 2019, equations 1 to 3)."""
        return Axis(self.size + (kernel - 1) * dilation * self.stride, self.stride * stride,
                    self.start - padding * self.stride)

    def whole(self, positions: int) -> Axis:
        """The axis behind what reads all of so many positions."""
        return Axis(self.size + (positions - 1) * self.stride, 0, self.start)

    def pixels(self, position: int, extent: int) -> slice:
        """What of an image of so many pixels a position depends on."""
        first = self.start + position * self.stride
        return slice(max(first, 0), min(first + self.size, extent))


Axes = tuple[Axis, Axis]


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels of an image (height, width) that each activation of a layer depends on."""

    rows: Axis
    cols: Axis
    image: tuple[int, int]

    def window(self, row: int = 0, col: int = 0) -> tuple[slice, slice]:
        """Rows and columns of the image that the activation at (row, col) depends on."""
        return self.rows.pixels(row, self.image[0]), self.cols.pixels(col, self.image[1])


def receptive_fields(model: Layer, input_shape: Shape) -> dict[str, ReceptiveField]:
    """The receptive fields of all layers, by their names in the state dict, for images (C, H, W)."""
    network = model.expansion()
    shapes = network.shapes((1, *input_shape))
    sizes = [(shape[2], shape[3]) if len(shape) == 4 else (1, 1) for shape in shapes]
    made = [(Axis(), Axis())]
    for node in network.nodes:
        read = [_through(node.layer, made[value], sizes[value]) for value in node.inputs]
        rows, cols = (_union([axes[i] for axes in read], sizes[len(made)][i]) for i in (0, 1))
        made.append((rows, cols))
    return {node.name: ReceptiveField(*axes, (input_shape[1], input_shape[2]))
            for node, axes in zip(network.nodes, made[1:], strict=True)}


def _union(axes: Sequence[Axis], positions: int) -> Axis:
    """The axis of what reads all of these at each of so many positions."""
    if len({axis.stride for axis in axes}) > 1:
        axes = [axis.whole(positions) for axis in axes]
    start = min(axis.start for axis in axes)
    return Axis(max(axis.start + axis.size for axis in axes) - start, axes[0].stride, start)


@singledispatch
def _through(layer: Layer, axes: Axes, size: tuple[int, int]) -> Axes:
    """The axes behind a layer that reads what has these, of a size; those of all that it could read, where this
    module does not know the layer."""
    rows, cols = (axis.whole(positions) for axis, positions in zip(axes, size, strict=True))
    return rows, cols


@_through.register(Elementwise)
@_through.register(BatchNorm2d)
@_through.register(Add)
@_through.register(Concat)
@_through.register(Narrow)
@_through.register(ChannelShuffle)
def _(layer: Layer, axes: Axes, size: tuple[int, int]) -> Axes:
    return axes


@_through.register(Conv2d)
@_through.register(MaxPool2d)
@_through.register(AvgPool2d)
def _(layer: Conv2d | MaxPool2d | AvgPool2d, axes: Axes, size: tuple[int, int]) -> Axes:
    dilation = layer.dilation if isinstance(layer, Conv2d) else (1, 1)
    rows, cols = (axes[i].window(layer.kernel_size[i], layer.stride[i], layer.padding[2 * i], dilation[i])
                  for i in (0, 1))
    return rows, cols


@_through.register(AdaptiveAvgPool2d)
@_through.register(AdaptiveMaxPool2d)
def _(layer: AdaptiveAvgPool2d | AdaptiveMaxPool2d, axes: Axes, size: tuple[int, int]) -> Axes:
    parts = [positions // count for positions, count in zip(size, layer.output_size, strict=True)]
    rows, cols = (axis.window(part, part, 0) for axis, part in zip(axes, parts, strict=True))
    return rows, cols
