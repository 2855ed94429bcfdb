"""What a network consists of, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

from fastconv.nn.layer import Layer, Shape


@dataclass(frozen=True)
class LayerSummary:
    """One layer: output_shape and multiply_adds are for one image."""

    name: str
    layer: str
    output_shape: Shape
    parameters: int
    multiply_adds: int


def summarize(model: Layer, input_shape: Shape) -> list[LayerSummary]:
    """The layers of a model for images (C, H, W). Raises ShapeError where they do not fit."""
    network = model.expansion()
    _, *shapes = network.shapes((1, *input_shape))
    return [
        LayerSummary(node.name, repr(node.layer), shape[1:], node.layer.parameter_count,
                     node.layer.multiply_adds(shape))
        for node, shape in zip(network.nodes, shapes, strict=True)
    ]
