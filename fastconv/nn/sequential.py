"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import overload

from fastconv.nn.container import Container
from fastconv.nn.layer import Layer, Node, joined


class Sequential(Container):
    """Layers applied one after the other. A state dict names them "0", "1", … as PyTorch's does.

    A slice shares the layers with the whole: model[:4](x) shows what the first four make of x. Without layers it
    returns its input.
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__((str(i), layer) for i, layer in enumerate(layers))
        self.layers = layers

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: int) -> Layer: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Layer:
        self.parameters()  # drawn as one network's before a part of it can be drawn by itself
        if not isinstance(index, slice):
            return self.layers[index]
        part = Sequential(*self.layers[index])
        if self.layers[index][:1] == self.layers[:1]:  # it sees the images
            part.mean, part.std, part.input_shape = self.mean, self.std, self.input_shape
        return part

    def expand(self, nodes: list[Node], name: str, *values: int) -> int:
        (value,) = values
        for child, layer in self.children.items():
            value = layer.expand(nodes, joined(name, child), value)
        return value
