"""What every picture begins and ends with."""

from __future__ import annotations

import hashlib
import io
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastconv.errors import DataError

#: Pictures for printing and for screens of many pixels.
DPI = 150


def check_matplotlib(purpose: str) -> None:
    """Raises DataError where there is no matplotlib."""
    if find_spec("matplotlib") is None:
        raise DataError(f'{purpose}: plots need matplotlib: pip install "fastconv[plots]"')


def check_plot(path: Path) -> None:
    """Raises DataError where no picture could be drawn to such a file."""
    check_matplotlib(str(path))
    check_picture_name(path)


def check_picture_name(path: Path) -> None:
    """Raises DataError where the name of the file is not that of a picture."""
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise DataError(f"{path}: expected a name that ends in .png, .svg or .pdf")


def new_figure(width: float, height: float) -> Any:
    """A matplotlib figure of that size in inches, which needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_picture(figure: Any, path: Path) -> None:
    """Writes a figure to a file. Raises as `check_plot` does."""
    check_plot(path)
    figure.savefig(path, dpi=DPI)


def as_svg(figure: Any) -> str:
    """A figure as an element of an HTML page, without a background, its black in the colour of the page's text."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "fastconv", "image.composite_image": False}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg[svg.index("<svg"):], flags=re.DOTALL)
    svg = re.sub(r'(<svg [^>]*?)width="[^"]*pt" height="[^"]*pt"|(<svg [^>]*?)height="[^"]*pt" width="[^"]*pt"',
                 r"\1\2", svg, count=1)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", svg)  # numbered in every figure from one on
    return _with_own_names(svg).replace("#000000", "currentColor")


def _with_own_names(svg: str) -> str:
    """The figure with names that follow from what is seen of it; matplotlib's change with a coordinate's last bit."""
    names = dict.fromkeys(re.findall(r'id="([a-z]+[0-9a-f]{10})"', svg))
    if not names:
        return svg
    pattern = re.compile("|".join(names))
    figure = hashlib.sha256(pattern.sub("", svg).encode()).hexdigest()[:10]
    own = {name: f"{figure}-{number}" for number, name in enumerate(names)}
    return pattern.sub(lambda found: "f" + own[found[0]], svg)
