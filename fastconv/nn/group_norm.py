"""Normalisations of each image by itself: no image depends on its batch, and inference is what training does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.parameter import Parameter
from fastconv.errors import ShapeError
from fastconv.nn.activation import number
from fastconv.nn.layer import Layer, Shape
from fastconv.shapes import integer


class _ImageNorm(Layer):
    """weight (x - mean) / √(var + eps) + bias, with the mean and the variance of parts of an image."""

    def _declare(self, shape: Shape, eps: float, affine: bool) -> None:
        self.eps = number("eps", eps)
        if eps < 0:
            raise ValueError(f"{type(self).__name__}: eps must not be negative, got {eps}")
        if affine:
            self._parameters |= {name: Parameter(shape) for name in ("weight", "bias")}

    def _draw(self, name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
        return np.full(parameter.array.shape, name == "weight", np.float32)


class GroupNorm(_ImageNorm):
    """(N, C, H, W) or (N, C), normalised over each of `num_groups` groups of channels (Wu & He 2018), as PyTorch's.

    weight, bias: (num_channels,), at first ones and zeros; affine=False has none.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__(num_groups=num_groups, num_channels=num_channels, eps=eps, affine=affine)
        self.num_groups, self.num_channels = integer("num_groups", num_groups), integer("num_channels", num_channels)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_groups must divide num_channels {num_channels}, got {num_groups}")
        self._declare((num_channels,), eps, affine)

    def output_shape(self, shape: Shape) -> Shape:
        if shape[1] != self.num_channels:
            raise ShapeError(f"expected (N, {self.num_channels}, …), got {shape}")
        return shape


class LayerNorm(_ImageNorm):
    """(N, *normalized_shape), each image normalised over all of its values (Ba et al. 2016), as PyTorch's.

    normalized_shape: (C, H, W), or F or (F,) for features; PyTorch's normalisation over the last axes alone is missing.
    weight, bias: of that shape, at first ones and zeros; elementwise_affine=False has none.
    """

    def __init__(self, normalized_shape: int | Sequence[int], eps: float = 1e-5,
                 elementwise_affine: bool = True) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        super().__init__(normalized_shape=shape, eps=eps, elementwise_affine=elementwise_affine)
        self.normalized_shape = tuple(integer("normalized_shape", size) for size in shape)
        if len(shape) not in (1, 3):
            raise ValueError(f"LayerNorm: normalized_shape must be (C, H, W) or (F,), got {normalized_shape}")
        self._declare(self.normalized_shape, eps, elementwise_affine)

    def output_shape(self, shape: Shape) -> Shape:
        if shape[1:] != self.normalized_shape:
            raise ShapeError(f"expected (N, {', '.join(map(str, self.normalized_shape))}), got {shape}")
        return shape
