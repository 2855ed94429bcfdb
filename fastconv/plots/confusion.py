"""Which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.plots.picture import new_figure

#: Up to so many classes every cell has its number.
MOST_NUMBERED = 25


def confusion_matrix(counts: NDArray[np.int64], classes: Sequence[str]) -> Any:
    """A figure of counts (classes, classes): rows are the right classes, columns what the network said.

    The colour of a mistake is its share of the right class; the diagonal, which is right, is grey.
    """
    size = len(classes)
    inches = min(2.6 + 0.38 * size, 14)
    figure = new_figure(inches + 1.6, inches - 0.4)
    axes = figure.add_subplot()
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    wrong = np.where(np.eye(size, dtype=bool), np.nan, shares)
    most = np.nanmax(wrong, initial=0) or 1.0
    drawn = axes.imshow(wrong, cmap="OrRd", vmin=0, vmax=most, interpolation="none")
    axes.imshow(np.where(np.eye(size), 1.0, np.nan), cmap="gray", vmin=0, vmax=1.1, interpolation="none")
    names = [name if len(name) <= 14 else name[:13] + "…" for name in classes]
    axes.set_xticks(range(size), names, rotation=0 if max(map(len, names)) <= 3 else 90)
    axes.set_yticks(range(size), [f"{name}  {share:.1%}" for name, share in zip(names, np.diag(shares), strict=True)])
    axes.set(xlabel="said by the network", ylabel="right class, and how often it was found")
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#888888", alpha=0.25, linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    for row, col in np.argwhere(counts) if size <= MOST_NUMBERED else ():
        # Cells are opaque, so their ink is the same on a dark page.
        ink = "#ffffff" if row != col and wrong[row, col] > 0.6 * most else "#1b1b1b"
        axes.text(col, row, f"{counts[row, col]:,}", ha="center", va="center", fontsize=8, color=ink)
    figure.colorbar(drawn, ax=axes, label="share of the right class", fraction=0.046, pad=0.03, format="{x:.1%}")
    return figure
