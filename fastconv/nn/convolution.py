"""Convolution layers."""

from __future__ import annotations

from typing import Literal

from fastconv.engine.parameter import Parameter
from fastconv.errors import ShapeError
from fastconv.nn.layer import Shape, Weighted, expect_images
from fastconv.shapes import (
    IntPair,
    Padding,
    conv_padding,
    integer,
    output_size,
    pair,
    transposed_padding,
    transposed_size,
)


class Conv2d(Weighted):
    """A convolution (cross-correlation) with a bias, as PyTorch's: (N, C_in, H, W) to (N, C_out, H_out, W_out).

    padding: zeros around the image, as an integer, a pair (height, width), "same" or "valid"; or, which PyTorch lacks,
    as four integers (top, bottom, left, right).
    weight: (out_channels, in_channels / groups, kh, kw).  bias: (out_channels,).
    algorithm: "auto" computes 3×3 kernels of stride 1 by Winograd's where that is faster; its rounding errors are up to
    5e-6 of the largest output, and NaN spreads to neighbouring outputs of its image. "direct" never does.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: IntPair, stride: IntPair = 1,
                 padding: Padding = 0, dilation: IntPair = 1, groups: int = 1, bias: bool = True, *,
                 algorithm: Literal["auto", "direct"] = "auto") -> None:
        if algorithm not in ("auto", "direct"):
            raise ValueError(f'Conv2d: algorithm must be "auto" or "direct", got {algorithm!r}')
        other = {} if algorithm == "auto" else {"algorithm": algorithm}
        super().__init__(in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size, stride=stride,
                         padding=padding, dilation=dilation, groups=groups, bias=bias, **other)
        self.algorithm = algorithm
        self.in_channels, self.out_channels = integer("in_channels", in_channels), integer("out_channels", out_channels)
        self.kernel_size, self.stride, self.dilation = (
            pair("kernel_size", kernel_size), pair("stride", stride), pair("dilation", dilation))
        self.padding = conv_padding(padding, self.kernel_size, self.stride, self.dilation)
        self.groups = integer("groups", groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"Conv2d: groups must divide in_channels {in_channels} and out_channels {out_channels}, "
                             f"got {groups}")
        self._declare((out_channels, in_channels // groups, *self.kernel_size), bias)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape, self.in_channels)
        height, width = output_size((shape[2], shape[3]), self.kernel_size, self.stride, self.padding, self.dilation)
        if height < 1 or width < 1:
            raise ShapeError(f"expected images that a kernel {self.kernel_size} fits into with padding {self.padding}, "
                             f"got {shape}")
        return shape[0], self.out_channels, height, width

    def multiply_adds(self, output_shape: Shape) -> int:
        _, channels, height, width = output_shape
        return channels * height * width * (self.in_channels // self.groups) * self.kernel_size[0] * self.kernel_size[1]


class ConvTranspose2d(Weighted):
    """A transposed convolution with a bias, as PyTorch's: (N, C_in, H, W) to (N, C_out, H_out, W_out).

    It makes of x what a convolution with these arguments makes of its output's gradient, its input's (Zeiler et al.
    2010; Dumoulin & Visin 2016, section 4): H_out = (H - 1) · stride - 2 · padding + dilation · (kh - 1) + 1 +
    output_padding.
    weight: (in_channels, out_channels / groups, kh, kw).  bias: (out_channels,).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: IntPair, stride: IntPair = 1,
                 padding: IntPair = 0, output_padding: IntPair = 0, groups: int = 1, bias: bool = True,
                 dilation: IntPair = 1) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size, stride=stride,
                         padding=padding, output_padding=output_padding, groups=groups, bias=bias, dilation=dilation)
        self.in_channels, self.out_channels = integer("in_channels", in_channels), integer("out_channels", out_channels)
        self.kernel_size, self.stride, self.dilation = (
            pair("kernel_size", kernel_size), pair("stride", stride), pair("dilation", dilation))
        self.padding = transposed_padding(padding, output_padding, self.stride, self.dilation)
        self.groups = integer("groups", groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"ConvTranspose2d: groups must divide in_channels {in_channels} and out_channels "
                             f"{out_channels}, got {groups}")
        self._declare((in_channels, out_channels // groups, *self.kernel_size), bias=False)
        if bias:
            self._parameters["bias"] = Parameter((out_channels,))

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape, self.in_channels)
        height, width = transposed_size((shape[2], shape[3]), self.kernel_size, self.stride, self.padding,
                                        self.dilation)
        if height < 1 or width < 1:
            raise ShapeError(f"expected images that padding {self.config['padding']} does not use up, got {shape}")
        return shape[0], self.out_channels, height, width

    def multiply_adds(self, output_shape: Shape) -> int:
        height, width = output_size((output_shape[2], output_shape[3]), self.kernel_size, self.stride,
                                    self.padding, self.dilation)
        taps = self.kernel_size[0] * self.kernel_size[1]
        return self.in_channels * height * width * (self.out_channels // self.groups) * taps
