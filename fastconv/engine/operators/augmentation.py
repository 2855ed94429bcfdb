"""Augmented images: a batch's input, changed at random where it is packed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastconv.engine.augmentation import Augmentation
from fastconv.engine.builder import Builder, Halo
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.tensor import Tensor
from fastconv.errors import ShapeError
from fastconv.kernels import augment as kernels
from fastconv.kernels import elastic
from fastconv.layout import LANES, Packed

#: Coordinates are float32, and a group's copies are reached by 32-bit places.
LARGEST_PLANE, LARGEST_COPIES = 1 << 24, 1 << 31


def augmented(builder: Builder, augmentation: Augmentation, shape: tuple[int, int, int], dtype: Any,
              scale: np.ndarray, shift: np.ndarray, halo: Halo = (0, 0, 0, 0)) -> Tensor:
    """As `Builder.input`, of augmented images. With mixup, losses mix the targets likewise.

    Raises ShapeError for images beyond 4,000 × 4,000 pixels or so.
    """
    place = Packed.of(*shape, halo=halo)
    border = (place.height + kernels.BORDER) * (place.width + kernels.BORDER)
    if border > LARGEST_PLANE or LANES * place.channels * border > LARGEST_COPIES:
        raise ShapeError(f"images {place.shape} are too large to be augmented")
    x = Tensor(place, Buffer(4 * LANES * place.pixels, keep=any(halo)), needs_grad=False)
    copies = Buffer((2 if dtype == np.uint8 else 4) * LANES * place.channels * border, keep=True)
    normalisation = {"scale": Fixed(scale), "shift": Fixed(shift)}
    if augmentation.mixup:
        mixture = builder.mixture = {"partners": Buffer(8 * LANES), "shares": Buffer(4 * LANES)}
        builder.call(kernels.mix, batch=builder.batch, draws=Buffer(8 * LANES), alpha=augmentation.mixup, **mixture)
        _augmented(builder, augmentation, x, dtype, copies, normalisation)
        _augmented(builder, augmentation, x, dtype, copies, normalisation, **mixture)
    else:
        _augmented(builder, augmentation, x, dtype, copies, normalisation)
    return x


def _augmented(builder: Builder, augmentation: Augmentation, x: Tensor, dtype: Any, copies: Buffer,
               normalisation: dict[str, Fixed], partners: Buffer | None = None, shares: Buffer | None = None) -> None:
    """x: the batch's images, augmented; or with partners and shares, what x has mixed with its partners."""
    small, place = dtype == np.uint8, x.place
    sources, transforms, keys = Buffer(8 * LANES), Buffer(4 * LANES * kernels.ROWS), Buffer(4 * LANES)
    chosen = {"stream": kernels.OWN} if partners is None else {"stream": kernels.PARTNER, "partners": partners}
    size, least_most = {"height": place.height, "width": place.width}, augmentation.scale
    builder.call(kernels.draw, batch=builder.batch, sources=sources, transforms=transforms, keys=keys, **chosen, **size,
                 shift=augmentation.shift, crop=augmentation.crop, flip=augmentation.flip,
                 rotate=math.radians(augmentation.rotate), least_scale=least_most[0], most_scale=least_most[1],
                 shear=math.radians(augmentation.shear), cutout=augmentation.cutout)
    distortion: dict[str, Any] = {}
    if augmentation.elastic:
        distortion = _spline(augmentation, place)
        builder.call(elastic.displace, keys=keys, coefficients=distortion["coefficients"],
                     points=distortion["points_high"] * distortion["points_wide"])
    builder.call(kernels.border_uint8 if small else kernels.border_float32, batch=builder.batch, sources=sources,
                 copies=copies, zeros=Fixed(np.zeros(place.width, np.uint8)), channels=place.channels, **size)
    mixed = {} if shares is None else {"shares": shares}
    builder.call(kernels.sample_uint8 if small else kernels.sample_float32, transforms=transforms, copies=copies,
                 x=x.buffer, **distortion, **mixed, **normalisation, **place.fields())


def _spline(augmentation: Augmentation, place: Packed) -> dict[str, Any]:
    """An elastic distortion as kernels take it: `elastic.SPLINE`."""
    rows, row_weights = _cubic(place.height, augmentation.spline_spacing, augmentation.spline_scale)
    columns, column_weights = _cubic(place.width, augmentation.spline_spacing, 1.0)
    high, wide = (int(first[-1]) + elastic.SUPPORT for first in (rows, columns))
    return {"coefficients": Buffer(4 * LANES * 2 * high * wide), "line": Buffer(4 * LANES * 2 * wide),
            "rows": Fixed(rows), "row_weights": Fixed(row_weights), "columns": Fixed(columns),
            "column_weights": Fixed(column_weights), "points_high": high, "points_wide": wide}


def _cubic(pixels: int, spacing: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of an axis the first of the four points whose cubic B-splines reach it, and scale times these."""
    place = np.arange(pixels) / spacing
    first = np.floor(place).astype(np.int64)
    t = place - first
    values = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3]
    return first, np.asarray(scale / 6 * np.stack(values, axis=1), np.float32)
