"""Nearest-neighbour upsampling, with its gradient."""

from __future__ import annotations

from fastconv.reference.window import Array
from fastconv.shapes import IntPair, pair


def upsample(x: Array, scale_factor: IntPair) -> Array:
    """Each pixel of x: (N, C, H, W) as a rectangle of so many."""
    rows, cols = pair("scale_factor", scale_factor)
    return x.repeat(rows, axis=2).repeat(cols, axis=3)


def upsample_grad(dy: Array, scale_factor: IntPair) -> Array:
    """dx: the sums of dy over those rectangles."""
    rows, cols = pair("scale_factor", scale_factor)
    n, channels, height, width = dy.shape
    dx: Array = dy.reshape(n, channels, height // rows, rows, width // cols, cols).sum(axis=(3, 5))
    return dx
