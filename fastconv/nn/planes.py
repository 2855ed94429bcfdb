"""Which operators each layer stands for where an image is computed by itself, in inference."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.operators import Formula, planes
from fastconv.engine.parameter import Parameter
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias
from fastconv.nn.acon import MetaAconC
from fastconv.nn.activation import Elementwise, ReLU, Softmax
from fastconv.nn.batch_norm import BatchNorm2d
from fastconv.nn.channels import ChannelShuffle, Concat, Narrow
from fastconv.nn.convolution import Conv2d
from fastconv.nn.dropout import Dropout
from fastconv.nn.flatten import Flatten
from fastconv.nn.fusion import FoldedNorm, PooledActivation, ShuffledConcat
from fastconv.nn.graph import Add, Multiply
from fastconv.nn.group_norm import GroupNorm, LayerNorm
from fastconv.nn.layer import Layer
from fastconv.nn.linear import Linear
from fastconv.nn.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from fastconv.nn.upsample import Upsample
from fastconv.nn.windows import conv_window, part_window, pool_window


class NeedsLanes(Exception):
    """What is asked for can only be computed with an image in each lane."""


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
    return planes.avg_pool2d(builder, x, pool_window(layer), layer.count_include_pad)


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
def _(layer: Multiply, builder: Builder, x: Tensor, factor: Tensor) -> Tensor:
    if x.place.features < factor.place.features:
        x, factor = factor, x
    return planes.multiply(builder, x, factor)


@lower_alone.register
def _(layer: GroupNorm, builder: Builder, x: Tensor) -> Tensor:
    return _group_norm(layer, builder, _by_channel(builder, x, layer.num_channels), layer.num_groups)


@lower_alone.register
def _(layer: LayerNorm, builder: Builder, x: Tensor) -> Tensor:
    return planes.images(builder, _group_norm(layer, builder, planes.features(builder, x), 1), x.place.shape)


@lower_alone.register
def _(layer: Upsample, builder: Builder, x: Tensor) -> Tensor:
    return planes.upsample(builder, x, layer.scale_factor)


@lower_alone.register
def _(layer: Concat, builder: Builder, *inputs: Tensor) -> Tensor:
    return planes.concat(builder, inputs)


@lower_alone.register
def _(layer: Narrow, builder: Builder, x: Tensor) -> Tensor:
    return planes.narrow(x, layer.start, layer.length)


@lower_alone.register
def _(layer: ChannelShuffle, builder: Builder, x: Tensor) -> Tensor:
    return planes.channel_shuffle(builder, [x], layer.groups)


@lower_alone.register
def _(layer: ShuffledConcat, builder: Builder, *inputs: Tensor) -> Tensor:
    return planes.channel_shuffle(builder, inputs, layer.shuffle.groups)


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
    counts = [each.parameter.array.size for each in coefficients if isinstance(each, Bias)]
    x = _by_channel(builder, x, max(counts, default=1))
    return planes.activate(builder, x, Formula(layer.formula, coefficients))


@lower_alone.register
def _(layer: MetaAconC, builder: Builder, x: Tensor) -> Tensor:
    x = _by_channel(builder, x, layer.channels)
    p1, p2 = (builder.bias(layer._parameters[name]) for name in ("p1", "p2"))
    if layer.design == "pixel":
        return planes.activate(builder, x, Formula("acon_of_pixel", [p1, p2]))
    if layer.design == "layer":
        return planes.activate(builder, x, Formula("acon", [p1, p2, planes.switch_of_image(builder, x)]))
    layers = [(builder.weight(layer._parameters[f"{name}.weight"], layer._parameters[f"{name}.weight"].array.shape),
               builder.bias(layer._parameters[f"{name}.bias"])) for name in ("fc1", "fc2")]
    return planes.activate(builder, x, Formula("acon", [p1, p2, planes.switch_of_channels(builder, x, layers)]))


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


def _group_norm(layer: GroupNorm | LayerNorm, builder: Builder, x: Tensor, groups: int) -> Tensor:
    y = planes.group_norm(builder, x, groups, layer.eps)
    learned = [builder.bias(each) for each in layer._parameters.values()]
    return planes.activate(builder, y, Formula("affine", learned)) if learned else y


def _by_channel(builder: Builder, x: Tensor, channels: int) -> Tensor:
    return x if channels in (1, x.place.channels) else planes.features(builder, x)


def _bias(layer: Layer, builder: Builder) -> Bias | None:
    return builder.bias(layer._parameters["bias"]) if "bias" in layer._parameters else None
