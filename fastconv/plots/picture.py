"""What every picture begins and ends with."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastconv.errors import DataError


def check_plot(path: Path) -> None:
    """Raises DataError where no picture could be drawn to such a file."""
    if find_spec("matplotlib") is None:
        raise DataError(f'{path}: plots need matplotlib: pip install "fastconv[plots]"')
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise DataError(f"{path}: expected a name that ends in .png, .svg or .pdf")


def new_figure(width: float, height: float) -> Any:
    """A matplotlib figure of that size in inches, which needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
