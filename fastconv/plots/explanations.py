"""What in images drives classes: occlusion, saliency and guided backpropagation side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.plots.picture import new_figure
from fastconv.plots.tiles import BOTH_SIDES, ONE_SIDE, extent_of, show, shown

TITLES = ("image", "occlusion", "saliency", "guided\nbackpropagation")


@dataclass(frozen=True)
class Explanation:
    """An image (C, H, W), and of the class that its title names: the maps (H, W) of `explain.occlusion`, perhaps in
    steps, and `explain.saliency`, and `explain.guided_backpropagation` (C, H, W), None for a network without ReLU."""

    title: str
    image: NDArray[Any]
    occlusion: NDArray[np.float32]
    saliency: NDArray[np.float32]
    guided: NDArray[np.float32] | None


def explanations(examples: Sequence[Explanation]) -> Any:
    """A figure with a column for each of the examples: its image, and below what its class depends on."""
    rows = 4 if all(each.guided is not None for each in examples) else 3
    figure = new_figure(1.3 * len(examples) + 1.0, 1.36 * rows + 0.3)
    grid = figure.subplots(rows, len(examples), squeeze=False)
    for number, each in enumerate(examples):
        size = each.image.shape[1:]
        place: dict[str, Any] = {"extent": (-0.5, size[1] - 0.5, size[0] - 0.5, -0.5)}
        image = shown(each.image)
        show(grid[0, number], image, vmin=0, vmax=1)
        grid[0, number].set_title(each.title, fontsize=9)
        show(grid[1, number], each.occlusion, cmap=BOTH_SIDES, **extent_of(each.occlusion), **place)
        show(grid[2, number], each.saliency, cmap=ONE_SIDE, vmin=0)
        if image.ndim == 2:  # the outline of what is on it
            grid[1, number].contour(image, [0.5], colors="#222222", linewidths=0.7)
        if rows == 4 and each.guided is not None:
            _show_guided(grid[3, number], each.guided)
    for title, axes in zip(TITLES, grid[:, 0], strict=False):
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_ylabel(title, fontsize=10)
    return figure


def _show_guided(axes: Any, guided: NDArray[np.float32]) -> None:
    if len(guided) == 3:
        show(axes, (guided / (2 * extent_of(guided)["vmax"]) + 0.5).transpose(1, 2, 0))
    else:
        show(axes, guided.mean(axis=0), cmap=BOTH_SIDES, **extent_of(guided.mean(axis=0)))
