"""What each layer computes, in NumPy. A layer of one's own is registered with `compute.register`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import nn, reference
from fastconv.infer.convolution import conv2d
from fastconv.infer.pooling import avg_pool2d, max_pool2d
from fastconv.infer.special import normal_cdf
from fastconv.nn.layer import Layer
from fastconv.reference.window import Window

Array = NDArray[Any]


@singledispatch
def compute(layer: Layer, *inputs: Array) -> Array:
    """What a layer makes of its inputs (N, ...) float32, in inference. `infer.layout` says how they lie in memory."""
    raise TypeError(f"no function of NumPy is registered for the layer {type(layer).__name__}")


@compute.register
def _(layer: nn.Conv2d, x: Array) -> Array:
    window = Window(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    return conv2d(x, _own(layer, "weight"), layer.bias, window, layer.groups)


@compute.register
def _(layer: nn.Linear, x: Array) -> Array:
    return reference.linear(x, _own(layer, "weight"), layer.bias)


@compute.register
def _(layer: nn.BatchNorm2d, x: Array) -> Array:
    scale, shift = (each.astype(np.float32)[:, None, None] for each in layer.scale_and_shift())
    return x * scale + shift


@compute.register
def _(layer: nn.GroupNorm, x: Array) -> Array:
    return reference.group_norm(x, layer.num_groups, *_affine(layer), layer.eps)


@compute.register
def _(layer: nn.LayerNorm, x: Array) -> Array:
    return reference.layer_norm(x, *_affine(layer), layer.eps)


@compute.register
def _(layer: nn.MaxPool2d, x: Array) -> Array:
    return max_pool2d(x, _pooling(layer))


@compute.register
def _(layer: nn.AvgPool2d, x: Array) -> Array:
    return avg_pool2d(x, _pooling(layer), layer.count_include_pad)


@compute.register
def _(layer: nn.AdaptiveAvgPool2d, x: Array) -> Array:
    y: Array = _parts(x, layer.output_size).mean(axis=(3, 5))
    return y


@compute.register
def _(layer: nn.AdaptiveMaxPool2d, x: Array) -> Array:
    y: Array = _parts(x, layer.output_size).max(axis=(3, 5))
    return y


@compute.register
def _(layer: nn.ConvTranspose2d, x: Array) -> Array:
    options = {name: layer.config[name] for name in ("stride", "padding", "output_padding", "groups", "dilation")}
    return reference.conv_transpose2d(x, _own(layer, "weight"), layer.bias, **options)


@compute.register
def _(layer: nn.Upsample, x: Array) -> Array:
    return reference.upsample(x, layer.scale_factor)


@compute.register
def _(layer: nn.Concat, x: Array, *others: Array) -> Array:
    return np.concatenate([x, *others], axis=1)


@compute.register
def _(layer: nn.Narrow, x: Array) -> Array:
    return x[:, layer.start:layer.start + layer.length]


@compute.register
def _(layer: nn.ChannelShuffle, x: Array) -> Array:
    return reference.channel_shuffle(x, layer.groups)


@compute.register
def _(layer: nn.Add, x: Array, *others: Array) -> Array:
    return sum(others, x)


@compute.register
def _(layer: nn.Multiply, x: Array, other: Array) -> Array:
    y: Array = x * other
    return y


@compute.register
def _(layer: nn.Dropout, x: Array) -> Array:
    return x


@compute.register
def _(layer: nn.Flatten, x: Array) -> Array:
    return np.moveaxis(np.moveaxis(x, 0, -1).reshape(-1, len(x)), -1, 0)  # without a copy, as images are innermost


#: Layers that are one function of the reference, whose arguments have the names of the layer's.
_FUNCTIONS: dict[type[Layer], Callable[..., Array]] = {
    nn.ReLU: reference.relu, nn.LeakyReLU: reference.leaky_relu, nn.ELU: reference.elu, nn.SELU: reference.selu,
    nn.Sigmoid: reference.sigmoid, nn.Tanh: reference.tanh, nn.Softplus: reference.softplus, nn.SiLU: reference.swish,
    nn.Mish: reference.mish, nn.Hardswish: reference.hardswish, nn.Hardtanh: reference.hardtanh,
    nn.Softmax: reference.softmax,
}


def _call(function: Callable[..., Array], layer: Layer, x: Array) -> Array:
    return function(x, **layer.config)


for _layer, _function in _FUNCTIONS.items():
    compute.register(_layer, partial(_call, _function))


@compute.register
def _(layer: nn.ReLU6, x: Array) -> Array:
    return reference.hardtanh(x, 0.0, 6.0)


@compute.register
def _(layer: nn.PReLU, x: Array) -> Array:
    return reference.leaky_relu(x, _by_channel(layer, "weight", x))


@compute.register
def _(layer: nn.GELU, x: Array) -> Array:
    return x * normal_cdf(x) if layer.config["approximate"] == "none" else reference.gelu(x, "tanh")


@compute.register
def _(layer: nn.Swish, x: Array) -> Array:
    return reference.swish(x, _own(layer, "beta") if layer.config["learnable"] else layer.config["beta"])


@compute.register
def _(layer: nn.AconA, x: Array) -> Array:
    return reference.swish(x, _by_channel(layer, "beta", x))


@compute.register
def _(layer: nn.AconB, x: Array) -> Array:
    return reference.acon(x, 1.0, _by_channel(layer, "p", x), _by_channel(layer, "beta", x))


@compute.register
def _(layer: nn.AconC, x: Array) -> Array:
    return reference.acon(x, *(_by_channel(layer, name, x) for name in ("p1", "p2", "beta")))


@compute.register
def _(layer: nn.MetaAconC, x: Array) -> Array:
    layers = [(_own(layer, f"{name}.weight")[:, :, 0, 0], _own(layer, f"{name}.bias"))
              for name in ("fc1", "fc2")] if layer.design == "channel" else []
    return reference.meta_acon(x, _by_channel(layer, "p1", x), _by_channel(layer, "p2", x), layer.design, *layers)


def _own(layer: Layer, name: str) -> Array:
    """A parameter of the layer."""
    return layer._parameters[name].array


def _affine(layer: nn.GroupNorm | nn.LayerNorm) -> tuple[Array | None, Array | None]:
    """The weight and the bias of a normalisation, if it has them."""
    parameters = layer._parameters
    return (parameters["weight"].array, parameters["bias"].array) if parameters else (None, None)


def _pooling(layer: nn.MaxPool2d | nn.AvgPool2d) -> Window:
    return Window(layer.kernel_size, layer.stride, layer.padding, (1, 1), layer.ceil_mode)


def _parts(x: Array, size: tuple[int, int]) -> Array:
    """x (N, C, H, W) as size[0] × size[1] equal parts: (N, C, rows, H / rows, cols, W / cols)."""
    n, channels, height, width = x.shape
    return x.reshape(n, channels, size[0], height // size[0], size[1], width // size[1])


def _by_channel(layer: Layer, name: str, x: Array) -> Array:
    """A parameter with one value, or one for each channel, shaped to go with x (N, C, …)."""
    return _own(layer, name).reshape(1, -1, *(1,) * (x.ndim - 2))
