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
from fastconv.layout import LANES, Packed
from fastconv.simd.block import Block

#: Coordinates are float32, and a group's copies are reached by 32-bit places.
LARGEST_PLANE, LARGEST_COPIES = 1 << 24, 1 << 31

#: So many pixels are smoothed at a time: enough to hide the latency of their sums, on AVX2 in 14 of its 16 registers.
AVERAGES = Block(1, 7)


def augmented(builder: Builder, augmentation: Augmentation, shape: tuple[int, int, int], dtype: Any,
              scale: np.ndarray, shift: np.ndarray, halo: Halo = (0, 0, 0, 0)) -> Tensor:
    """As `Builder.input`, of augmented images. With mixup, losses mix the targets likewise.

    Raises ShapeError for images beyond 4,000 × 4,000 pixels or so.
    """
    place = Packed.of(*shape, halo=halo)
    normalisation = {"scale": Fixed(scale), "shift": Fixed(shift)}
    if augmentation.mixup:
        mixture = builder.mixture = {"partners": Buffer(8 * LANES), "shares": Buffer(4 * LANES)}
        builder.call(kernels.mix, batch=builder.batch, draws=Buffer(8 * LANES), alpha=augmentation.mixup, **mixture)
        x = _augmented(builder, augmentation, place, dtype, normalisation, any(halo))
        other = _augmented(builder, augmentation, place, dtype, normalisation, any(halo), mixture["partners"])
        builder.call(kernels.blend, x=x.buffer, other=other.buffer, shares=mixture["shares"], pixels=place.pixels)
        return x
    return _augmented(builder, augmentation, place, dtype, normalisation, any(halo))


def _augmented(builder: Builder, augmentation: Augmentation, place: Packed, dtype: Any,
               normalisation: dict[str, Fixed], keep: bool, partners: Buffer | None = None) -> Tensor:
    """The batch's images, or their partners, augmented."""
    small, pixels = dtype == np.uint8, place.height * place.width
    border = (place.height + kernels.BORDER) * (place.width + kernels.BORDER)
    if border > LARGEST_PLANE or LANES * place.channels * border > LARGEST_COPIES:
        raise ShapeError(f"images {place.shape} are too large to be augmented")
    copies = Buffer(4 * LANES * place.channels * border, keep=True)
    sources, transforms, keys = Buffer(8 * LANES), Buffer(4 * LANES * kernels.ROWS), Buffer(4 * LANES)
    chosen = {"stream": kernels.OWN} if partners is None else {"stream": kernels.PARTNER, "partners": partners}
    size, least_most = {"height": place.height, "width": place.width}, augmentation.scale
    builder.call(kernels.draw, batch=builder.batch, sources=sources, transforms=transforms, keys=keys, **chosen, **size,
                 shift=augmentation.shift, crop=augmentation.crop, flip=augmentation.flip,
                 rotate=math.radians(augmentation.rotate), least_scale=least_most[0], most_scale=least_most[1],
                 shear=math.radians(augmentation.shear), cutout=augmentation.cutout)
    field: dict[str, Buffer] = {}
    if augmentation.elastic:
        taps, field = augmentation.gaussian(), {"field": Buffer(4 * LANES * 2 * pixels)}
        row = Buffer(4 * LANES * (max(place.height, place.width) + 2 * AVERAGES.cols))
        builder.call(kernels.displace, AVERAGES, keys=keys, row=row, taps=Fixed(taps), radius=len(taps) // 2,
                     alpha=augmentation.elastic, **field, **size)
    builder.call(kernels.border_uint8 if small else kernels.border_float32, batch=builder.batch, sources=sources,
                 copies=copies, zeros=Fixed(np.zeros(place.width, np.uint8)), channels=place.channels, **size)
    x = Tensor(place, Buffer(4 * LANES * place.pixels, keep=keep), needs_grad=False)
    builder.call(kernels.sample_uint8 if small else kernels.sample_float32, transforms=transforms, copies=copies,
                 x=x.buffer, **field, **normalisation, **place.fields())
    return x
