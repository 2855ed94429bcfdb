"""Normalisation of one image, and softmax."""

from __future__ import annotations

from dataclasses import replace

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Fixed
from fastconv.engine.operators.planes.place import features, new, placed, writable
from fastconv.engine.operators.planes.windows import windows
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.kernels import planes as kernels
from fastconv.layout import Packed


def group_norm(builder: Builder, x: Tensor, groups: int, eps: float) -> Tensor:
    """x normalised over each of so many groups of channels."""
    if x.place.size != (1, 1):
        return _normalised(builder, x, x.place.channels // groups, eps)
    x = features(builder, x)
    rows = Packed.alone(groups, 1, x.place.channels // groups)
    together = replace(rows, plane=rows.width)
    apart = placed(builder, Tensor(together, x.buffer, needs_grad=False), rows)
    return Tensor(x.place, placed(builder, _normalised(builder, apart, 1, eps), together).buffer, needs_grad=False)


def _normalised(builder: Builder, x: Tensor, width: int, eps: float) -> Tensor:
    seen = windows(builder, x, Window((1, 1)), x.place.channels)
    y = new(x.place) if x.read_only else x.in_place()
    builder.call(kernels.group_norm, x=x.buffer, y=y.buffer, masks=Fixed(seen.masks), vectors=seen.vectors,
                 channels=x.place.channels, width=width, plane=x.place.plane, eps=eps,
                 share=1 / (width * x.place.height * x.place.width))
    return y


def softmax(builder: Builder, x: Tensor) -> Tensor:
    """Softmax over features."""
    y = writable(builder, features(builder, x))
    builder.call(kernels.softmax, y=y.buffer, classes=y.place.features)
    return y
