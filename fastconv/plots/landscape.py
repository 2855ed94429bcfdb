"""Trajectories of optimizers over the contours of a function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.experiments.landscape import Function, Trajectory
from fastconv.plots.picture import check_plot, new_figure

#: Okabe & Ito 2008, told apart by the colour-blind, without their yellow, which is hardly seen on white. Neighbours
#: differ in colour, line and marker; 7 and 4 have no common factor, so that 28 trajectories are drawn differently.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
MARKERS = ("o", "s", "^", "D")

#: How far beyond the start and the minimum a trajectory is followed, in units of their distance.
REACH = 1.0

#: Width of the map compared with its height.
SHAPE = 1.25

#: f - f* is drawn between these, compared with the start's: below is rounding, above it diverges.
LOWEST, HIGHEST = 1e-16, 1e4


def save_landscape(function: Function, trajectories: Sequence[Trajectory], path: Path) -> None:
    """Draws the trajectories on a map, where x and y have one scale, and f by the step; the legend tells the last f.

    Raises as `check_plot` does.
    """
    check_plot(path)
    figure = new_figure(12, 5.2 + 0.2 * -(-len(trajectories) // 3))
    map_axes, f_axes = figure.subplots(1, 2, width_ratios=(SHAPE, 0.75))
    (left, right), (bottom, top) = _limits(function, trajectories)
    _draw_contours(map_axes, function, np.linspace(left, right, 400), np.linspace(bottom, top, 320))
    lowest = function.evaluate(np.array(function.minimum))[0]
    for number, each in enumerate(trajectories):
        line = number % len(LINES)
        style = {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[line], "linewidth": 1.3,
                 "marker": MARKERS[line], "markersize": 3.5, "label": _label(each), "zorder": 2}
        map_axes.plot(*each.points.T, markevery=_apart(each.points, (right - left) / 50), **style)
        steps, heights = np.arange(1, len(each.points)), each.values - lowest
        scale = heights[0] or 1.0
        f_axes.plot(steps, np.clip(heights[1:], LOWEST * scale, HIGHEST * scale),
                    markevery=_apart(np.log(steps)[:, None], 0.4), **style)
    map_axes.plot(*trajectories[0].points[0], "o", color="white", markeredgecolor="black", markersize=9, label="start",
                  zorder=4)
    map_axes.plot(*function.minimum, "*", color="white", markeredgecolor="black", markersize=15, label="minimum",
                  zorder=4)
    map_axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="x", ylabel="y", aspect="equal")
    f_axes.set(xscale="log", yscale="log", xlabel="step", ylabel="f above its minimum")
    f_axes.xaxis.set_major_formatter("{x:g}")
    f_axes.grid(alpha=0.3)
    figure.suptitle(f"f(x, y) = {function.formula}", fontsize=11)
    figure.legend(handles=map_axes.get_legend_handles_labels()[0], loc="outside lower center", ncols=3, fontsize=8,
                  handlelength=4)
    figure.savefig(path, dpi=120)


def _draw_contours(axes: Any, function: Function, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    heights = function.evaluate(np.stack(np.meshgrid(x, y), axis=-1))[0]
    heights -= function.evaluate(np.array(function.minimum))[0]
    levels = np.geomspace(1e-4 * heights.max(), heights.max(), 16)
    axes.contour(x, y, heights, levels, colors="0.8", linewidths=0.8, zorder=1)


def _label(each: Trajectory) -> str:
    rate = "" if each.lr is None else f", lr {each.lr:g}"
    end = "diverged" if each.diverged else f"f = {each.values[-1]:.2g}"
    steps = len(each.points) - 1
    return f"{each.name}{rate}: {end} after {steps} step{'s' * (steps != 1)}"


def _limits(function: Function, trajectories: Sequence[Trajectory]) -> NDArray[np.float64]:
    """((left, right), (bottom, top)) around the start, the minimum and what is near them, in the picture's shape."""
    ends = np.array([trajectories[0].points[0], function.minimum])
    reach = REACH * (np.linalg.norm(ends[1] - ends[0]) or 1.0)
    places = np.clip(np.concatenate([ends, *(each.points for each in trajectories)]),
                     ends.min(axis=0) - reach, ends.max(axis=0) + reach)
    middle, size = (places.max(axis=0) + places.min(axis=0)) / 2, 1.1 * np.ptp(places, axis=0)
    height = max(size[1], size[0] / SHAPE) or 1.0
    half = np.array([SHAPE * height, height]) / 2
    return np.stack([middle - half, middle + half], axis=1)


def _apart(points: NDArray[np.float64], distance: float) -> list[int]:
    """Indices of points (N, d) that lie at least so far from the one before that their markers do not run together."""
    kept = [0] if len(points) else []
    for index, point in enumerate(points):
        if np.linalg.norm(point - points[kept[-1]]) >= distance:
            kept.append(index)
    return kept
