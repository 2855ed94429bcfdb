"""Pooling layers."""

from __future__ import annotations

from fastconv.errors import ShapeError
from fastconv.nn.layer import Layer, Shape, expect_images
from fastconv.shapes import IntPair, output_size, pair, pool_padding


class _Pool2d(Layer):
    def __init__(self, kernel_size: IntPair, stride: IntPair | None, padding: IntPair, **others: bool) -> None:
        super().__init__(kernel_size=kernel_size, stride=stride, padding=padding, **others)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else pair("stride", stride)
        self.padding = pool_padding(padding, self.kernel_size)
        self.ceil_mode = others.get("ceil_mode", False)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        height, width = output_size((shape[2], shape[3]), self.kernel_size, self.stride, self.padding,
                                    ceil_mode=self.ceil_mode)
        if height < 1 or width < 1:
            raise ShapeError(f"expected images that a window {self.kernel_size} fits into with padding {self.padding}, "
                             f"got {shape}")
        return shape[0], shape[1], height, width


class MaxPool2d(_Pool2d):
    """The maximum of each window, per channel. Padding never wins; the gradient goes to the first maximum.

    stride: kernel_size by default; a smaller one makes windows overlap.
    ceil_mode: a last window may reach beyond the padding, if it begins in the image or in the padding before it.
    """

    def __init__(self, kernel_size: IntPair, stride: IntPair | None = None, padding: IntPair = 0, *,
                 ceil_mode: bool = False) -> None:
        others = {"ceil_mode": True} if ceil_mode else {}
        super().__init__(kernel_size, stride, padding, **others)


class AvgPool2d(_Pool2d):
    """The mean of each window, per channel.

    stride: kernel_size by default.
    ceil_mode: a last window may reach beyond the padding, if it begins in the image or in the padding before it; what
    is beyond does not count.
    count_include_pad: padding counts as zeros; otherwise it does not count either.
    """

    def __init__(self, kernel_size: IntPair, stride: IntPair | None = None, padding: IntPair = 0,
                 ceil_mode: bool = False, count_include_pad: bool = True) -> None:
        others = {**({"ceil_mode": True} if ceil_mode else {}),
                  **({} if count_include_pad else {"count_include_pad": False})}
        super().__init__(kernel_size, stride, padding, **others)
        self.count_include_pad = count_include_pad


class _AdaptivePool2d(Layer):
    def __init__(self, output_size: IntPair) -> None:
        super().__init__(output_size=output_size)
        self.output_size = pair("output_size", output_size)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        if shape[2] % self.output_size[0] or shape[3] % self.output_size[1]:
            raise ShapeError(f"expected images that can be divided into {self.output_size} equal parts, got {shape}")
        return *shape[:2], *self.output_size


class AdaptiveAvgPool2d(_AdaptivePool2d):
    """The means of output_size × output_size equal parts of each channel; 1 makes global average pooling.

    PyTorch lets parts overlap where an image cannot be divided into so many; that is refused here.
    """


class AdaptiveMaxPool2d(_AdaptivePool2d):
    """The maxima of output_size × output_size equal parts of each channel; 1 makes global max pooling.

    PyTorch lets parts overlap where an image cannot be divided into so many; that is refused here.
    """
