"""The linear layer and its gradients."""

from __future__ import annotations

from fastconv.reference.window import Array


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x weightᵀ + bias: (N, out_features), for x: (N, in_features), weight: (out_features, in_features)."""
    y: Array = x @ weight.T
    return y if bias is None else y + bias


def linear_grad(x: Array, weight: Array, dy: Array) -> tuple[Array, Array, Array]:
    """(dx, dw, db), shaped as x, weight and bias, from dy: (N, out_features)."""
    return dy @ weight, dy.T @ x, dy.sum(axis=0)
