"""The linear layer."""

from __future__ import annotations

from fastconv.errors import ShapeError
from fastconv.nn.layer import Shape, Weighted
from fastconv.shapes import integer


class Linear(Weighted):
    """y = x Wᵀ + b, as PyTorch's: (N, in_features) to (N, out_features).

    weight: (out_features, in_features).  bias: (out_features,).
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__(in_features=in_features, out_features=out_features, bias=bias)
        self.in_features, self.out_features = integer("in_features", in_features), integer("out_features", out_features)
        self._declare((out_features, in_features), bias)

    def output_shape(self, shape: Shape) -> Shape:
        if shape[1:] != (self.in_features,):
            hint = "; put a Flatten before it" if len(shape) > 2 else ""
            raise ShapeError(f"expected (N, {self.in_features}), got {shape}{hint}")
        return shape[0], self.out_features

    def multiply_adds(self, output_shape: Shape) -> int:
        return self.in_features * self.out_features
