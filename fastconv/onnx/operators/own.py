"""The functions `export` writes for layers that ONNX has no operator for, on arrays (N, C, …)."""

from __future__ import annotations

from fastconv import functional
from fastconv.functional import Array


def acon_a(x: Array, beta: Array) -> Array:
    return acon_c(x, beta**0, 0 * beta, beta)


def acon_b(x: Array, p: Array, beta: Array) -> Array:
    return acon_c(x, p**0, p, beta)


def acon_c(x: Array, p1: Array, p2: Array, beta: Array) -> Array:
    return functional.acon(x, p1.reshape(-1), p2.reshape(-1), beta.reshape(-1))


def softplus(x: Array, *, beta: float, threshold: float) -> Array:
    return functional.softplus(x, beta, threshold)


def swish(x: Array, *, beta: float) -> Array:
    return functional.swish(x, beta)


def learnable_swish(x: Array, beta: Array) -> Array:
    return functional.swish(x, float(beta.item()))


OPERATORS = {
    "fastconv.AconA": acon_a, "fastconv.AconB": acon_b, "fastconv.AconC": acon_c,
    "fastconv.LearnableSwish": learnable_swish, "fastconv.MetaAconChannel": functional.meta_acon,
    "fastconv.MetaAconLayer": functional.meta_acon_layer, "fastconv.MetaAconPixel": functional.meta_acon_pixel,
    "fastconv.Softplus": softplus, "fastconv.Swish": swish,
}
