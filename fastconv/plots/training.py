"""The course of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastconv.plots.picture import new_figure
from fastconv.plots.style import COLOURS
from fastconv.trainer import EpochResult


def training_curves(history: Sequence[EpochResult]) -> Any:
    """A figure of the loss, of the error on the validation images if there were any, and of the learning rate."""
    from matplotlib.ticker import LogLocator, NullLocator

    epochs = [each.epoch for each in history]
    validated = [(each.epoch, each.validation) for each in history if each.validation]
    panels = [("mean loss", [("training", epochs, [each.loss for each in history]),
                             ("validation", *_course(validated, "loss"))])]
    if validated:
        places, accuracies = _course(validated, "accuracy")
        panels.append(("validation error, %", [("", places, [100 * (1 - each) for each in accuracies])]))
    panels.append(("learning rate", [("", epochs, [each.lr for each in history])]))
    figure = new_figure(3.5 * len(panels), 2.9)
    for axes, (title, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch")
        drawn = [(name, *points) for name, *points in curves if points[0]]
        for colour, (name, places, values) in zip(COLOURS, drawn, strict=False):
            axes.plot(places, values, color=colour, marker="o", markersize=3, linewidth=1.6, label=name)
        if title == "mean loss" and not any(value <= 0 for _, _, values in drawn for value in values):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_formatter("{x:g}")
        else:
            axes.set_ylim(bottom=0)
        if len(drawn) > 1:
            axes.legend(frameon=False, fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _course(validated: Sequence[tuple[int, Any]], name: str) -> tuple[list[int], list[float]]:
    known = [(epoch, float(metrics[name])) for epoch, metrics in validated if name in metrics]
    return [epoch for epoch, _ in known], [value for _, value in known]
