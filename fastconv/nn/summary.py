"""What a network consists of, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

from fastconv.nn.layer import Layer, Shape, shapes


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
    return [
        LayerSummary(name, repr(leaf), shape[1:], leaf.parameter_count, leaf.multiply_adds(shape))
        for name, leaf, shape in shapes(model, (1, *input_shape))
    ]
