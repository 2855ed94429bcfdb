"""Ranges of hyper-parameters, and the points of them that a search tries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

#: Those of which the distance to 1 is what matters, and has the log scale: 0.9, 0.99, 0.999 are equally far apart.
NEAR_ONE = ("momentum", "alpha", "rho")

WHOLE = ("batch_size",)


@dataclass(frozen=True)
class Range:
    """A hyper-parameter from `low` to `high`, on a log scale; for those of NEAR_ONE on that of 1 - value.

    name: lr, batch_size, or another argument of the optimizer.
    Raises ValueError for bounds that have no such scale.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        least, most = (-math.inf, 1.0) if self.near_one else (0.0, math.inf)
        if not least < self.low < self.high < most or (self.near_one and self.low < 0):
            expected = "0 <= LOW < HIGH < 1" if self.near_one else "0 < LOW < HIGH"
            raise ValueError(f"{self.name}: expected {expected}, got {self.low:g}:{self.high:g}")
        if self.whole and (self.low % 1 or self.high % 1):
            raise ValueError(f"{self.name}: expected whole numbers, got {self.low:g}:{self.high:g}")

    @classmethod
    def parse(cls, text: str) -> Range:
        """The range written NAME=LOW:HIGH. Raises ValueError for any other text."""
        name, _, bounds = text.partition("=")
        low, _, high = bounds.partition(":")
        try:
            values = float(low), float(high)
        except ValueError:
            raise ValueError(f"expected NAME=LOW:HIGH such as lr=1e-4:1e-1, got {text!r}") from None
        return cls(name.strip(), *values)

    @property
    def near_one(self) -> bool:
        return self.name in NEAR_ONE

    @property
    def whole(self) -> bool:
        return self.name in WHOLE

    def at(self, share: float) -> float:
        """The value that far, 0 to 1, from low to high on the range's scale."""
        low, high = (1 - self.low, 1 - self.high) if self.near_one else (self.low, self.high)
        value = math.pow(low, 1 - share) * math.pow(high, share)
        value = 1 - value if self.near_one else value
        return min(max(round(value) if self.whole else value, self.low), self.high)


@dataclass(frozen=True)
class Plan:
    """The points a search tries, each a value for every range by its name.

    kind: "random" or "grid".  prunes: whether hopeless points may be given up early.
    """

    kind: str
    ranges: tuple[Range, ...]
    points: tuple[Mapping[str, float], ...]
    prunes: bool


def random_plan(ranges: Sequence[Range], trials: int, seed: int) -> Plan:
    """Points drawn uniformly on the ranges' scales (Bergstra & Bengio 2012).

    A point follows from the seed and its number alone: more trials begin with the same points.
    """
    check_names(ranges)
    draws = [np.random.default_rng([seed, number]).random(len(ranges)) for number in range(trials)]
    points = tuple({each.name: each.at(share) for each, share in zip(ranges, draw.tolist(), strict=True)}
                   for draw in draws)
    return Plan("random", tuple(ranges), points, prunes=True)


def grid_plan(ranges: Sequence[Range], count: int) -> Plan:
    """All combinations of `count` values of each range, at equal distances on its scale, the ends included."""
    if count < 2:
        raise ValueError(f"a grid needs at least 2 values a range, got {count}")
    check_names(ranges)
    axes = [[(each.name, each.at(step / (count - 1))) for step in range(count)] for each in ranges]
    return Plan("grid", tuple(ranges), tuple(dict(point) for point in product(*axes)), prunes=False)


def check_names(ranges: Sequence[Range]) -> None:
    """Raises ValueError for no range at all and for a name given twice."""
    names = [each.name for each in ranges]
    if not names:
        raise ValueError("expected at least one range")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name}: more than one range")
