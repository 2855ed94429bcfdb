"""Normalisation of each image by itself."""

from __future__ import annotations

import numpy as np

from fastconv.reference.window import Array


def group_norm(x: Array, groups: int, weight: Array | None = None, bias: Array | None = None,
               eps: float = 1e-5) -> Array:
    """x (N, C, …) normalised over each of so many groups of channels (Wu & He 2018, equations 1 to 6).

    weight, bias: (C,).
    """
    y = _normal(x.reshape(len(x), groups, -1), eps).reshape(x.shape)
    per_channel = -1, *(1,) * (x.ndim - 2)
    return _scaled(y, *(None if each is None else each.reshape(per_channel) for each in (weight, bias)))


def layer_norm(x: Array, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5) -> Array:
    """x (N, …), each image normalised over all its values; weight and bias are shaped as one (Ba et al. 2016)."""
    return _scaled(_normal(x.reshape(len(x), -1), eps).reshape(x.shape), weight, bias)


def _normal(x: Array, eps: float) -> Array:
    """x with mean 0 and variance 1 along its last axis."""
    y: Array = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    return y


def _scaled(x: Array, weight: Array | None, bias: Array | None) -> Array:
    y: Array = x * (1.0 if weight is None else weight) + (0.0 if bias is None else bias)
    return y


def group_norm_grad(dy: Array, x: Array, groups: int, weight: Array | None = None,
                    eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """By x, weight and bias."""
    shape, others = (len(x), groups, -1), (0, *range(2, x.ndim))
    normal = group_norm(x, groups, eps=eps)
    by_normal = _scaled(dy, None if weight is None else weight.reshape(-1, *(1,) * (x.ndim - 2)), None)
    by_x = _normal_grad(by_normal.reshape(shape), x.reshape(shape), eps).reshape(x.shape)
    return by_x, (dy * normal).sum(axis=others), dy.sum(axis=others)


def layer_norm_grad(dy: Array, x: Array, weight: Array | None = None,
                    eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """By x, weight and bias."""
    shape = len(x), -1
    by_x = _normal_grad(_scaled(dy, weight, None).reshape(shape), x.reshape(shape), eps).reshape(x.shape)
    return by_x, (dy * layer_norm(x, eps=eps)).sum(axis=0), dy.sum(axis=0)


def _normal_grad(dy: Array, x: Array, eps: float) -> Array:
    """By x, of `_normal` (Ioffe & Szegedy 2015, section 3, the chain rule simplified)."""
    normal = _normal(x, eps)
    inner = dy - dy.mean(axis=-1, keepdims=True) - normal * (dy * normal).mean(axis=-1, keepdims=True)
    dx: Array = inner / np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    return dx
