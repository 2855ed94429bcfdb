"""Batch normalisation."""

from __future__ import annotations

import numpy as np

from fastconv.reference.window import Array


def statistics(x: Array) -> tuple[Array, Array]:
    """The mean and the (biased) variance of each channel of x (N, C, H, W), both (C,)."""
    return x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))


def batch_norm(x: Array, mean: Array, variance: Array, weight: Array | None = None, bias: Array | None = None,
               eps: float = 1e-5) -> Array:
    """weight (x - mean) / √(variance + eps) + bias for each channel (Ioffe & Szegedy 2015, Algorithm 1)."""
    weight = np.ones_like(mean) if weight is None else weight
    bias = np.zeros_like(mean) if bias is None else bias
    scale = weight / np.sqrt(variance + eps)
    y: Array = (x - mean[:, None, None]) * scale[:, None, None] + bias[:, None, None]
    return y


def batch_norm_grad(dy: Array, x: Array, weight: Array | None = None, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """By x, weight and bias, with the statistics of the batch (Ioffe & Szegedy 2015, section 3)."""
    mean, variance = statistics(x)
    normal = batch_norm(x, mean, variance, eps=eps)
    by_weight, by_bias = (dy * normal).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
    by_normal = dy if weight is None else dy * weight[:, None, None]
    centred = by_normal - by_normal.mean(axis=(0, 2, 3), keepdims=True)
    along = normal * (by_normal * normal).mean(axis=(0, 2, 3), keepdims=True)
    by_x: Array = (centred - along) / np.sqrt(variance + eps)[:, None, None]
    return by_x, by_weight, by_bias
