"""The part of a network that leads to one of its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.nn.layer import Layer, Node, Shape, final_shape


class Part(Layer):
    """What a network computes up to a layer, with the network's own layers; called, it gives that layer's activations.

    layer: a name in the state dict, such as "3" or "stack1.body.0"; by default all of the network.
    replace: gives the layer to compute in the place of each.
    Raises ValueError, with the names there are, for another one.
    """

    def __init__(self, model: Layer, layer: str | None = None,
                 replace: Callable[[Layer], Layer] = lambda each: each) -> None:
        super().__init__()
        model.parameters()  # drawn as one network's before a part of it can be drawn by itself
        self.mean, self.std, self.input_shape = model.mean, model.std, model.input_shape
        network = model.expansion()
        self.output = network.output if layer is None else _value(network.nodes, layer)
        needed = {self.output}
        for value in range(self.output, 0, -1):
            if value in needed:
                needed.update(network.nodes[value - 1].inputs)
        self.nodes = {value: Node(node.name, replace(node.layer), node.inputs)
                      for value, node in enumerate(network.nodes, 1) if value in needed}

    def expand(self, nodes: list[Node], name: str, *values: int) -> int:
        made = {0: values[0]}
        for value, node in self.nodes.items():
            made[value] = node.layer.expand(nodes, node.name, *(made[each] for each in node.inputs))
        return made[self.output]

    def output_shape(self, shape: Shape) -> Shape:
        return final_shape(self, shape)


def features(model: Layer, x: NDArray[Any], layer: str) -> NDArray[np.float32]:
    """The activations of a layer inside a model, in inference: (N, ...) for x (N, C, H, W) uint8 or float32."""
    return Part(model, layer)(x)


def _value(nodes: Sequence[Node], layer: str) -> int:
    names = [node.name for node in nodes]
    if layer not in names:
        close = get_close_matches(layer, names, 3) or names
        raise ValueError(f"no layer is called {layer!r}; there are {', '.join(map(repr, close))}")
    return names.index(layer) + 1
