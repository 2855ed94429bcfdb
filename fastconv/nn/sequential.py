"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import overload

from fastconv.nn.layer import Layer, Shape, final_shape


class Sequential(Layer):
    """Layers applied one after the other. A state dict names them "0", "1", … as PyTorch's does.

    A slice shares the layers with the whole: model[:4](x) shows what the first four make of x. Without layers it
    returns its input.
    """

    def __init__(self, *layers: Layer) -> None:
        for layer in layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"Sequential takes layers, got {layer!r}")
        super().__init__()
        self.layers = layers
        leaves = [leaf for _, leaf in self.leaves()]
        if len({id(leaf) for leaf in leaves}) < len(leaves):
            raise ValueError("Sequential: a layer appears twice; layers cannot share parameters")

    @property
    def trainable(self) -> bool:
        """Whether any of the layers is; setting it sets them all."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        for layer in self.layers:
            layer.trainable = trainable

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

    def __repr__(self) -> str:
        lines = [f"  ({i}): " + repr(layer).replace("\n", "\n  ") for i, layer in enumerate(self.layers)]
        return "\n".join(["Sequential(", *lines, ")"])

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        for i, layer in enumerate(self.layers):
            yield from layer.leaves(f"{prefix}{i}.")

    def output_shape(self, shape: Shape) -> Shape:
        return final_shape(self, shape)
