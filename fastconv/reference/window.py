"""A window sliding over images, seen tap by tap: for each tap the pixels it meets, one for each output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.shapes import IntPair, Padding, conv_padding, output_size, pair, pool_padding

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Window:
    """All as (height, width), but padding as (top, bottom, left, right)."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    ceil_mode: bool = False

    @classmethod
    def of_convolution(
        cls, kernel_size: IntPair, stride: IntPair, padding: Padding, dilation: IntPair
    ) -> Window:
        kernel, steps = pair("kernel_size", kernel_size), pair("stride", stride)
        spread = pair("dilation", dilation)
        return cls(kernel, steps, conv_padding(padding, kernel, steps, spread), spread)

    @classmethod
    def of_pooling(cls, kernel_size: IntPair, stride: IntPair | None, padding: IntPair, ceil_mode: bool) -> Window:
        kernel = pair("kernel_size", kernel_size)
        steps = kernel if stride is None else pair("stride", stride)
        return cls(kernel, steps, pool_padding(padding, kernel), (1, 1), ceil_mode)

    def output_size(self, x: NDArray[Any]) -> tuple[int, int]:
        """(H_out, W_out) for the images x: (..., H, W)."""
        height, width = x.shape[-2:]
        return output_size((height, width), self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

    def reaching(self, x: NDArray[Any]) -> Window:
        """This window with so much padding below and to the right that no output reaches beyond it."""
        top, bottom, left, right = self.padding
        below, beside = ((outputs - 1) * stride + kernel - size for outputs, stride, kernel, size in zip(
            self.output_size(x), self.stride, self.kernel_size, x.shape[-2:], strict=True))
        return replace(self, padding=(top, max(bottom, below - top), left, max(right, beside - left)))

    def pad(self, x: NDArray[Any], value: float = 0) -> NDArray[Any]:
        """x: (..., H, W) with `value` around each image."""
        if not any(self.padding):
            return x
        top, bottom, left, right = self.padding
        widths = [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)]
        return np.pad(x, widths, constant_values=value)

    def crop(self, x: NDArray[Any]) -> NDArray[Any]:
        """The images in padded x: the reverse of `pad`."""
        top, bottom, left, right = self.padding
        height, width = x.shape[-2:]
        return x[..., top : height - bottom, left : width - right]

    def taps(self, padded: NDArray[Any]) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Each tap (kh, kw), row by row, with the view of the pixels it meets: (..., H_out, W_out)."""
        height, width = output_size(
            (padded.shape[-2], padded.shape[-1]), self.kernel_size, self.stride, (0, 0, 0, 0), self.dilation
        )
        for kh, kw in np.ndindex(self.kernel_size):
            row, col = kh * self.dilation[0], kw * self.dilation[1]
            rows = slice(row, row + height * self.stride[0], self.stride[0])
            cols = slice(col, col + width * self.stride[1], self.stride[1])
            yield kh, kw, padded[..., rows, cols]
