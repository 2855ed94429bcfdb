"""Pooling layers."""

from __future__ import annotations

from fastconv.errors import ShapeError
from fastconv.nn.layer import Layer, Shape, expect_images
from fastconv.shapes import IntPair, output_size, pair, pool_padding


class _Pool2d(Layer):
    def __init__(self, kernel_size: IntPair, stride: IntPair | None = None, padding: IntPair = 0) -> None:
        super().__init__(kernel_size=kernel_size, stride=stride, padding=padding)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else pair("stride", stride)
        self.padding = pool_padding(padding, self.kernel_size)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        height, width = output_size((shape[2], shape[3]), self.kernel_size, self.stride, self.padding)
        if height < 1 or width < 1:
            raise ShapeError(f"expected images that a window {self.kernel_size} fits into with padding {self.padding}, "
                             f"got {shape}")
        return shape[0], shape[1], height, width


class MaxPool2d(_Pool2d):
    """The maximum of each window, per channel. Padding never wins; the gradient goes to the first maximum.

    stride: kernel_size by default; a smaller one makes windows overlap.
    """


class AvgPool2d(_Pool2d):
    """The mean of each window, per channel, padding counted as zeros.

    stride: kernel_size by default.
    """


class AdaptiveAvgPool2d(Layer):
    """The means of output_size × output_size equal parts of each channel; 1 makes global average pooling.

    PyTorch lets parts overlap where an image cannot be divided into so many; that is refused here.
    """

    def __init__(self, output_size: IntPair) -> None:
        super().__init__(output_size=output_size)
        self.output_size = pair("output_size", output_size)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        if shape[2] % self.output_size[0] or shape[3] % self.output_size[1]:
            raise ShapeError(f"expected images that can be divided into {self.output_size} equal parts, got {shape}")
        return *shape[:2], *self.output_size
