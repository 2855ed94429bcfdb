"""Images and maps as what matplotlib shows: one array, or a mosaic of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: What differs to both sides of 0, from blue to red; and what is only more or less.
BOTH_SIDES, ONE_SIDE = "RdBu_r", "magma"


def shown(image: NDArray[Any]) -> NDArray[np.float32]:
    """An image (C, H, W), uint8 or prepared, as grey (H, W) or coloured (H, W, 3), from 0 to 1.

    Of other than three channels it is the mean. Prepared images are stretched from their least to their largest value.
    """
    values = image.astype(np.float32)
    if image.dtype == np.uint8:
        values /= 255
    else:
        values = (values - values.min()) / (np.ptp(values) or 1)
    return np.asarray(values.transpose(1, 2, 0) if len(values) == 3 else values.mean(axis=0))


def mosaic(tiles: Sequence[NDArray[Any]], columns: int, gap: int = 1) -> NDArray[np.float32]:
    """Tiles (h, w) beside and below each other, each in the middle of a place for the largest; NaN in between.

    Coloured tiles (h, w, 3) become (H, W, 4), transparent in between.
    """
    coloured = tiles[0].ndim == 3
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    rows = -(-len(tiles) // columns)
    shape = rows * (height + gap) - gap, columns * (width + gap) - gap
    whole = np.zeros((*shape, 4), np.float32) if coloured else np.full(shape, np.nan, np.float32)
    for number, tile in enumerate(tiles):
        row, col = divmod(number, columns)
        top = row * (height + gap) + (height - tile.shape[0]) // 2
        left = col * (width + gap) + (width - tile.shape[1]) // 2
        opaque = np.dstack([tile, np.ones(tile.shape[:2])]) if coloured else tile
        whole[top:top + tile.shape[0], left:left + tile.shape[1]] = opaque
    return whole


def show(axes: Any, image: NDArray[Any], *, cmap: str = "gray", gaps: str = "none", **options: Any) -> Any:
    """Draws an array on axes that have no frame; returns what matplotlib calls the image.

    gaps: the colour of what is NaN.
    """
    from matplotlib import colormaps

    axes.set_axis_off()
    return axes.imshow(image, cmap=colormaps[cmap].with_extremes(bad=gaps), interpolation="none", **options)


def extent_of(values: NDArray[Any]) -> dict[str, Any]:
    """Limits of colours as far below 0 as above."""
    most = float(np.nanmax(np.abs(values), initial=0)) or 1.0
    return {"vmin": -most, "vmax": most}
