"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEVELS, ASCII_LEVELS = "▁▂▃▄▅▆▇█", "_.-:=+*#"


class Curve:
    """The course of a figure from a beginning to an end that is known, as a line of at most `width` characters.

    logarithmic: whether heights are those of the logarithm.  last: the newest value.
    """

    def __init__(self, width: int, logarithmic: bool = False) -> None:
        self._sums, self._counts, self._logarithmic = [0.0] * width, [0] * width, logarithmic
        self.last: float | None = None

    def add(self, place: float, value: float) -> None:
        """A value at a place from 0 to 1; those that share a character are averaged."""
        column = min(int(place * len(self._sums)), len(self._sums) - 1)
        self.last = value
        if math.isfinite(value):
            self._sums[column] += value
            self._counts[column] += 1

    def text(self, levels: str = LEVELS) -> str:
        """The line in these characters, from low to high; it runs level where there is no value."""
        means = [total / count if count else None for total, count in zip(self._sums, self._counts, strict=True)]
        known = [column for column, mean in enumerate(means) if mean is not None]
        if not known:
            return ""
        heights: list[float] = []
        for mean in means[known[0]:known[-1] + 1]:
            heights.append(heights[-1] if mean is None else self._height(mean))
        return " " * known[0] + sparkline(heights, levels)

    def _height(self, mean: float) -> float:
        return math.log(max(mean, 1e-30)) if self._logarithmic else mean


def sparkline(values: Sequence[float], levels: str = LEVELS) -> str:
    """A character for each value: the lowest level for the lowest of them, the highest for the highest."""
    low, high = min(values), max(values)
    return "".join(levels[round((value - low) / ((high - low) or 1.0) * (len(levels) - 1))] for value in values)
