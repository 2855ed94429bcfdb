"""Activations, and their gradients in terms of the output y."""

from __future__ import annotations

import numpy as np

from fastconv.reference.window import Array


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
