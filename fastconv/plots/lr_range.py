"""The curve of a learning-rate range test."""

from __future__ import annotations

from pathlib import Path

from fastconv.experiments.lr_range import LrRange
from fastconv.plots.picture import check_plot, new_figure


def save_lr_range(test: LrRange, title: str, path: Path) -> None:
    """Draws the losses and their running mean by the rate, and what is read from it. Raises as `check_plot` does."""
    check_plot(path)
    figure = new_figure(7, 4.5)
    axes = figure.subplots()
    axes.set(title=title, xlabel="learning rate", ylabel="loss of a batch", xscale="log")
    axes.plot(test.rates, test.losses, ".", color="C0", alpha=0.35, label="batches")
    axes.plot(test.rates, test.smoothed, color="C0", label="running mean")
    for value, name, style in ((test.steepest, "steepest", ":"), (test.lowest, "lowest", "--"),
                               (test.suggestion, "suggestion", "-")):
        if value is not None:
            axes.axvline(value, color="C3", linestyle=style, linewidth=1, label=f"{name} {value:.2g}")
    axes.set_ylim(0, 1.2 * test.ceiling)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)
