"""Styles of lines."""

from __future__ import annotations

from itertools import pairwise

from fastconv.plots.style import line_style


def test_twenty_eight_lines_are_drawn_differently_and_neighbours_in_every_respect():
    styles = [line_style(number) for number in range(28)]
    assert len({(each["color"], each["linestyle"]) for each in styles}) == 28
    for one, next_one in pairwise(styles):
        assert all(one[key] != next_one[key] for key in ("color", "linestyle", "marker"))
