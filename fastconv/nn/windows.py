"""The windows that layers slide over images."""

from __future__ import annotations

from fastconv.engine.operators import Window
from fastconv.nn.convolution import Conv2d, ConvTranspose2d
from fastconv.nn.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d


def conv_window(layer: Conv2d | ConvTranspose2d) -> Window:
    return Window(layer.kernel_size, layer.stride, layer.padding, layer.dilation)


def pool_window(layer: MaxPool2d | AvgPool2d) -> Window:
    return Window(layer.kernel_size, layer.stride, layer.padding, ceil_mode=layer.ceil_mode)


def part_window(layer: AdaptiveAvgPool2d | AdaptiveMaxPool2d, size: tuple[int, int]) -> Window:
    """The one that cuts images of a size into as many equal parts as the layer makes pixels."""
    rows, cols = layer.output_size
    part = size[0] // rows, size[1] // cols
    return Window(part, part)
