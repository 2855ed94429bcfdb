"""Activations."""

from __future__ import annotations

from fastconv.errors import ShapeError
from fastconv.nn.layer import Layer, Shape


class Elementwise(Layer):
    """An activation that maps each value by itself: one of `engine.operators.activation`."""

    operator: str

    def __init__(self) -> None:
        super().__init__()


class ReLU(Elementwise):
    """max(x, 0)"""

    operator = "relu"


class Tanh(Elementwise):
    """tanh x"""

    operator = "tanh"


class Sigmoid(Elementwise):
    """1 / (1 + e⁻ˣ)"""

    operator = "sigmoid"


class Softmax(Layer):
    """exp(x_k) / Σ_j exp(x_j) over the features of (N, F): probabilities at the end of a network.

    CrossEntropyLoss contains it already and takes the logits.
    """

    def __init__(self) -> None:
        super().__init__()

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise ShapeError(f"expected (N, F), got {shape}; put a Flatten before it")
        return shape
