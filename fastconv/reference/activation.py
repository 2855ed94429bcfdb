"""Activations and their gradients.

The gradients of ReLU, sigmoid, tanh and softmax are in terms of the output y, all others in terms of the input x.
Those by coefficients are element by element too: whoever shares a coefficient adds them up.
"""

from __future__ import annotations

import math

import numpy as np

from fastconv.reference.window import Array

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
TANH_FORM = math.sqrt(8 / math.pi)


def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN."""
    return np.maximum(x, 0)


def relu_grad(dy: Array, y: Array) -> Array:
    """dy where y > 0, else 0."""
    return np.where(y > 0, dy, 0)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), with an exponential that cannot overflow."""
    e = np.exp(-np.abs(x))
    y: Array = np.where(x < 0, e, 1) / (1 + e)
    return y


def sigmoid_grad(dy: Array, y: Array) -> Array:
    """dy · y (1 - y)."""
    return dy * y * (1 - y)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


def tanh_grad(dy: Array, y: Array) -> Array:
    """dy (1 - y²)."""
    return dy * (1 - y**2)


def softmax(x: Array) -> Array:
    """e^x_k / Σ_j e^x_j along axis 1; subtracting the largest keeps the exponentials below 1."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y: Array = e / e.sum(axis=1, keepdims=True)
    return y


def softmax_grad(dy: Array, y: Array) -> Array:
    """y_k (dy_k - Σ_j dy_j y_j) along axis 1."""
    dx: Array = y * (dy - (dy * y).sum(axis=1, keepdims=True))
    return dx


def leaky_relu(x: Array, negative_slope: float | Array = 0.01) -> Array:
    """x where it is positive, negative_slope · x elsewhere."""
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_grad(dy: Array, x: Array, negative_slope: float | Array = 0.01) -> tuple[Array, Array]:
    """By x and by negative_slope."""
    return np.where(x > 0, dy, negative_slope * dy), np.where(x > 0, 0, x * dy)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """x where it is positive, alpha (eˣ - 1) elsewhere."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_grad(dy: Array, x: Array, alpha: float = 1.0) -> Array:
    """dy where x is positive, alpha eˣ dy elsewhere."""
    return dy * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def selu(x: Array) -> Array:
    """1.0507… elu(x, 1.6732…) (Klambauer et al. 2017, section 2)."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def selu_grad(dy: Array, x: Array) -> Array:
    """1.0507… times that of elu(x, 1.6732…)."""
    dx: Array = SELU_SCALE * elu_grad(dy, x, SELU_ALPHA)
    return dx


def normal_cdf(x: Array) -> Array:
    """Φ(x) = erfc(-x / √2) / 2."""
    return np.array([math.erfc(-each / math.sqrt(2)) / 2 for each in np.ravel(x)], x.dtype).reshape(x.shape)


def gelu(x: Array, approximate: str = "none") -> Array:
    """x Φ(x), or with "tanh" x σ(2y) = x (1 + tanh y) / 2 with y = √(2/π) (x + 0.044715 x³)."""
    return x * normal_cdf(x) if approximate == "none" else x * sigmoid(TANH_FORM * (x + 0.044715 * x**3))


def gelu_grad(dy: Array, x: Array, approximate: str = "none") -> Array:
    """dy (Φ(x) + x φ(x)), or dy (σ(2y) + x (2y)' σ(2y) σ(-2y))."""
    if approximate == "none":
        return dy * (normal_cdf(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))
    u = TANH_FORM * (x + 0.044715 * x**3)
    return dy * (sigmoid(u) + x * TANH_FORM * (1 + 3 * 0.044715 * x * x) * sigmoid(u) * sigmoid(-u))


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """log(1 + e^(beta x)) / beta, and x where beta x is above the threshold."""
    u = beta * x
    smooth = (np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))) / beta
    return np.where(u > threshold, x, smooth)


def softplus_grad(dy: Array, x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """dy σ(beta x), and dy where beta x is above the threshold."""
    return dy * np.where(beta * x > threshold, 1, sigmoid(beta * x))


def swish(x: Array, beta: float | Array = 1.0) -> Array:
    """x σ(beta x)."""
    return x * sigmoid(beta * x)


def swish_grad(dy: Array, x: Array, beta: float | Array = 1.0) -> tuple[Array, Array]:
    """By x and by beta."""
    u = beta * x
    bell = sigmoid(u) * sigmoid(-u)
    return dy * (sigmoid(u) + u * bell), dy * x * x * bell


def mish(x: Array) -> Array:
    """x tanh(log(1 + eˣ))."""
    return x * np.tanh(softplus(x, threshold=np.inf))


def mish_grad(dy: Array, x: Array) -> Array:
    """dy (t + x (1 - t²) σ(x)) with t = tanh(log(1 + eˣ)) and 1 - t² = 1 / cosh²."""
    y = softplus(x, threshold=np.inf)
    dx: Array = dy * (np.tanh(y) + x * sigmoid(x) / np.cosh(np.minimum(y, 300)) ** 2)
    return dx


def hardswish(x: Array) -> Array:
    """x min(max(x + 3, 0), 6) / 6."""
    return x * np.clip(x + 3, 0, 6) / 6


def hardswish_grad(dy: Array, x: Array) -> Array:
    """0 up to -3, dy from 3 on, dy (x / 3 + 1/2) in between."""
    return dy * np.where(x <= -3, 0, np.where(x >= 3, 1, x / 3 + 0.5))


def hardtanh(x: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """min(max(x, min_val), max_val)."""
    return np.clip(x, min_val, max_val)


def hardtanh_grad(dy: Array, x: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """dy between the bounds, 0 elsewhere."""
    return dy * ((x > min_val) & (x < max_val))


def acon(x: Array, p1: float | Array, p2: float | Array, beta: float | Array) -> Array:
    """(p1 - p2) x σ(beta (p1 - p2) x) + p2 x."""
    return swish((p1 - p2) * x, beta) + p2 * x


def acon_grad(dy: Array, x: Array, p1: float | Array, p2: float | Array,
              beta: float | Array) -> tuple[Array, Array, Array, Array]:
    """By x, p1, p2 and beta."""
    v = (p1 - p2) * x
    by_v, by_beta = swish_grad(dy, v, beta)
    rest, _ = swish_grad(dy, v, -beta)  # dy - by_v
    return (p1 - p2) * by_v + p2 * dy, x * by_v, x * rest, by_beta


def meta_acon(x: Array, p1: Array, p2: Array, design: str, *layers: tuple[Array, Array]) -> Array:
    """`acon` of x (N, C, H, W) or (N, C) with beta = σ of x ("pixel"), of the sum of its channels' means ("layer"), or
    of what linear layers (weight, bias) make of those means ("channel")."""
    pixels = tuple(range(2, x.ndim))
    if design == "pixel":
        return acon(x, p1, p2, sigmoid(x))
    switch = x.mean(axis=pixels)
    for weight, bias in layers:
        switch = switch @ weight.T + bias
    if design == "layer":
        switch = switch.sum(axis=1, keepdims=True)
    return acon(x, p1, p2, sigmoid(np.expand_dims(switch, pixels)))
