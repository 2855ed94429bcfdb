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

    losses = {"training": {each.epoch: each.loss for each in history}, "validation": _validated(history, "loss")}
    panels = {"mean loss": losses}
    errors = {epoch: 100 * (1 - accuracy) for epoch, accuracy in _validated(history, "accuracy").items()}
    if errors:
        panels["validation error, %"] = {"": errors}
    panels["learning rate"] = {"": {each.epoch: each.lr for each in history}}
    figure = new_figure(3.5 * len(panels), 2.9)
    for axes, (title, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch")
        drawn = {name: values for name, values in curves.items() if values}
        for colour, (name, values) in zip(COLOURS, drawn.items(), strict=False):
            axes.plot(list(values), list(values.values()), color=colour, marker="o", markersize=3, linewidth=1.6,
                      label=name)
        if curves is losses and not any(value <= 0 for values in drawn.values() for value in values.values()):
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


def _validated(history: Sequence[EpochResult], name: str) -> dict[int, float]:
    """One of the validation's metrics by the epoch, where it is known."""
    return {each.epoch: each.validation[name] for each in history if each.validation and name in each.validation}
