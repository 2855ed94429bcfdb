"""What networks that are made of layers have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastconv.nn.layer import Layer, Shape, final_shape


class Container(Layer):
    """Layers by their names in a state dict; what reads what is said by `expand`."""

    children: Mapping[str, Layer]

    def __init__(self, children: Iterable[tuple[str, Any]], **config: Any) -> None:
        super().__init__(**config)
        self.children = dict(children)
        kind = type(self).__name__
        for layer in self.children.values():
            if not isinstance(layer, Layer):
                raise TypeError(f"{kind} takes layers, got {layer!r}")
        leaves = [leaf for _, leaf in self.leaves()]
        if len({id(leaf) for leaf in leaves}) < len(leaves):
            raise ValueError(f"{kind}: a layer appears twice; layers cannot share parameters")

    @property
    def trainable(self) -> bool:
        """Whether any of the layers is; setting it sets them all."""
        return any(layer.trainable for layer in self.children.values())

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        for layer in self.children.values():
            layer.trainable = trainable

    def __repr__(self) -> str:
        lines = [f"  ({name}): " + repr(layer).replace("\n", "\n  ") for name, layer in self.children.items()]
        return "\n".join([f"{type(self).__name__}(", *lines, ")"])

    def output_shape(self, shape: Shape) -> Shape:
        return final_shape(self, shape)
