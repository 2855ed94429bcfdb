"""From layers to programs: which operators each layer stands for."""

from __future__ import annotations

from functools import singledispatch

from fastconv.engine import operators
from fastconv.engine.builder import Builder
from fastconv.engine.operators import Formula, Running
from fastconv.engine.parameter import Parameter
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight
from fastconv.nn.acon import MetaAconC
from fastconv.nn.activation import Elementwise, ReLU, Softmax
from fastconv.nn.batch_norm import BatchNorm2d
from fastconv.nn.channels import ChannelShuffle, Concat, Narrow
from fastconv.nn.convolution import Conv2d, ConvTranspose2d
from fastconv.nn.dropout import Dropout, Dropout2d
from fastconv.nn.flatten import Flatten
from fastconv.nn.fusion import FoldedNorm, Fused, NormalisedSum, PooledActivation, ShuffledConcat
from fastconv.nn.graph import Add, Multiply
from fastconv.nn.group_norm import GroupNorm, LayerNorm
from fastconv.nn.layer import Layer, Weighted
from fastconv.nn.linear import Linear
from fastconv.nn.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from fastconv.nn.upsample import Upsample
from fastconv.nn.windows import conv_window, part_window, pool_window


@singledispatch
def lower(layer: Layer | Fused, builder: Builder, *inputs: Tensor, training: bool) -> Tensor:
    """Emits what the layer computes. Register a function here for a layer of your own."""
    raise TypeError(f"no operator is registered for the layer {type(layer).__name__}")


@lower.register
def _(layer: Conv2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    weight, trainable = layer._parameters["weight"], training and layer.trainable
    return _conv2d(layer, builder, x, weight, _bias(layer, builder, training), trainable)


@lower.register
def _(layer: ConvTranspose2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    parameter, trainable = layer._parameters["weight"], training and layer.trainable
    shape = layer.in_channels, layer.out_channels // layer.groups, *layer.kernel_size
    weight, bias = builder.weight(parameter, shape, layer.groups, trainable), _bias(layer, builder, training)
    _, _, height, width = layer.output_shape((1, *x.place.shape))
    return operators.conv_transpose2d(builder, x, weight, bias, conv_window(layer), (height, width))


@lower.register
def _(layer: Linear, builder: Builder, x: Tensor, training: bool) -> Tensor:
    bias, trainable = _bias(layer, builder, training), training and layer.trainable
    shape = layer.out_features, *x.place.shape
    return operators.linear(builder, x, builder.weight(layer._parameters["weight"], shape, 1, trainable), bias)


@lower.register
def _(layer: MaxPool2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.max_pool2d(builder, x, pool_window(layer))


@lower.register
def _(layer: AvgPool2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.avg_pool2d(builder, x, pool_window(layer), layer.count_include_pad)


@lower.register
def _(layer: AdaptiveAvgPool2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    if layer.output_size == (1, 1):
        return operators.global_avg_pool2d(builder, x)
    return operators.avg_pool2d(builder, x, part_window(layer, x.place.size))


@lower.register
def _(layer: AdaptiveMaxPool2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.max_pool2d(builder, x, part_window(layer, x.place.size))


@lower.register
def _(layer: BatchNorm2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    if training and layer.trainable:
        return _batch_norm(layer, builder, x)
    scale, shift = (builder.bias(each) for each in builder.derive(layer.derived()))
    return operators.activate(builder, x, Formula("affine", [scale, shift]))


@lower.register
def _(layer: NormalisedSum, builder: Builder, x: Tensor, other: Tensor, training: bool) -> Tensor:
    return _batch_norm(layer.norm, builder, x, other)


@lower.register
def _(layer: FoldedNorm, builder: Builder, x: Tensor, training: bool) -> Tensor:
    weight, bias = builder.derive(layer.norm.folded_into(layer.convolution))
    return _conv2d(layer.convolution, builder, x, weight, builder.bias(bias), False)


@lower.register
def _(layer: Add, builder: Builder, *inputs: Tensor, training: bool) -> Tensor:
    return operators.add(builder, inputs)


@lower.register
def _(layer: Multiply, builder: Builder, x: Tensor, factor: Tensor, training: bool) -> Tensor:
    if x.place.features < factor.place.features:
        x, factor = factor, x
    return operators.multiply(builder, x, factor)


@lower.register
def _(layer: GroupNorm, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return _group_norm(layer, builder, _by_channel(builder, x, layer.num_channels), layer.num_groups, training)


@lower.register
def _(layer: LayerNorm, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return _group_norm(layer, builder, x, 1, training)


@lower.register
def _(layer: Dropout, builder: Builder, x: Tensor, training: bool) -> Tensor:
    stream = builder.new_stream()  # also where nothing is drawn, so that freezing one layer changes no other
    if not training or not layer.trainable or layer.p == 0:
        return x
    return operators.dropout(builder, x, layer.p, stream, channels=isinstance(layer, Dropout2d))


@lower.register
def _(layer: Concat, builder: Builder, *inputs: Tensor, training: bool) -> Tensor:
    return operators.concat(builder, inputs)


@lower.register
def _(layer: Narrow, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.narrow(builder, x, layer.start, layer.length)


@lower.register
def _(layer: ChannelShuffle, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.channel_shuffle(builder, [x], layer.groups)


@lower.register
def _(layer: ShuffledConcat, builder: Builder, *inputs: Tensor, training: bool) -> Tensor:
    return operators.channel_shuffle(builder, inputs, layer.shuffle.groups)


@lower.register
def _(layer: Upsample, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.upsample(builder, x, layer.scale_factor)


@lower.register
def _(layer: Flatten, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return x


@lower.register
def _(layer: ReLU, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.relu(builder, x)


@lower.register
def _(layer: Elementwise, builder: Builder, x: Tensor, training: bool) -> Tensor:
    x, formula = _formula(layer, builder, x, training)
    return operators.activate(builder, x, formula)


@lower.register
def _(layer: MetaAconC, builder: Builder, x: Tensor, training: bool) -> Tensor:
    x, formula = _formula(layer, builder, x, training)
    return operators.activate(builder, x, formula)


@lower.register
def _(layer: PooledActivation, builder: Builder, x: Tensor, training: bool) -> Tensor:
    x, formula = _formula(layer.activation, builder, x, training)
    return operators.activate_max_pool2d(builder, x, formula, pool_window(layer.pooling))


@lower.register
def _(layer: Softmax, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return operators.softmax(builder, _by_channel(builder, x, x.place.features))


@singledispatch
def _formula(layer: Layer, builder: Builder, x: Tensor, training: bool) -> tuple[Tensor, Formula]:
    """What an activation does, and x with one channel for each of its parameters."""
    raise TypeError(f"no formula is registered for the layer {type(layer).__name__}")


@_formula.register
def _(layer: Elementwise, builder: Builder, x: Tensor, training: bool) -> tuple[Tensor, Formula]:
    names = [each for each in layer.coefficients if isinstance(each, str)]
    x = _by_channel(builder, x, max([layer._parameters[name].array.size for name in names], default=1))
    return x, Formula(layer.formula, [
        _parameter(layer, each, builder, training) if isinstance(each, str) else each for each in layer.coefficients])


@_formula.register
def _(layer: MetaAconC, builder: Builder, x: Tensor, training: bool) -> tuple[Tensor, Formula]:
    x = _by_channel(builder, x, layer.channels)
    p1, p2 = (_parameter(layer, name, builder, training) for name in ("p1", "p2"))
    if layer.design == "pixel":
        return x, Formula("acon_of_pixel", [p1, p2])
    if layer.design == "layer":
        return x, Formula("acon", [p1, p2, operators.switch_of_image(builder, x)])
    return x, Formula("acon", [p1, p2, operators.switch_of_channels(builder, x, [
        (_weight(layer, f"{name}.weight", builder, training), _parameter(layer, f"{name}.bias", builder, training))
        for name in ("fc1", "fc2")])])


def _conv2d(layer: Conv2d, builder: Builder, x: Tensor, weight: Parameter, bias: Bias | None,
            trainable: bool) -> Tensor:
    shape = layer.out_channels, layer.in_channels // layer.groups, *layer.kernel_size
    matrix = builder.weight(weight, shape, layer.groups, trainable)
    return operators.conv2d(builder, x, matrix, bias, conv_window(layer), layer.algorithm)


def _batch_norm(layer: BatchNorm2d, builder: Builder, x: Tensor, other: Tensor | None = None) -> Tensor:
    """In training."""
    gamma, beta = (_parameter(layer, name, builder, True) if name in layer._parameters else None
                   for name in ("weight", "bias"))
    mean, variance, steps = (layer._statistics[name] for name in ("running_mean", "running_var", "num_batches_tracked"))
    running = Running(mean, variance, steps, layer.momentum)
    return operators.batch_norm(builder, x, gamma, beta, layer.eps, running, other)


def _group_norm(layer: GroupNorm | LayerNorm, builder: Builder, x: Tensor, groups: int, training: bool) -> Tensor:
    gamma, beta = (_parameter(layer, name, builder, training) if name in layer._parameters else None
                   for name in ("weight", "bias"))
    return operators.group_norm(builder, x, groups, gamma, beta, layer.eps)


def _by_channel(builder: Builder, x: Tensor, channels: int) -> Tensor:
    return x if channels in (1, x.place.channels) else operators.features(builder, x)


def _parameter(layer: Layer, name: str, builder: Builder, training: bool) -> Bias:
    return builder.bias(layer._parameters[name], training and layer.trainable)


def _weight(layer: MetaAconC, name: str, builder: Builder, training: bool) -> Weight:
    parameter = layer._parameters[name]
    outputs, inputs, height, width = parameter.array.shape
    return builder.weight(parameter, (outputs, inputs, height, width), 1, training and layer.trainable)


def _bias(layer: Weighted, builder: Builder, training: bool) -> Bias | None:
    return _parameter(layer, "bias", builder, training) if "bias" in layer._parameters else None
