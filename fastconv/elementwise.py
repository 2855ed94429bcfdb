"""Activations on plain float32 arrays; `fastconv.functional` offers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.engine import operators
from fastconv.engine.builder import Builder
from fastconv.engine.operators import Formula
from fastconv.engine.parameter import Parameter
from fastconv.engine.tensor import Tensor
from fastconv.errors import ShapeError
from fastconv.kernels.abi import IMAGES
from fastconv.nn.activation import SELU_ALPHA, SELU_SCALE
from fastconv.operation import Array, array, expect, run


def relu(x: Array) -> Array:
    """max(x, 0), of any shape."""
    return _each("relu", x, operators.relu)


def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    """x where it is positive, negative_slope · x elsewhere, of any shape."""
    return _formula(x, "leaky_relu", negative_slope)


def prelu(x: Array, weight: Array) -> Array:
    """x (N, C, …) where it is positive, weight · x elsewhere; weight (1,) or (C,)."""
    return _of_channels("leaky_relu", x, [weight], lambda builder, image, weight: Formula(
        "leaky_relu", [builder.bias(weight)]))


def elu(x: Array, alpha: float = 1.0) -> Array:
    """x where it is positive, alpha (eˣ - 1) elsewhere, of any shape."""
    return _formula(x, "elu", alpha, 1.0)


def selu(x: Array) -> Array:
    """scale · elu(x, α) with the constants of Klambauer et al. 2017, of any shape."""
    return _formula(x, "elu", SELU_ALPHA, SELU_SCALE)


def gelu(x: Array, approximate: Literal["none", "tanh"] = "none") -> Array:
    """x Φ(x), or with "tanh" x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, of any shape."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f'approximate must be "none" or "tanh", got {approximate!r}')
    return _formula(x, "gelu" if approximate == "none" else "gelu_tanh")


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), of any shape."""
    return _formula(x, "sigmoid")


def tanh(x: Array) -> Array:
    """The hyperbolic tangent, of any shape."""
    return _formula(x, "tanh")


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """log(1 + e^(beta x)) / beta, and x where beta x is above the threshold, of any shape."""
    return _formula(x, "softplus", beta, threshold)


def silu(x: Array) -> Array:
    """x σ(x), of any shape."""
    return swish(x)


def swish(x: Array, beta: float = 1.0) -> Array:
    """x σ(beta x), of any shape."""
    return _formula(x, "swish", beta)


def mish(x: Array) -> Array:
    """x tanh(log(1 + eˣ)), of any shape."""
    return _formula(x, "mish")


def hardswish(x: Array) -> Array:
    """x min(max(x + 3, 0), 6) / 6, of any shape."""
    return _formula(x, "hardswish")


def hardtanh(x: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """min(max(x, min_val), max_val), of any shape."""
    return _formula(x, "hardtanh", min_val, max_val)


def smooth_maximum(x: ArrayLike, beta: float, axis: int = -1) -> NDArray[np.float64]:
    """S_β = Σ x_i e^(β x_i) / Σ e^(β x_i) along an axis (Ma et al. 2021, equation 1), in float64.

    It is the mean for β = 0, the maximum for β = ∞ and the minimum for β = -∞. Of two values it is
    (x_1 - x_2) σ(β (x_1 - x_2)) + x_2: of x and 0 `swish`, of p1 x and p2 x `acon`.
    """
    values = np.asarray(x, np.float64)
    if np.isinf(beta):
        return np.asarray(values.max(axis) if beta > 0 else values.min(axis))
    weights = beta * values
    weights = np.exp(weights - weights.max(axis, keepdims=True))
    return np.asarray((values * weights).sum(axis) / weights.sum(axis))


def acon(x: Array, p1: Array, p2: Array, beta: Array) -> Array:
    """ACON-C: (p1 - p2) x σ(beta (p1 - p2) x) + p2 x for x (N, C, …), with C values of p1, p2 and beta."""
    return _of_channels("acon", x, [p1, p2, beta], lambda builder, image, *each: Formula(
        "acon", [builder.bias(one) for one in each]))


def meta_acon_pixel(x: Array, p1: Array, p2: Array) -> Array:
    """`acon` with beta = σ(x)."""
    return _of_channels("meta_acon_pixel", x, [p1, p2], lambda builder, image, *each: Formula(
        "acon_of_pixel", [builder.bias(one) for one in each]))


def meta_acon_layer(x: Array, p1: Array, p2: Array) -> Array:
    """`acon` with one beta for each image: σ of the sum of its channels' means."""
    return _of_channels("meta_acon_layer", x, [p1, p2], lambda builder, image, *each: Formula(
        "acon", [*(builder.bias(one) for one in each), operators.switch_of_image(builder, image)]))


def meta_acon(x: Array, p1: Array, p2: Array, fc1_weight: Array, fc1_bias: Array, fc2_weight: Array,
              fc2_bias: Array) -> Array:
    """`acon` with one beta for each image and channel: σ(fc2(fc1(the channels' means))).

    fc1_weight: (h, C, 1, 1), fc1_bias: (h,), fc2_weight: (C, h, 1, 1), fc2_bias: (C,).
    """
    channels, hidden = np.shape(x)[1], len(fc1_weight)
    expect("fc1_weight", np.shape(fc1_weight), (hidden, channels, 1, 1))
    expect("fc1_bias", np.shape(fc1_bias), (hidden,))
    expect("fc2_weight", np.shape(fc2_weight), (channels, hidden, 1, 1))
    expect("fc2_bias", np.shape(fc2_bias), (channels,))

    def formula(builder: Builder, image: Tensor, p1: Parameter, p2: Parameter, *fcs: Parameter) -> Formula:
        layers = [(builder.weight(fcs[0], (hidden, channels, 1, 1)), builder.bias(fcs[1])),
                  (builder.weight(fcs[2], (channels, hidden, 1, 1)), builder.bias(fcs[3]))]
        return Formula("acon", [builder.bias(p1), builder.bias(p2),
                                operators.switch_of_channels(builder, image, layers)])

    inputs = [p1, p2, fc1_weight, fc1_bias, fc2_weight, fc2_bias]
    return _of_channels("meta_acon", x, inputs, formula, of_channel=2)


def _formula(x: Array, name: str, *coefficients: float) -> Array:
    formula = Formula(name, coefficients)
    return _each((name, *coefficients), x, lambda builder, image: operators.activate(builder, image, formula))


def _each(key: object, x: Array, operator: Callable[[Builder, Tensor], Tensor]) -> Array:
    """What an operator makes of each value of x, of any shape."""
    x = np.asarray(x)
    if x.size == 0:
        raise ShapeError(f"expected x with at least one element, got shape {x.shape}")
    rows = array("x", x.reshape(len(x) if x.ndim else 1, -1), 2)
    y = np.empty_like(rows)
    run(("each", key, rows.shape[1]), lambda builder: builder.output(
        operator(builder, builder.array((rows.shape[1], 1, 1), IMAGES))), rows, results=y)
    return y.reshape(x.shape)


def _of_channels(name: str, x: Array, inputs: list[Array], formula: Callable[..., Formula],
                 of_channel: int | None = None) -> Array:
    """What the formula makes of x (N, C, …).

    inputs: arrays, which the formula gets as parameters. All, or the first `of_channel`, have one value or C.
    """
    x = np.asarray(x)
    if x.ndim < 2:
        raise ShapeError(f"expected x (N, C, …), got {x.shape}")
    images = array("x", x.reshape(*x.shape[:2], 1, -1), 4)
    inputs = [array("a coefficient", np.reshape(each, -1), 1) for each in inputs]
    for each in inputs[:of_channel]:
        expect("a coefficient", each.shape, (1 if each.size == 1 else x.shape[1],))

    def emit(builder: Builder, *parameters: Parameter) -> None:
        image = builder.array(images.shape[1:], IMAGES)
        builder.output(operators.activate(builder, image, formula(builder, image, *parameters)))

    y = np.empty_like(images)
    run((name, images.shape[1:], *(each.size for each in inputs)), emit, images, inputs, results=y)
    return y.reshape(x.shape)
