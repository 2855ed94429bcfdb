"""Where one image lies, and how it comes there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.tensor import Tensor
from fastconv.kernels import planes as kernels
from fastconv.kernels.abi import IMAGES
from fastconv.layout import LANES, Packed, vector_plane


def vector_place(channels: int, height: int, width: int, row: int | None = None) -> Packed:
    """As Packed.alone, with a plane of whole vectors for single pixels too."""
    place = Packed.alone(channels, height, width, row)
    return replace(place, plane=max(place.plane, vector_plane(LANES)))


def new(place: Packed) -> Tensor:
    """A tensor that vectors may overrun."""
    return Tensor(place, Buffer(4 * place.floats + kernels.SLACK), needs_grad=False)


def image(builder: Builder, shape: tuple[int, int, int], dtype: Any, scale: np.ndarray, shift: np.ndarray) -> Tensor:
    """One of the batch's images (C, H, W) times scale plus shift, both (C,)."""
    x = new(Packed.alone(*shape))
    kernel = kernels.image_uint8 if dtype == np.uint8 else kernels.image_float32
    builder.call(kernel, batch=builder.batch, slot=IMAGES, scale=Fixed(scale), shift=Fixed(shift), x=x.buffer,
                 **x.place.fields())
    return x


def result(builder: Builder, x: Tensor) -> None:
    """Writes x to the batch's results, NCHW float32."""
    builder.call(kernels.result, x=x.buffer, batch=builder.batch, **x.place.flat().fields())


def alike(builder: Builder, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs, laid out as the first is; those of other shapes than images are as features."""
    if any(x.place.size != inputs[0].place.size for x in inputs):
        inputs = [features(builder, x) for x in inputs]
    places = [replace(inputs[0].place, channels=x.place.channels) for x in inputs]
    return [x if x.place == place else placed(builder, x, place) for x, place in zip(inputs, places, strict=True)]


def features(builder: Builder, x: Tensor) -> Tensor:
    """x (C, H, W) as so many channels of one pixel."""
    place = Packed.alone(x.place.features, 1, 1)
    if x.place == place:
        return x
    y = placed(builder, x, replace(x.place, row=x.place.width, plane=x.place.height * x.place.width))
    return Tensor(place, y.buffer, needs_grad=False)


def images(builder: Builder, x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Features as images (C, H, W) again: what `features` undoes."""
    place = Packed.alone(*shape)
    rows = Tensor(replace(place, plane=place.height * place.width), x.buffer, needs_grad=False, read_only=x.read_only)
    return placed(builder, rows, place)


def placed(builder: Builder, x: Tensor, place: Packed) -> Tensor:
    """x where `place` says."""
    y = new(place)
    builder.call(kernels.split, x=x.buffer, y=y.buffer, phases=Fixed(np.zeros(2, np.int64)), phase_count=1,
                 channels=place.channels, height=place.height, width=place.width, x_row=x.place.row,
                 x_plane=x.place.plane, y_row=place.row, y_plane=place.plane, stride_height=1, stride_width=1)
    return y


def writable(builder: Builder, x: Tensor) -> Tensor:
    """x, or where its memory may not be written a copy."""
    return placed(builder, x, x.place) if x.read_only else x.in_place()
