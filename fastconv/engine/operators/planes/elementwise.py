"""Activations, sums and products of one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.operators.activation import Formula
from fastconv.engine.operators.planes.parts import behind, by_channel
from fastconv.engine.operators.planes.place import alike, features, new, writable
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.kernels import activation as activations
from fastconv.kernels import multiplication
from fastconv.kernels import planes as kernels
from fastconv.layout import LANES, Packed, groups_of, whole_lanes
from fastconv.simd.block import ONE_VECTOR


def relu(builder: Builder, x: Tensor) -> Tensor:
    """max(x, 0), in the place of x; part of what computes x where that is a convolution, a linear layer or a sum."""
    y = writable(builder, x)
    if x.correlations:
        for call in x.correlations:
            for part in call.records:
                part["lower"] = 0.0
    else:
        by_channel(builder, activations.relu, ONE_VECTOR, [x], y, lambda first, count: {
            "y": behind(y.buffer, first * y.place.plane), "size": count * y.place.plane})
    return y


def activate(builder: Builder, x: Tensor, formula: Formula) -> Tensor:
    """The activation of x, in its place where that is allowed. Its coefficients may be values (C, 1, 1)."""
    fields = formula.fields() | {"c_has_lanes": False}
    y = new(x.place) if x.read_only else x.in_place()
    if x.place.plane % LANES and any(fields.get(f"{name}_step") for name in "abc"):
        builder.call(kernels.activate_features.of(formula.name), x=x.buffer, y=y.buffer, features=x.place.features,
                     **fields)
    else:
        builder.call(activations.activate.of(formula.name), x=x.buffer, y=y.buffer, slope=x.buffer, **fields,
                     **vectors_of(x.place))
    return y


def multiply(builder: Builder, x: Tensor, factor: Tensor) -> Tensor:
    """x (C, H, W) times a factor of the same shape or (C, 1, 1), in the place of x where that is allowed."""
    if factor.place.features != x.place.features:
        return activate(builder, x, Formula("affine", [features(builder, factor), 0.0]))
    x, factor = alike(builder, [x, factor])
    y = new(x.place) if x.read_only else x.in_place()
    builder.call(multiplication.product, x=x.buffer, y=factor.buffer, z=y.buffer, step=1,
                 channels=1, pixels=groups_of(x.place.floats), plane=0, y_plane=0)
    return y


def add(builder: Builder, inputs: Sequence[Tensor]) -> Tensor:
    """The sum of the inputs, in order."""
    same = alike(builder, inputs)
    place = same[0].place
    y = new(place) if same[0].read_only else same[0].in_place()
    total = same[0]
    for x in same[1:]:
        y.correlations, total = [_sum(builder, total, x, y)], y
    return y


def _sum(builder: Builder, x: Tensor, other: Tensor, y: Tensor) -> Call:
    """y = x + other, both laid out as y is, which may be x."""
    if y.place.plane % LANES:
        return builder.call(activations.add, x=x.buffer, y=other.buffer, z=y.buffer,
                            size=whole_lanes(y.place.floats), lower=-np.inf)
    plane = y.place.plane
    return by_channel(builder, activations.add, ONE_VECTOR, [x, other], y, lambda first, count: {
        "x": behind(x.buffer, first * plane), "y": behind(other.buffer, first * plane),
        "z": behind(y.buffer, first * plane), "size": count * plane, "lower": -np.inf})


def vectors_of(place: Packed) -> dict[str, int]:
    """The vectors of each channel, or of all of them as one, as fields of a kernel's arguments."""
    if place.plane % LANES:
        return {"channels": 1, "pixels": groups_of(place.floats), "plane": 0}
    pixels = groups_of((place.height - 1) * place.row + place.width)
    return {"channels": place.channels, "pixels": pixels, "plane": place.plane // LANES}
