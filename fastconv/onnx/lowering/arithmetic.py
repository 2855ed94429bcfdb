"""Sums and products: of layers' values with each other, and with constants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.onnx.lowering.expect import Input, constant, of_channels, value
from fastconv.onnx.lowering.normalisation import with_affine
from fastconv.onnx.lowering.weighted import with_bias
from fastconv.onnx.network import Affine, Network, Part, Value, is_part

#: What a part is called that is x (1 + erf(x / √2)).
TWICE_GELU = "2 GELU"

_ONE, _ZERO = np.float32(1), np.float32(0)


def add(net: Network, a: Input, b: Input) -> Value:
    if isinstance(a, Value) and isinstance(b, Value):
        return total(net, a, b)
    x, shift = (a, b) if isinstance(a, Value) else (value(b), a)
    beside = _beside(x, shift)
    return with_bias(net, x, shift) or with_affine(net, x, np.ones_like(beside), beside) or net.affine(x, _ONE, beside)


def total(net: Network, *inputs: Input) -> Value:
    values = [value(each) for each in inputs]
    if len({each.shape for each in values}) > 1:
        raise UnsupportedError(f"expected values of one shape, found {', '.join(str(each.shape) for each in values)}")
    return net.add(nn.Add(), *values) if len(values) > 1 else values[0]


def subtract(net: Network, a: Input, b: Input) -> Value:
    if not isinstance(b, Value):
        return add(net, a, -b)
    negative = net.affine(b, -_ONE, _ZERO)
    return add(net, a, negative)


def multiply(net: Network, a: Input, b: Input) -> Value:
    if not isinstance(a, Value) or not isinstance(b, Value):
        x, scale = (a, b) if isinstance(a, Value) else (value(b), a)
        if isinstance(x.layer, Part) and x.layer.detail == TWICE_GELU and np.all(constant("a factor", scale) == 0.5):
            return net.add(nn.GELU(), *x.reads)
        beside = _beside(x, scale)
        return with_affine(net, x, beside, np.zeros_like(beside)) or net.affine(x, beside, _ZERO)
    for x, gate in ((a, b), (b, a)):
        if isinstance(gate.layer, nn.Sigmoid) and gate.reads == (x,):
            return net.add(nn.SiLU(), x)
        if isinstance(gate.layer, nn.Tanh) and isinstance(gate.reads[0].layer, nn.Softplus) and (
                gate.reads[0].reads == (x,)):
            return net.add(nn.Mish(), x)
        if isinstance(gate.layer, Affine) and is_part(gate.reads[0], "Erf"):
            return _gelu(net, x, gate.layer, gate.reads[0])
    return net.add(nn.Multiply(), a, b)


def divide(net: Network, a: Input, b: Input) -> Value:
    divisor = constant("the divisor", b)
    return multiply(net, value(a), np.asarray(1 / divisor, np.float32))


def _beside(x: Value, numbers: Input) -> NDArray[np.float32]:
    """A constant shaped to go with one image of x."""
    return of_channels("the other input", numbers, x).reshape(-1, *(1,) * (len(x.shape) - 2))


def _gelu(net: Network, x: Value, line: Affine, error: Value) -> Value:
    """x (1 + erf(z / √2)) / 2 for z = x, of which the half may come before or after."""
    if np.all(line.scale == 1) and np.all(line.shift == 1) and isinstance(error.layer, Part):
        z = error.layer.detail
        if x is z:
            return net.part(x, detail=TWICE_GELU)
        before = x.layer
        if isinstance(before, Affine) and x.reads == (z,) and np.all(before.scale == 0.5) and not np.any(before.shift):
            return net.add(nn.GELU(), z)
    raise UnsupportedError("products with erf are supported in GELU only")


LAYERS = {"Add": add, "Div": divide, "Mul": multiply, "Sub": subtract, "Sum": total}
