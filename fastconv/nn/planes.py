"""Which operators each layer stands for where an image is computed by itself, in inference."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.operators import Formula, planes
from fastconv.engine.operators.planes import NeedsLanes
from fastconv.engine.parameter import Parameter
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias
from fastconv.nn.activation import Elementwise, ReLU, Softmax
from fastconv.nn.batch_norm import BatchNorm2d
from fastconv.nn.convolution import Conv2d
from fastconv.nn.dropout import Dropout
from fastconv.nn.flatten import Flatten
from fastconv.nn.fusion import FoldedNorm, PooledActivation
from fastconv.nn.graph import Add
from fastconv.nn.layer import Layer
from fastconv.nn.linear import Linear
from fastconv.nn.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from fastconv.nn.windows import conv_window, part_window, pool_window


@singledispatch
def lower_alone(layer: Any, builder: Builder, *inputs: Tensor) -> Tensor:
    """Emits what the layer computes of an image by itself.

    Raises NeedsLanes where that is not possible; the whole network is then computed with an image in each lane.
    """
    raise NeedsLanes(f"the layer {type(layer).__name__}")


@lower_alone.register
def _(layer: Conv2d, builder: Builder, x: Tensor) -> Tensor:
    return _conv2d(layer, builder, x, layer._parameters["weight"], _bias(layer, builder))


@lower_alone.register
def _(layer: FoldedNorm, builder: Builder, x: Tensor) -> Tensor:
    weight, bias = builder.derive(layer.norm.folded_into(layer.convolution))
    return _conv2d(layer.convolution, builder, x, weight, builder.bias(bias))


@lower_alone.register
def _(layer: Linear, builder: Builder, x: Tensor) -> Tensor:
    shape = layer.out_features, x.place.features, 1, 1
    return planes.linear(builder, x, builder.weight(layer._parameters["weight"], shape), _bias(layer, builder))


@lower_alone.register
def _(layer: MaxPool2d, builder: Builder, x: Tensor) -> Tensor:
    return planes.max_pool2d(builder, x, pool_window(layer))


@lower_alone.register
def _(layer: AvgPool2d, builder: Builder, x: Tensor) -> Tensor:
    if layer.ceil_mode or not layer.count_include_pad:
        raise NeedsLanes("an average of fewer pixels at the edges")
    return planes.avg_pool2d(builder, x, pool_window(layer))


@lower_alone.register
def _(layer: AdaptiveMaxPool2d, builder: Builder, x: Tensor) -> Tensor:
    return planes.max_pool2d(builder, x, part_window(layer, x.place.size))


@lower_alone.register
def _(layer: AdaptiveAvgPool2d, builder: Builder, x: Tensor) -> Tensor:
    return planes.avg_pool2d(builder, x, part_window(layer, x.place.size))


@lower_alone.register
def _(layer: BatchNorm2d, builder: Builder, x: Tensor) -> Tensor:
    scale, shift = (builder.bias(each) for each in builder.derive(layer.derived()))
    return planes.activate(builder, x, Formula("affine", [scale, shift]))


@lower_alone.register
def _(layer: Add, builder: Builder, *inputs: Tensor) -> Tensor:
    return planes.add(builder, inputs)


@lower_alone.register
def _(layer: Flatten | Dropout, builder: Builder, x: Tensor) -> Tensor:
    return x


@lower_alone.register
def _(layer: ReLU, builder: Builder, x: Tensor) -> Tensor:
    return planes.relu(builder, x)


@lower_alone.register
def _(layer: Elementwise, builder: Builder, x: Tensor) -> Tensor:
    coefficients = [builder.bias(layer._parameters[each]) if isinstance(each, str) else each
                    for each in layer.coefficients]
    if any(isinstance(each, Bias) and each.parameter.array.size not in (1, x.place.channels) for each in coefficients):
        raise NeedsLanes("an activation with parameters for each feature")
    return planes.activate(builder, x, Formula(layer.formula, coefficients))


@lower_alone.register
def _(layer: PooledActivation, builder: Builder, x: Tensor) -> Tensor:
    return lower_alone(layer.pooling, builder, lower_alone(layer.activation, builder, x))


@lower_alone.register
def _(layer: Softmax, builder: Builder, x: Tensor) -> Tensor:
    return planes.softmax(builder, x)


def _conv2d(layer: Conv2d, builder: Builder, x: Tensor, weight: Parameter, bias: Bias | None) -> Tensor:
    window = conv_window(layer)
    if layer.groups == 1 and window.kernel == x.place.size and not any(window.padding):
        shape = layer.out_channels, x.place.features, 1, 1
        return planes.linear(builder, x, builder.weight(weight, shape), bias)
    if layer.algorithm == "auto" and planes.serves_pairs(layer.in_channels, layer.out_channels, layer.groups, window):
        return planes.conv2d_by_pairs(builder, x, weight, bias, window)
    shape = layer.out_channels, layer.in_channels // layer.groups, *layer.kernel_size
    return planes.conv2d(builder, x, builder.weight(weight, shape, layer.groups), bias, window)


def _bias(layer: Layer, builder: Builder) -> Bias | None:
    return builder.bias(layer._parameters["bias"]) if "bias" in layer._parameters else None
