"""Activations, of any shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import functional
from fastconv.errors import UnsupportedError
from fastconv.functional import Array
from fastconv.onnx.signature import only

_erf = np.vectorize(math.erf, otypes=[np.float64])


def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    return functional.leaky_relu(x, alpha)


def prelu(x: Array, slope: Array) -> Array:
    """max(x, 0) - slope max(-x, 0): the slope has any shape that goes with x."""
    return functional.relu(x) - slope * functional.relu(-x)


def elu(x: Array, *, alpha: float = 1.0) -> Array:
    return functional.elu(x, alpha)


def selu(x: Array, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323) -> Array:
    return np.float32(gamma) * functional.elu(x, alpha)


def gelu(x: Array, *, approximate: str = "none") -> Array:
    only("approximate", approximate, "none", "tanh")
    return functional.gelu(x, "tanh" if approximate == "tanh" else "none")


def softplus(x: Array) -> Array:
    return functional.softplus(x)


def swish(x: Array, *, alpha: float = 1.0) -> Array:
    return functional.swish(x, alpha)


def hard_sigmoid(x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> NDArray[Any]:
    return np.asarray(np.clip(x * x.dtype.type(alpha) + x.dtype.type(beta), 0, 1))


def clip(x: NDArray[Any], min: NDArray[Any] | None = None, max: NDArray[Any] | None = None) -> NDArray[Any]:
    """x between two bounds, of which the upper one wins."""
    x = x if min is None else np.asarray(np.maximum(x, min))
    return x if max is None else np.asarray(np.minimum(x, max))


def erf(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(_erf(x), x.dtype) if x.size else x


def softmax(x: Array, *, axis: int = -1) -> Array:
    last = np.moveaxis(x, axis, -1)
    return np.moveaxis(functional.softmax(last.reshape(-1, last.shape[-1])).reshape(last.shape), -1, axis)


def log_softmax(x: NDArray[Any], *, axis: int = -1) -> NDArray[Any]:
    below = x - x.max(axis=axis, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=axis, keepdims=True)))


def dropout(x: NDArray[Any], ratio: NDArray[Any] | None = None, training_mode: NDArray[Any] | None = None, *,
            seed: int = 0) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """x as it is, and that all of it is kept: as in inference, or in training if nothing is to be dropped."""
    if training_mode is not None and training_mode and (ratio is None or ratio > 0):
        raise UnsupportedError("its training_mode is not supported: values that are drawn")
    return x, np.ones(x.shape, np.bool_)


OPERATORS = {
    "Clip": clip, "Dropout": dropout, "Elu": elu, "Erf": erf, "Gelu": gelu, "HardSigmoid": hard_sigmoid,
    "HardSwish": functional.hardswish, "LeakyRelu": leaky_relu, "LogSoftmax": log_softmax, "Mish": functional.mish,
    "PRelu": prelu, "Relu": functional.relu, "Selu": selu, "Sigmoid": functional.sigmoid, "Softmax": softmax,
    "Softplus": softplus, "Swish": swish, "Tanh": functional.tanh,
}
