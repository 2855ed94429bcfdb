"""Activations, with PyTorch's names and arguments where it has them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.parameter import Parameter
from fastconv.errors import ShapeError
from fastconv.nn.layer import Layer, Shape
from fastconv.shapes import integer

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, section 2


class Elementwise(Layer):
    """An activation that maps each value by itself, by a formula of `kernels.formulas`.

    coefficients: the formula's a, b and c: numbers, or names of parameters.
    increasing: it never decreases, so it may as well come after a max pooling as before it.
    """

    formula: str
    coefficients: tuple[float | str, ...] = ()
    increasing = False


class ReLU(Elementwise):
    """max(x, 0)"""

    formula = "relu"

    def __init__(self) -> None:
        super().__init__()


class LeakyReLU(Elementwise):
    """x where it is positive, negative_slope · x elsewhere (Maas et al. 2013)."""

    formula = "leaky_relu"

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__(negative_slope=negative_slope)
        self.coefficients = (number("negative_slope", negative_slope),)
        self.increasing = negative_slope >= 0


class PReLU(Elementwise):
    """A leaky ReLU that learns its slope, or with num_parameters = C one for each channel (He et al. 2015).

    weight: (num_parameters,), at first all `init`.
    """

    formula = "leaky_relu"
    coefficients = ("weight",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__(num_parameters=num_parameters, init=init)
        self._parameters["weight"] = Parameter((integer("num_parameters", num_parameters),))
        self._first = number("init", init)

    def output_shape(self, shape: Shape) -> Shape:
        expect_channels(shape, self._parameters["weight"].array.size)
        return shape

    def _draw(self, name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
        return np.full(parameter.array.shape, self._first, np.float32)


class ELU(Elementwise):
    """x where it is positive, alpha (eˣ - 1) elsewhere (Clevert et al. 2016)."""

    formula = "elu"

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__(alpha=alpha)
        self.coefficients = number("alpha", alpha), 1.0
        self.increasing = alpha >= 0


class SELU(Elementwise):
    """scale · ELU(α) with the two constants that keep mean 0 and variance 1 (Klambauer et al. 2017)."""

    formula = "elu"
    coefficients = SELU_ALPHA, SELU_SCALE
    increasing = True

    def __init__(self) -> None:
        super().__init__()


class GELU(Elementwise):
    """x Φ(x), or with approximate="tanh" x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 (Hendrycks and Gimpel 2016)."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__(approximate=approximate)
        if approximate not in ("none", "tanh"):
            raise ValueError(f'GELU: approximate must be "none" or "tanh", got {approximate!r}')
        self.formula = "gelu" if approximate == "none" else "gelu_tanh"


class Sigmoid(Elementwise):
    """1 / (1 + e⁻ˣ)"""

    formula = "sigmoid"
    increasing = True

    def __init__(self) -> None:
        super().__init__()


class Tanh(Elementwise):
    """tanh x"""

    formula = "tanh"
    increasing = True

    def __init__(self) -> None:
        super().__init__()


#: From here on the step down at Softplus' threshold, e⁻ᵗ of a value t, is below the rounding of float32.
LEAST_SMOOTH_THRESHOLD = 16.0


class Softplus(Elementwise):
    """log(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold (Dugas et al. 2001)."""

    formula = "softplus"

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)
        if not number("beta", beta) > 0:
            raise ValueError(f"Softplus: beta must be positive, got {beta}")
        self.coefficients = number("beta", beta), number("threshold", threshold)
        self.increasing = threshold >= LEAST_SMOOTH_THRESHOLD


class SiLU(Elementwise):
    """x σ(x): Swish with beta = 1."""

    formula = "swish"
    coefficients = (1.0,)

    def __init__(self) -> None:
        super().__init__()


class Swish(Elementwise):
    """x σ(beta x) (Ramachandran et al. 2017). With learnable=True beta is a parameter (1,) that starts there."""

    formula = "swish"

    def __init__(self, beta: float = 1.0, learnable: bool = False) -> None:
        super().__init__(beta=beta, learnable=learnable)
        self._first = number("beta", beta)
        self.coefficients = ("beta",) if learnable else (self._first,)
        if learnable:
            self._parameters["beta"] = Parameter((1,))

    def _draw(self, name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
        return np.full(parameter.array.shape, self._first, np.float32)


class Mish(Elementwise):
    """x tanh(log(1 + eˣ)) (Misra 2019)."""

    formula = "mish"

    def __init__(self) -> None:
        super().__init__()


class Hardswish(Elementwise):
    """x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019)."""

    formula = "hardswish"

    def __init__(self) -> None:
        super().__init__()


class Hardtanh(Elementwise):
    """min(max(x, min_val), max_val)"""

    formula = "hardtanh"
    increasing = True

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__(min_val=min_val, max_val=max_val)
        self.coefficients = number("min_val", min_val), number("max_val", max_val)
        if min_val >= max_val:
            raise ValueError(f"Hardtanh: min_val must be below max_val, got {min_val} and {max_val}")


class ReLU6(Elementwise):
    """min(max(x, 0), 6) (Howard et al. 2017)."""

    formula = "hardtanh"
    coefficients = 0.0, 6.0
    increasing = True

    def __init__(self) -> None:
        super().__init__()


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


def number(name: str, value: Any) -> float:
    """value as a float. Raises TypeError for what is no number and ValueError for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return float(value)


def expect_channels(shape: Shape, channels: int) -> None:
    """Raises ShapeError unless a batch of `shape` has so many channels, or features, or one parameter does for all."""
    if channels not in (1, shape[1]):
        raise ShapeError(f"expected (N, {channels}, …), got {shape}")
