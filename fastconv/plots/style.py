"""How lines of one picture are told apart, also by the colour-blind."""

from __future__ import annotations

from typing import Any

#: Okabe & Ito 2008, without their yellow, which is hardly seen on white. Neighbours differ in colour, line and marker;
#: 7 and 4 have no common factor, so that 28 lines are drawn differently.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
MARKERS = ("o", "s", "^", "D")


def line_style(number: int) -> dict[str, Any]:
    """Matplotlib's properties of line 0, 1, …"""
    kind = number % len(LINES)
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[kind], "linewidth": 1.4,
            "marker": MARKERS[kind], "markersize": 3.5}
