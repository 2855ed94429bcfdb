"""The loss curves of a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fastconv.experiments.compare import Comparison, Run
from fastconv.plots.picture import check_plot, new_figure
from fastconv.plots.style import line_style


def save_curves(comparison: Comparison, path: Path) -> None:
    """Draws each entry's loss by the epoch: the mean of its seeds, in a band from the smallest to the largest.

    The best lie on top. A cross is where a run diverged. Raises as `check_plot` does.
    """
    check_plot(path)
    from matplotlib.ticker import LogLocator, NullLocator

    figure = new_figure(11, 5.5)
    panels = figure.subplots(1, 2)
    for axes, title in zip(panels, ("training images", "test images"), strict=True):
        axes.set(title=title, xlabel="epoch", yscale="log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0].set_ylabel("mean loss")
    accuracies = {each.name: each.accuracy for each in comparison.standings()}
    for number, (name, runs) in enumerate(comparison.entries().items()):
        style = {**line_style(number), "zorder": 3 - number / len(accuracies)}
        accuracy, diverged = accuracies[name], sum(run.diverged is not None for run in runs)
        label = name if accuracy is None else f"{name}  {accuracy.mean:.1%}"
        if diverged:
            label += f"  ({diverged} of {len(runs)} diverged)"
        _draw(panels[0], [[epoch.loss for epoch in run.epochs] for run in runs], runs, {**style, "label": label})
        _draw(panels[1], [run.tested("loss") for run in runs], runs, style)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", fontsize=8, handlelength=4,
                  title=f"{comparison.kind}, test accuracy", title_fontsize=8)
    seeds = len({run.seed for run in comparison.runs})
    figure.suptitle(f"{comparison.base.model}: mean of {seeds} seed{'s' * (seeds > 1)}, band from lowest to highest",
                    fontsize=10)
    figure.savefig(path, dpi=120)


def _draw(axes: Any, losses: list[list[float]], runs: list[Run], style: dict[str, Any]) -> None:
    epochs = range(1, max(map(len, losses)) + 1)
    reached = [np.array([curve[epoch - 1] for curve in losses if len(curve) >= epoch]) for epoch in epochs]
    axes.plot(epochs, [values.mean() for values in reached], **style)
    axes.fill_between(epochs, [values.min() for values in reached], [values.max() for values in reached],
                      color=style["color"], alpha=0.12, linewidth=0)
    for curve, run in zip(losses, runs, strict=True):
        if run.diverged is not None and curve:
            axes.plot(len(curve), curve[-1], "x", color=style["color"], markersize=9, markeredgewidth=2, zorder=4)
