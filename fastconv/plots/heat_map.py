"""Searches over a grid of two hyper-parameters, as heat maps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastconv.experiments.space import Plan, Range
from fastconv.experiments.trial import COMPLETE, DIVERGED, Trial
from fastconv.plots.picture import check_plot, new_figure

#: Of the cells, how many are marked as the best: 10 of 100, as in Loshchilov & Hutter 2019, figure 2.
BEST_SHARE = 0.1
BEST_MARK = "o"


def check_heat_map(plan: Plan) -> None:
    """Raises ValueError where a plan has no two axes to draw."""
    if plan.kind != "grid" or len(plan.ranges) != 2:
        raise ValueError(f"a heat map needs a grid over two ranges, got a {plan.kind} search "
                         f"over {', '.join(each.name for each in plan.ranges)}")


def save_heat_map(plan: Plan, trials: Mapping[str, Sequence[Trial]], images: int, heading: str,
                  path: Path) -> None:
    """Draws a panel for each search of the plan, by its title, all with one scale of colours.

    The first range goes upwards, the second to the right, both on log scales. Colour is the share of the `images` held
    out that were wrong. Dots mark the best tenth of the cells; hatched ones diverged; those not tried are empty.
    Raises as `check_plot` and `check_heat_map` do.
    """
    check_plot(path)
    check_heat_map(plan)
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.patches import Patch
    from matplotlib.ticker import LogLocator

    errors = {title: _errors(plan, each, images) for title, each in trials.items()}
    known = np.concatenate([error[np.isfinite(error)] for error in errors.values()])
    lowest, highest = (known.min(), known.max()) if known.size else (0.01, 1.0)
    colours = {"norm": LogNorm(lowest, max(highest, 1.01 * lowest)), "cmap": "viridis_r"}
    figure = new_figure(1.5 + 4.6 * len(errors), 4.8)
    panels = figure.subplots(1, len(errors), sharey=True, squeeze=False)[0]
    y, x = (_places(each, values) for each, values in zip(plan.ranges, _axes(plan), strict=True))
    for axes, (title, error) in zip(panels, errors.items(), strict=True):
        axes.set(title=title, xscale="log", yscale="log", xlabel=_label(plan.ranges[1]))
        cells = axes.pcolormesh(_edges(x), _edges(y), np.ma.masked_invalid(error), **colours)
        hatched = np.ma.masked_where(~np.isinf(error), np.ones(error.shape))
        axes.pcolor(_edges(x), _edges(y), hatched, cmap=ListedColormap(["white"]), hatch="///", edgecolor="grey",
                    linewidth=0)
        rows, columns = _best(error)
        axes.plot(x[columns], y[rows], BEST_MARK, color="white", markeredgecolor="black", label="best tenth")
    figure.suptitle(heading, fontsize=10)
    panels[0].set_ylabel(_label(plan.ranges[0]))
    figure.colorbar(cells, ax=panels, label=f"error on {images:,} held-out images", format="{x:g}",
                    ticks=LogLocator(subs=(1, 2, 5))).minorticks_off()
    handles = panels[0].get_legend_handles_labels()[0]
    if any(np.isinf(error).any() for error in errors.values()):
        handles.append(Patch(facecolor="white", edgecolor="grey", hatch="///", label="diverged"))
    figure.legend(handles=handles, loc="outside lower right", ncols=2, fontsize=8)
    figure.savefig(path, dpi=120)


def _axes(plan: Plan) -> tuple[list[float], list[float]]:
    """The values of both ranges, in the plan's order."""
    first, second = (list(dict.fromkeys(point[each.name] for point in plan.points)) for each in plan.ranges)
    return first, second


def _errors(plan: Plan, trials: Sequence[Trial], images: int) -> NDArray[np.float64]:
    """(values of the first range, values of the second): infinite where it diverged, NaN where nothing is known.

    No error at all is taken as half an image, which a log scale can show.
    """
    first, second = _axes(plan)
    errors = np.full(len(plan.points), math.nan)
    for trial in trials:
        if trial.state == DIVERGED:
            errors[trial.number] = math.inf
        elif trial.state == COMPLETE:
            errors[trial.number] = max(1 - trial.accuracies[-1], 0.5 / images)
    return errors.reshape(len(first), len(second))


def _places(each: Range, values: Sequence[float]) -> NDArray[np.float64]:
    """Where values lie on an axis: their distance to 1, for ranges on that scale."""
    places = np.array(values, np.float64)
    return 1 - places if each.near_one else places


def _edges(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The borders of cells around places that are equally far apart on a log scale."""
    half = math.sqrt(places[1] / places[0])
    return np.append(places / half, places[-1] * half)


def _label(each: Range) -> str:
    return f"1 - {each.name}" if each.near_one else each.name


def _best(error: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the best tenth, and of those as good as the last of them."""
    finite = np.sort(error[np.isfinite(error)])
    count = min(max(round(BEST_SHARE * error.size), 1), finite.size)
    rows, columns = np.nonzero(error <= (finite[count - 1] if count else -math.inf))
    return rows, columns
