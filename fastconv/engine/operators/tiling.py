"""How a correlation's target pixels are cut into tiles: runs of pixels that see the same taps of the kernel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fastconv.engine.operators.window import Taps
from fastconv.kernels.correlate import RUN
from fastconv.layout import Packed
from fastconv.simd.blocking import NEIGHBOURS, TILE_COLS

#: Independent multiply-adds that keep two units of four cycles' latency busy, with some to spare for their operands.
LEAST_IN_FLIGHT = 10

#: What beginning and storing a tile costs, in taps; and what a load costs beside a multiply-add that it does not delay.
TILE_OVERHEAD, LOAD_COST = 2, 0.25


@dataclass(frozen=True)
class Progression:
    """Positions along one axis that see the same taps, at equal distances in the target and in the source."""

    start: int
    step: int
    count: int
    first_tap: int
    taps: int
    source: int
    source_step: int


@dataclass(frozen=True)
class Lines:
    """One axis of a correlation: all its positions, and from one tap of a position to the next."""

    progressions: list[Progression]
    kernel_step: int = 1
    source_step: int = 1

    @classmethod
    def of(cls, taps: Taps) -> Lines:
        """The positions as few progressions."""
        alike: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for position, (first, count, source) in enumerate(taps.table.tolist()):
            alike[first, count].append((position, source))
        return cls([made for (first, count), places in alike.items() for made in _split(places, first, count)],
                   taps.kernel_step, taps.source_step)

    @property
    def longest(self) -> int:
        """The most positions that see the same taps."""
        return max(each.count for each in self.progressions)


def _split(places: list[tuple[int, int]], first: int, count: int) -> Iterator[Progression]:
    while places:
        (start, source), *rest = places
        step, source_step = (rest[0][0] - start, rest[0][1] - source) if rest else (1, 0)
        length = 1
        while length < len(places) and places[length] == (start + length * step, source + length * source_step):
            length += 1
        yield Progression(start, step, length, first, count, source, source_step)
        places = places[length:]


def tile_pixels(rows: Lines, cols: Lines, targets: int) -> int:
    """The pixels in a tile of so many target channels that promise the least time."""
    return min(range(1, TILE_COLS[targets] + 1), key=lambda pixels: tile_cost(rows, cols, targets, pixels))


def tile_cost(rows: Lines, cols: Lines, targets: int, pixels: int) -> float:
    """Multiply-adds' worth of time for one source channel, in tiles of `targets` channels by `pixels`."""
    total = 0.0
    for row in rows.progressions:
        for col in cols.progressions:
            along_rows = row.count * (col.count // pixels)
            along_cols = col.count % pixels * (row.count // pixels)
            singles = col.count % pixels * (row.count % pixels)
            tiles = _tap_cost(targets, pixels) * (along_rows + along_cols) + _tap_cost(targets, 1) * singles
            total += (row.taps * col.taps + TILE_OVERHEAD) * tiles
    return total


def _tap_cost(targets: int, pixels: int) -> float:
    """Of one tap of a tile; with too few multiply-adds it waits for its sums."""
    return max(targets * pixels, LEAST_IN_FLIGHT) + LOAD_COST * (targets + pixels)


def neighbour_taps(cols: Lines) -> int:
    """The columns of the kernel through which neighbours of a row see the same sources; 0 if too few or too many do."""
    most = max(cols.progressions, key=lambda each: each.taps * (each.count > 1))
    shared = most.count > 1 and abs(most.source_step) == abs(cols.source_step)
    return most.taps if shared and most.taps in NEIGHBOURS else 0


def neighbour_pixels(cols: Lines, taps: int) -> int:
    """The pixels in a tile of neighbours that leaves few of a row over."""
    count = max(each.count for each in cols.progressions if each.taps == taps)
    return count // -(-count // NEIGHBOURS[taps])


def tile_runs(rows: Lines, cols: Lines, x: Packed, y: Packed, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Every target pixel once, as `correlate.RUN`: in tiles of `pixels`, and those left over in tiles of one.

    Of the pixels with the same taps, whole tiles are cut from each row, then from the columns that remain.
    """
    wide: list[tuple[int, ...]] = []
    narrow: list[tuple[int, ...]] = []

    def add(row: Progression, col: Progression, h: int, w: int, count: int, along_row: bool) -> None:
        """A line of `count` pixels that starts at the h-th row and w-th column of the block."""
        along = (col.source_step, col.step) if along_row else (row.source_step * x.row, row.step * y.row)
        for tiles, size, runs in ((count // pixels, pixels, wide), (count % pixels, 1, narrow)):
            if tiles:
                runs.append((row.first_tap, row.taps, col.first_tap, col.taps,
                             (row.source + h * row.source_step) * x.row + col.source + w * col.source_step, along[0],
                             (row.start + h * row.step) * y.row + col.start + w * col.step, along[1], tiles))
            h, w = (h, w + tiles * size) if along_row else (h + tiles * size, w)

    for row in rows.progressions:
        for col in cols.progressions:
            whole = col.count - col.count % pixels
            for h in range(row.count) if whole else ():
                add(row, col, h, 0, whole, along_row=True)
            for w in range(whole, col.count):
                add(row, col, 0, w, row.count, along_row=False)
    return np.array(wide, RUN), np.array(narrow, RUN)
