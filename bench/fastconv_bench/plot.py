"""The roofline: what the machine can do at most, and how close each workload comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastconv.plots.picture import check_plot, new_figure
from fastconv_bench.report import Report, Row


def save_plot(report: Report, path: Path) -> None:
    """Draws every workload that has arithmetic. Raises as `check_plot` does."""
    check_plot(path)
    rows = [row for row in report.rows if row.flop and "im2col" not in row.workload]
    figure = new_figure(9, 0.32 * len(rows) + 1.6)
    axes = figure.add_subplot()
    places = np.arange(len(rows))[::-1]
    axes.barh(places, [_gflops(row) for row in rows], color="tab:blue", label="fastconv")
    for name, marker in (("PyTorch", "o"), ("PyTorch channels_last", "s"), ("ONNX Runtime", "D")):
        points = [(row.flop / row.times[name].best / 1e9, place)
                  for row, place in zip(rows, places, strict=True) if name in row.times]
        if points:
            axes.plot(*zip(*points, strict=True), marker, color="black", fillstyle="none", label=name)
    axes.axvline(report.machine.peak / 1e9, color="tab:red", linestyle="--", label="multiply-add peak")
    axes.set_yticks(places, [row.workload.removesuffix(", direct") for row in rows], fontsize=8)
    axes.set_xlabel(f"GFLOP/s, {report.machine.cpu}, {report.machine.threads} threads")
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=120)


def _gflops(row: Row) -> float:
    return row.flop / row.seconds / 1e9
