"""From layers to programs: which operators each layer stands for."""

from __future__ import annotations

from functools import singledispatch

from fastconv.engine import operators
from fastconv.engine.builder import Builder
from fastconv.engine.operators import Window
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias
from fastconv.nn.activation import Elementwise, Softmax
from fastconv.nn.convolution import Conv2d
from fastconv.nn.flatten import Flatten
from fastconv.nn.layer import Layer, Weighted
from fastconv.nn.linear import Linear
from fastconv.nn.pooling import AvgPool2d, MaxPool2d


@singledispatch
def lower(layer: Layer, builder: Builder, x: Tensor, training: bool) -> Tensor:
    """Emits what the layer computes. Register a function here for a layer of your own."""
    raise TypeError(f"no operator is registered for the layer {type(layer).__name__}")


@lower.register
def _(layer: Conv2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    window = Window(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    weight, bias, trainable = layer._parameters["weight"], _bias(layer, builder, training), training and layer.trainable
    shape = layer.out_channels, layer.in_channels // layer.groups, *layer.kernel_size
    return operators.conv2d(builder, x, builder.weight(weight, shape, layer.groups, trainable), bias, window)


@lower.register
def _(layer: Linear, builder: Builder, x: Tensor, training: bool) -> Tensor:
    bias, trainable = _bias(layer, builder, training), training and layer.trainable
    shape = layer.out_features, *x.place.shape
    return operators.linear(builder, x, builder.weight(layer._parameters["weight"], shape, 1, trainable), bias)


@lower.register
def _(layer: MaxPool2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.max_pool2d(builder, x, Window(layer.kernel_size, layer.stride, layer.padding))


@lower.register
def _(layer: AvgPool2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.avg_pool2d(builder, x, Window(layer.kernel_size, layer.stride, layer.padding))


@lower.register
def _(layer: Flatten, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return x


@lower.register
def _(layer: Elementwise, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.activation(builder, x, layer.operator)


@lower.register
def _(layer: Softmax, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.softmax(builder, x)


def _bias(layer: Weighted, builder: Builder, training: bool) -> Bias | None:
    parameter = layer._parameters.get("bias")
    return None if parameter is None else builder.bias(parameter, training and layer.trainable)
