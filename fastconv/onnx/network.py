"""A network of layers that grows node by node while an ONNX model is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.nn.graph import INPUT
from fastconv.nn.layer import Layer, Shape
from fastconv.onnx.model import Node

#: One number, or one for each channel.
Numbers = np.float32 | NDArray[Any]


@dataclass(frozen=True, eq=False)
class Value:
    """What a layer makes of other values; of `shape`, with N. The batch itself has no layer."""

    shape: Shape
    layer: Layer | None = None
    reads: tuple[Value, ...] = ()
    name: str = ""


class Part(Layer):
    """What is no layer by itself, but may be part of one that is recognised later: a node of the model.

    detail: what those who look for it want to know.
    """

    def __init__(self, node: Node, shape: Shape, detail: Any = None) -> None:
        super().__init__()
        self.node, self.shape, self.detail = node, shape, detail

    def output_shape(self, *shapes: Shape) -> Shape:
        return self.shape


class Affine(Part):
    """scale x + shift, with numbers or values (C, 1, 1) or (F,) that go with x (N, C, H, W) or (N, F)."""

    def __init__(self, node: Node, shape: Shape, scale: Numbers, shift: Numbers) -> None:
        super().__init__(node, shape)
        self.scale, self.shift = scale, shift


class Network:
    """Makes values of values. node: the one that is being read; name: what its layer is to be called."""

    def __init__(self, node: Node, name: str) -> None:
        self.node, self.name = node, name

    def add(self, layer: Layer, *reads: Value, state: Mapping[str, Any] | None = None,
            name: str | None = None) -> Value:
        """What a layer makes, with `state` as its parameters and statistics."""
        if state is not None:
            layer.load_state_dict(state)
        return Value(layer.output_shape(*(each.shape for each in reads)), layer, reads, name or self.name)

    def part(self, x: Value, shape: Shape | None = None, detail: Any = None) -> Value:
        """What this node makes, for a later one to recognise."""
        return self.add(Part(self.node, x.shape if shape is None else shape, detail), x)

    def affine(self, x: Value, scale: Numbers, shift: Numbers) -> Value:
        """scale x + shift. Two of them in a row are one."""
        if isinstance(x.layer, Affine):
            (before,) = x.reads
            return self.affine(before, scale * x.layer.scale, scale * x.layer.shift + shift)
        return self.add(Affine(self.node, x.shape, scale, shift), x)


def is_part(value: Value, op: str) -> bool:
    """Whether a value is what a node of this type made, which is no layer."""
    return isinstance(value.layer, Part) and value.layer.node.op == op


def graph(output: Value) -> nn.Graph:
    """The graph of all that the output needs. Raises UnsupportedError for a part of something that is no layer."""
    names: dict[Value, str] = {}
    nodes: list[tuple[str, Layer, tuple[str, ...]]] = []
    for value in _in_order(output):
        if value.layer is None:
            names[value] = INPUT
            continue
        layer = _whole(value.layer)
        names[value] = _unique(value.name, {INPUT, *names.values()})
        nodes.append((names[value], layer, tuple(names[each] for each in value.reads)))
    return nn.Graph(nodes, names[output])


def _in_order(output: Value) -> Iterable[Value]:
    """What the output needs, each value behind those it reads."""
    done: dict[Value, None] = {}
    waiting = [output]
    while waiting:
        value = waiting[-1]
        missing = [each for each in value.reads if each not in done]
        if missing:
            waiting += reversed(missing)
        else:
            done[waiting.pop()] = None
    return done


def _whole(layer: Layer) -> Layer:
    """The layer; for a scale and shift of channels a depthwise 1×1 convolution."""
    if isinstance(layer, Affine) and len(layer.shape) == 4:
        channels = layer.shape[1]
        conv = nn.Conv2d(channels, channels, 1, groups=channels)
        conv.load_state_dict({name: np.broadcast_to(each, (channels, 1, 1)).reshape(shape) for name, each, shape in (
            ("weight", layer.scale, (channels, 1, 1, 1)), ("bias", layer.shift, (channels,)))})
        return conv
    if isinstance(layer, Part):
        raise UnsupportedError(f"{layer.node}: no layer does this here")
    return layer


def _unique(name: str, taken: set[str]) -> str:
    wanted, count = name or "layer", 1
    while name in taken or not name:
        count += 1
        name = f"{wanted}_{count}"
    return name
