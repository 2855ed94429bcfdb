"""The layer that makes images larger."""

from __future__ import annotations

from fastconv.nn.layer import Layer, Shape, expect_images
from fastconv.shapes import IntPair, pair


class Upsample(Layer):
    """Each pixel of (N, C, H, W) as a rectangle of so many: PyTorch's mode "nearest", by whole factors.

    scale_factor: an integer, or a pair (height, width).
    """

    def __init__(self, *, scale_factor: IntPair) -> None:
        super().__init__(scale_factor=scale_factor)
        self.scale_factor = pair("scale_factor", scale_factor)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        return *shape[:2], shape[2] * self.scale_factor[0], shape[3] * self.scale_factor[1]
