"""Activations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.nn.activation import SELU_ALPHA, SELU_SCALE
from fastconv.nn.layer import Layer
from fastconv.onnx.lowering.expect import Input, constant, of_channels, value
from fastconv.onnx.network import Affine, Network, Value
from fastconv.onnx.signature import only


def _plain(make: Callable[[], Layer]) -> Callable[[Network, Input], Value]:
    return lambda net, x: net.add(make(), value(x))


def leaky_relu(net: Network, x: Input, *, alpha: float = 0.01) -> Value:
    return net.add(nn.LeakyReLU(alpha), value(x))


def prelu(net: Network, x: Input, slope: Input) -> Value:
    batch = value(x)
    weight = of_channels("the slope", slope, batch)
    return net.add(nn.PReLU(weight.size), batch, state={"weight": weight})


def elu(net: Network, x: Input, *, alpha: float = 1.0) -> Value:
    return net.add(nn.ELU(alpha), value(x))


def selu(net: Network, x: Input, *, alpha: float = SELU_ALPHA, gamma: float = SELU_SCALE) -> Value:
    if not np.allclose((alpha, gamma), (SELU_ALPHA, SELU_SCALE), rtol=1e-6):
        raise UnsupportedError(f"alpha {SELU_ALPHA} and gamma {SELU_SCALE} are supported, found {alpha} and {gamma}")
    return net.add(nn.SELU(), value(x))


def gelu(net: Network, x: Input, *, approximate: str = "none") -> Value:
    only("approximate", approximate, "none", "tanh")
    return net.add(nn.GELU("tanh" if approximate == "tanh" else "none"), value(x))


def swish(net: Network, x: Input, *, alpha: float = 1.0) -> Value:
    return net.add(nn.SiLU() if alpha == 1 else nn.Swish(alpha), value(x))


def softmax(net: Network, x: Input, *, axis: int = -1) -> Value:
    batch = value(x)
    if len(batch.shape) != 2 or axis not in (-1, 1):
        raise UnsupportedError(f"the softmax of features (N, F) over axis 1 is supported, found {batch.shape}, {axis}")
    return net.add(nn.Softmax(), batch)


def clip(net: Network, x: Input, min: Input | None = None, max: Input | None = None) -> Value:
    largest = float(np.finfo(np.float32).max)
    low, high = (bound if each is None else float(constant("a bound", each).item())
                 for bound, each in ((-largest, min), (largest, max)))
    if (low, high) == (0, largest):
        return net.add(nn.ReLU(), value(x))
    if (low, high) == (0, 6):
        return net.add(nn.ReLU6(), value(x))
    return net.add(nn.Hardtanh(low, high), value(x))


def hard_sigmoid(net: Network, x: Input, *, alpha: float = 0.2, beta: float = 0.5) -> Value:
    """alpha x + beta between 0 and 1."""
    line = net.affine(value(x), np.float32(alpha), np.float32(beta))
    return net.add(nn.Hardtanh(0.0, 1.0), line)


def erf(net: Network, x: Input) -> Value:
    """A part of GELU: erf(x / √2)."""
    batch = value(x)
    line = batch.layer
    if isinstance(line, Affine) and np.allclose(line.scale, math.sqrt(0.5)) and not np.any(line.shift):
        return net.part(batch, detail=batch.reads[0])
    raise UnsupportedError("it is supported as a part of GELU only, x / √2 before it")


LAYERS = {
    "Clip": clip, "Elu": elu, "Erf": erf, "Gelu": gelu, "HardSigmoid": hard_sigmoid, "HardSwish": _plain(nn.Hardswish),
    "LeakyRelu": leaky_relu, "Mish": _plain(nn.Mish), "PRelu": prelu, "Relu": _plain(nn.ReLU), "Selu": selu,
    "Sigmoid": _plain(nn.Sigmoid), "Softmax": softmax, "Softplus": _plain(nn.Softplus), "Swish": swish,
    "Tanh": _plain(nn.Tanh),
}
