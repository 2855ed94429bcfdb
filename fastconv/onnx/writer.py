"""From layers to ONNX's operators: which nodes each layer stands for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import NodeProto, helper

from fastconv import nn
from fastconv.errors import OnnxError
from fastconv.nn.acon import MetaAconC
from fastconv.nn.activation import LEAST_SMOOTH_THRESHOLD, SELU_ALPHA, SELU_SCALE
from fastconv.nn.layer import Layer, Shape, joined
from fastconv.onnx.model import DOMAIN
from fastconv.shapes import pair


class Writer:
    """Collects a model's nodes and constants, and the names of the functions they use.

    A layer's first node has its name, its constants are named as in a state dict.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.functions: list[str] = []
        self.shapes: Sequence[Shape] = ()
        self.made: Shape = ()
        self._layer = ""
        self._count = 0

    def begin(self, layer: str, shapes: Sequence[Shape], made: Shape) -> None:
        """What follows belongs to this layer, which makes a batch of shape `made` of batches of `shapes`."""
        self._layer, self.shapes, self.made, self._count = layer, shapes, made, 0

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Adds a node; returns the name of what it makes."""
        name = (self._layer or "layer") + (f"_{self._count}" if self._count else "")
        self._count += 1
        output = f"{name}:{op}"
        self.nodes.append(helper.make_node(op, inputs, [output], name, domain=domain, **attributes))
        return output

    def function(self, name: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node that calls a function."""
        if name not in self.functions:
            self.functions.append(name)
        return self.node(name, *inputs, domain=DOMAIN, **attributes)

    def constant(self, name: str, values: ArrayLike) -> str:
        """The name of a constant of this layer."""
        full = joined(self._layer, name)
        self.constants[full] = np.asarray(values)
        return full

    def parameters(self, layer: Layer, *names: str) -> list[str]:
        """The names of a layer's parameters and statistics, in this order, of those that it has."""
        own = layer._parameters | layer._statistics
        return [self.constant(name, own[name].array) for name in names if name in own]

    def rename(self, value: str, name: str) -> None:
        """Calls what a node makes, or the batch itself, by another name."""
        if value == "input":
            value = self.node("Identity", value)
        for node in self.nodes:
            for several in (node.input, node.output):
                several[:] = [name if each == value else each for each in several]


@singledispatch
def write(layer: Layer, writer: Writer, *inputs: str) -> str:
    """Writes what a layer computes; returns the name of what it makes. Register one here for a layer of yours."""
    raise OnnxError(f"{type(layer).__name__}: the layer cannot be written to an ONNX file")


#: Layers that are one operator without attributes.
_OPERATORS: dict[type[Layer], str] = {
    nn.Flatten: "Flatten", nn.Multiply: "Mul", nn.ReLU: "Relu", nn.Sigmoid: "Sigmoid", nn.Tanh: "Tanh",
    nn.Mish: "Mish", nn.Hardswish: "HardSwish",
}


def _node(op: str, layer: Layer, writer: Writer, *inputs: str) -> str:
    return writer.node(op, *inputs)


for _layer, _op in _OPERATORS.items():
    write.register(_layer, partial(_node, _op))


@write.register
def _(layer: nn.Conv2d, writer: Writer, x: str) -> str:
    top, bottom, left, right = layer.padding
    return writer.node("Conv", x, *writer.parameters(layer, "weight", "bias"), kernel_shape=layer.kernel_size,
                       strides=layer.stride, dilations=layer.dilation, group=layer.groups,
                       pads=(top, left, bottom, right))


@write.register
def _(layer: nn.ConvTranspose2d, writer: Writer, x: str) -> str:
    height, width = pair("padding", layer.config["padding"], least=0)
    extra = pair("output_padding", layer.config["output_padding"], least=0)
    return writer.node("ConvTranspose", x, *writer.parameters(layer, "weight", "bias"), kernel_shape=layer.kernel_size,
                       strides=layer.stride, dilations=layer.dilation, group=layer.groups,
                       pads=(height, width, height, width), output_padding=extra)


@write.register
def _(layer: nn.Linear, writer: Writer, x: str) -> str:
    return writer.node("Gemm", x, *writer.parameters(layer, "weight", "bias"), transB=1)


@write.register
def _(layer: nn.BatchNorm2d, writer: Writer, x: str) -> str:
    affine = _affine(layer, writer, layer.num_features)
    momentum: dict[str, Any] = {} if layer.momentum is None else {"momentum": 1 - layer.momentum}
    return writer.node("BatchNormalization", x, *affine, *writer.parameters(layer, "running_mean", "running_var"),
                       epsilon=layer.eps, **momentum)


@write.register
def _(layer: nn.GroupNorm, writer: Writer, x: str) -> str:
    return writer.node("GroupNormalization", x, *_affine(layer, writer, layer.num_channels), epsilon=layer.eps,
                       num_groups=layer.num_groups)


@write.register
def _(layer: nn.LayerNorm, writer: Writer, x: str) -> str:
    affine = _affine(layer, writer, layer.normalized_shape)
    return writer.node("LayerNormalization", x, *affine, axis=1, epsilon=layer.eps)


def _affine(layer: Layer, writer: Writer, shape: int | Shape) -> list[str]:
    """The names of a normalisation's weight and bias, which are ones and zeros where it has none."""
    plain = {"weight": np.ones(shape, np.float32), "bias": np.zeros(shape, np.float32)}
    return writer.parameters(layer, *plain) or [writer.constant(*each) for each in plain.items()]


@write.register
def _(layer: nn.Dropout, writer: Writer, x: str) -> str:
    return writer.node("Dropout", x, writer.constant("ratio", np.float32(layer.p)))


@write.register
def _(layer: nn.MaxPool2d, writer: Writer, x: str) -> str:
    return writer.node("MaxPool", x, **_window(layer, writer))


@write.register
def _(layer: nn.AvgPool2d, writer: Writer, x: str) -> str:
    window, (below, right) = _window(layer, writer), _overhang(layer, writer)
    counted = layer.count_include_pad
    if counted and below + right:  # what padding is counts, what lies beyond it does not
        top, bottom, left, beside = layer.padding
        if any(layer.padding):
            x = writer.node("Pad", x, writer.constant("pads", [0, 0, top, left, 0, 0, bottom, beside]))
        window, counted = {**window, "pads": (0, 0, below, right)}, False
    return writer.node("AveragePool", x, count_include_pad=int(counted), **window)


@write.register
def _(layer: nn.AdaptiveAvgPool2d, writer: Writer, x: str) -> str:
    return _adaptive("AveragePool", layer.output_size, writer, x)


@write.register
def _(layer: nn.AdaptiveMaxPool2d, writer: Writer, x: str) -> str:
    return _adaptive("MaxPool", layer.output_size, writer, x)


def _adaptive(op: str, output_size: tuple[int, int], writer: Writer, x: str) -> str:
    if output_size == (1, 1):
        return writer.node(f"Global{op}", x)
    part = [before // after for before, after in zip(writer.shapes[0][2:], output_size, strict=True)]
    return writer.node(op, x, kernel_shape=part, strides=part)


def _window(layer: nn.MaxPool2d | nn.AvgPool2d, writer: Writer) -> dict[str, Any]:
    """The attributes of a pooling. ONNX's ceil_mode changed its meaning (opset 22); padding at the end does not."""
    (top, bottom, left, right), (below, beside) = layer.padding, _overhang(layer, writer)
    return {"kernel_shape": layer.kernel_size, "strides": layer.stride,
            "pads": (top, left, bottom + below, right + beside)}


def _overhang(layer: nn.MaxPool2d | nn.AvgPool2d, writer: Writer) -> tuple[int, int]:
    """How far the last windows reach beyond the padding."""
    (_, _, *size), (_, _, *made), padding = writer.shapes[0], writer.made, layer.padding
    below, beside = (max((made[axis] - 1) * layer.stride[axis] + layer.kernel_size[axis]
                         - (size[axis] + padding[2 * axis] + padding[2 * axis + 1]), 0) for axis in (0, 1))
    return below, beside


@write.register
def _(layer: nn.Add, writer: Writer, x: str, *others: str) -> str:
    return writer.node("Add" if len(others) == 1 else "Sum", x, *others)


@write.register
def _(layer: nn.Concat, writer: Writer, *inputs: str) -> str:
    return writer.node("Concat", *inputs, axis=1)


@write.register
def _(layer: nn.Narrow, writer: Writer, x: str) -> str:
    bounds = {"starts": [layer.start], "ends": [layer.start + layer.length], "axes": [1]}
    return writer.node("Slice", x, *(writer.constant(*each) for each in bounds.items()))


@write.register
def _(layer: nn.ChannelShuffle, writer: Writer, x: str) -> str:
    _, channels, height, width = writer.made
    grouped = writer.node("Reshape", x, writer.constant("groups", [0, layer.groups, -1, height, width]))
    turned = writer.node("Transpose", grouped, perm=(0, 2, 1, 3, 4))
    return writer.node("Reshape", turned, writer.constant("channels", [0, channels, height, width]))


@write.register
def _(layer: nn.Upsample, writer: Writer, x: str) -> str:
    scales = writer.constant("scales", np.array([1, 1, *layer.scale_factor], np.float32))
    return writer.node("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric",
                       nearest_mode="floor")


@write.register
def _(layer: nn.Softmax, writer: Writer, x: str) -> str:
    return writer.node("Softmax", x, axis=1)


@write.register
def _(layer: nn.LeakyReLU, writer: Writer, x: str) -> str:
    return writer.node("LeakyRelu", x, alpha=layer.config["negative_slope"])


@write.register
def _(layer: nn.PReLU, writer: Writer, x: str) -> str:
    slope = layer._parameters["weight"].array
    return writer.node("PRelu", x, writer.constant("weight", slope.reshape(-1, *(1,) * (len(writer.made) - 2))))


@write.register
def _(layer: nn.ELU, writer: Writer, x: str) -> str:
    return writer.node("Elu", x, alpha=layer.config["alpha"])


@write.register
def _(layer: nn.SELU, writer: Writer, x: str) -> str:
    return writer.node("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE)


@write.register
def _(layer: nn.GELU, writer: Writer, x: str) -> str:
    return writer.node("Gelu", x, approximate=layer.config["approximate"])


@write.register
def _(layer: nn.Hardtanh, writer: Writer, x: str) -> str:
    bounds = {name: np.float32(layer.config[name]) for name in ("min_val", "max_val")}
    return writer.node("Clip", x, *(writer.constant(*each) for each in bounds.items()))


@write.register
def _(layer: nn.ReLU6, writer: Writer, x: str) -> str:
    return writer.node("Clip", x, writer.constant("min_val", np.float32(0)), writer.constant("max_val", np.float32(6)))


@write.register
def _(layer: nn.Softplus, writer: Writer, x: str) -> str:
    beta, threshold = layer.config["beta"], layer.config["threshold"]
    if beta == 1 and threshold >= LEAST_SMOOTH_THRESHOLD:
        return writer.node("Softplus", x)
    return writer.function("Softplus", x, beta=float(beta), threshold=float(threshold))


@write.register
def _(layer: nn.SiLU, writer: Writer, x: str) -> str:
    return writer.node("Mul", x, writer.node("Sigmoid", x))


@write.register
def _(layer: nn.Swish, writer: Writer, x: str) -> str:
    if layer.config["learnable"]:
        return writer.function("LearnableSwish", x, *writer.parameters(layer, "beta"))
    return writer.function("Swish", x, beta=float(layer.config["beta"]))


@write.register
def _(layer: nn.AconA, writer: Writer, x: str) -> str:
    return writer.function("AconA", x, *writer.parameters(layer, "beta"))


@write.register
def _(layer: nn.AconB, writer: Writer, x: str) -> str:
    return writer.function("AconB", x, *writer.parameters(layer, "p", "beta"))


@write.register
def _(layer: nn.AconC, writer: Writer, x: str) -> str:
    return writer.function("AconC", x, *writer.parameters(layer, "p1", "p2", "beta"))


@write.register
def _(layer: MetaAconC, writer: Writer, x: str) -> str:
    parameters = writer.parameters(layer, "p1", "p2", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
    return writer.function(f"MetaAcon{layer.design.capitalize()}", x, *parameters)
