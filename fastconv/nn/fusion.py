"""What is done in one pass, or in another order, although it is several layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from fastconv.nn.acon import MetaAconC
from fastconv.nn.activation import Elementwise, ReLU
from fastconv.nn.batch_norm import BatchNorm2d
from fastconv.nn.channels import ChannelShuffle, Concat
from fastconv.nn.convolution import Conv2d
from fastconv.nn.graph import Add
from fastconv.nn.layer import Expansion, Layer
from fastconv.nn.pooling import MaxPool2d


@dataclass(frozen=True)
class PooledActivation:
    """An activation with the max pooling behind it, in one pass."""

    activation: Layer
    pooling: MaxPool2d


@dataclass(frozen=True)
class FoldedNorm:
    """A convolution with the batch normalisation behind it, which inference makes part of the weight and the bias."""

    convolution: Conv2d
    norm: BatchNorm2d


@dataclass(frozen=True)
class NormalisedSum:
    """A batch normalisation in training, and the addition of another value to what it makes."""

    norm: BatchNorm2d


@dataclass(frozen=True)
class ShuffledConcat:
    """The channels of several values, put at once where the shuffle behind would put them."""

    shuffle: ChannelShuffle


#: What is done in one pass.
Fused = PooledActivation | FoldedNorm | NormalisedSum | ShuffledConcat


@dataclass(frozen=True)
class Step:
    """What is done at once: the values it reads, and the one it makes."""

    does: Layer | Fused
    inputs: tuple[int, ...]
    output: int


def fused(network: Expansion, training: bool) -> list[Step]:
    """The network's layers, several as one where that is faster and nothing else reads what is between them.

    An activation before a max pooling is moved into or behind it. The maximum of f(x) is f of the maximum of x if f
    never decreases: then f is computed for the maxima alone. A ReLU stays where it is, because it costs nothing in
    the convolution before it.
    """
    readers, steps = network.readers, dict[int, Step]()
    for value, node in enumerate(network.nodes, 1):
        layer = node.layer
        steps[value] = Step(layer, node.inputs, value)
        for source in node.inputs:
            before = steps.get(source) if readers[source] == 1 else None
            if before is None:
                continue
            match before.does, layer:
                case Elementwise(increasing=True) as activation, MaxPool2d() if _may_move(activation):
                    steps[source] = Step(layer, before.inputs, source)
                    steps[value] = Step(activation, node.inputs, value)
                case activation, MaxPool2d() if _may_move(activation):
                    steps[value] = Step(PooledActivation(activation, layer), steps.pop(source).inputs, value)
                case Conv2d() as convolution, BatchNorm2d() if not training:
                    steps[value] = Step(FoldedNorm(convolution, layer), steps.pop(source).inputs, value)
                case Concat(), ChannelShuffle() as shuffle:
                    steps[value] = Step(ShuffledConcat(shuffle), steps.pop(source).inputs, value)
                case BatchNorm2d() as norm, Add() if training and norm.trainable and len(node.inputs) == 2:
                    other = node.inputs[node.inputs[0] == source]
                    steps[value] = Step(NormalisedSum(norm), (*steps.pop(source).inputs, other), value)
                    break
    return list(steps.values())


def _may_move(layer: Layer | Fused) -> TypeGuard[Layer]:
    return isinstance(layer, Elementwise | MetaAconC) and not isinstance(layer, ReLU)
