"""The change from images to features."""

from __future__ import annotations

import math

from fastconv.nn.layer import Layer, Shape


class Flatten(Layer):
    """(N, C, H, W) as (N, C · H · W). It costs nothing."""

    def __init__(self) -> None:
        super().__init__()

    def output_shape(self, shape: Shape) -> Shape:
        return shape[0], math.prod(shape[1:])
