"""What a network has learned and what it makes of images: filters, maps, patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.explain.patches import Patches
from fastconv.explain.predictions import Predictions
from fastconv.plots.picture import new_figure
from fastconv.plots.tiles import BOTH_SIDES, ONE_SIDE, extent_of, mosaic, show, shown

#: Inches of a page's width.
WIDTH = 10.5

#: Of a layer with many channels, how many are shown.
MOST_CHANNELS = 24

#: Between patches, which may be black or white at their edges.
GAPS = "#7d8b99"


def mistakes(images: NDArray[Any], said: Predictions, chosen: Sequence[int] | NDArray[np.intp],
             columns: int = 8) -> Any:
    """A figure of chosen images (N, C, H, W): above each its right class and what the network said, with what
    probability."""
    rows = max(1, -(-len(chosen) // columns))
    figure = new_figure(WIDTH, 1.62 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, index in zip(grid, chosen, strict=False):
        label, guess = said.labels[index], said.predicted[index]
        show(axes, shown(images[index]), vmin=0, vmax=1)
        axes.set_title(f"{said.classes[label]} → {said.classes[guess]}\n{said.probabilities[index, guess]:.0%}",
                       fontsize=9)
    return figure


def filters(weight: NDArray[np.float32]) -> Any:
    """A figure of a convolution's weight (C_out, C_in, kh, kw): red adds, blue takes away; three channels: colours."""
    coloured = weight.shape[1] == 3
    kernels = weight[:4 * MOST_CHANNELS]
    columns = min(12, len(kernels))
    rows = -(-len(kernels) // columns)
    figure = new_figure(0.85 * columns + 0.9, 0.9 * rows + 0.1)
    scale = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    if coloured:
        tiles = [(each / (2 * np.maximum(most, 1e-12)) + 0.5).transpose(1, 2, 0)
                 for each, most in zip(kernels, scale, strict=True)]
        show(figure.add_subplot(), mosaic(tiles, columns))
        return figure
    axes = figure.add_subplot()
    means = kernels.mean(axis=1)
    drawn = show(axes, mosaic(list(means), columns), cmap=BOTH_SIDES, **extent_of(means))
    figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.02)
    return figure


def feature_maps(image: NDArray[Any], maps: Mapping[str, NDArray[np.float32]]) -> Any:
    """A figure of an image (C, H, W) and of what layers, by their titles, make of it: maps (C, H, W)."""
    grids = {title: mosaic(list(each[:MOST_CHANNELS]), _columns(len(each[:MOST_CHANNELS])), max(1, each.shape[2] // 12))
             for title, each in maps.items()}
    widths = [1.0, *(1.1 * np.sqrt(grid.shape[1] / grid.shape[0]) + 1.0 for grid in grids.values())]
    figure = new_figure(WIDTH, 3.4)
    panels = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    show(panels[0], shown(image), vmin=0, vmax=1)
    panels[0].set_title("image", fontsize=10)
    for axes, (title, grid) in zip(panels[1:], grids.items(), strict=True):
        drawn = show(axes, grid, cmap=ONE_SIDE)
        axes.set_title(title, fontsize=10)
        figure.colorbar(drawn, ax=axes, orientation="horizontal", fraction=0.05, pad=0.02, aspect=30)
    return figure


def patches(found: Patches, images: NDArray[Any]) -> Any:
    """A figure of the patches of images (N, C, H, W) that excite each channel most, the first 24 channels."""
    channels = range(min(len(found.images), MOST_CHANNELS))
    columns = min(len(channels), 6)
    rows = -(-len(channels) // columns)
    figure = new_figure(WIDTH * columns / 6, (WIDTH / 6 + 0.15) * rows)
    count = found.images.shape[1]
    for channel, axes in zip(channels, figure.subplots(rows, columns, squeeze=False).ravel(), strict=False):
        tiles = [shown(found.patch(images, channel, rank)) for rank in range(count)]
        show(axes, mosaic(tiles, _columns(count)), gaps=GAPS, vmin=0, vmax=1)
        axes.set_title(f"channel {channel}, up to {found.values[channel, 0]:.2g}", fontsize=8)
    for axes in figure.axes[len(channels):]:
        axes.set_axis_off()
    return figure


def _columns(count: int) -> int:
    return int(np.ceil(np.sqrt(count)))
