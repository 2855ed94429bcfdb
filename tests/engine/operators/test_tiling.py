"""Tiles of pixels that see the same taps: every pixel in one of them, with its own taps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.engine.operators.tiling import (
    LEAST_IN_FLIGHT,
    Lines,
    neighbour_pixels,
    neighbour_taps,
    tile_pixels,
    tile_runs,
)
from fastconv.engine.operators.window import Taps, Window, backward_taps, forward_taps
from fastconv.layout import Packed
from fastconv.simd.blocking import NEIGHBOURS, TILE_COLS
from tests.strategies import Axis, axes

both_directions = pytest.mark.parametrize("taps_along", [forward_taps, backward_taps])
every_tile_size = pytest.mark.parametrize("pixels", range(1, max(TILE_COLS.values()) + 1))

# The first tap, the taps and the source position of a row, then of a column; nothing is read where there are no taps.
Seen = tuple[int, int, int, int, int | None]

halos = st.tuples(*[st.integers(0, 2)] * 4)


def taps_of(taps_along, rows: Axis, cols: Axis) -> tuple[Taps, Taps]:
    """Of both axes of a window."""
    window = Window((rows.kernel, cols.kernel), (rows.stride, cols.stride),
                    (rows.before, rows.after, cols.before, cols.after), (rows.dilation, cols.dilation))
    return taps_along(window, 0, rows.size, rows.outputs), taps_along(window, 1, cols.size, cols.outputs)


def place(rows: int, cols: int, halo: tuple[int, int, int, int]) -> Packed:
    return Packed.of(1, rows, cols, halo=halo)


def expected(rows: Taps, cols: Taps, x: Packed, y: Packed) -> dict[int, Seen]:
    """What each target pixel sees, from the tables of both axes."""
    return {h * y.row + w: (row, row_count, col, col_count, row_source * x.row + col_source
                            if row_count and col_count else None)
            for h, (row, row_count, row_source) in enumerate(rows.table.tolist())
            for w, (col, col_count, col_source) in enumerate(cols.table.tolist())}


def covered(runs: np.ndarray, pixels: int) -> Iterator[tuple[int, Seen]]:
    """Every target pixel of the runs' tiles, with what it sees."""
    for row, row_count, col, col_count, x, x_step, y, y_step, tiles in runs.tolist():
        for i in range(tiles * pixels):
            yield y + i * y_step, (row, row_count, col, col_count, x + i * x_step if row_count and col_count else None)


@both_directions
@every_tile_size
@given(row_axis=axes(), col_axis=axes(), x_halo=halos, y_halo=halos)
def test_runs_cover_every_pixel_once_with_the_taps_it_sees(taps_along, pixels, row_axis, col_axis, x_halo, y_halo):
    rows, cols = taps_of(taps_along, row_axis, col_axis)
    sizes = (row_axis.size, col_axis.size), (row_axis.outputs, col_axis.outputs)
    source, target = sizes if taps_along is forward_taps else sizes[::-1]
    x, y = place(*source, x_halo), place(*target, y_halo)
    wide, narrow = tile_runs(Lines.of(rows), Lines.of(cols), x, y, pixels)
    seen = [*covered(wide, pixels), *covered(narrow, 1)]
    assert len(seen) == len(dict(seen)) == target[0] * target[1]
    assert dict(seen) == expected(rows, cols, x, y)


@both_directions
@given(row_axis=axes(), col_axis=axes())
def test_tiles_of_one_pixel_leave_none_over(taps_along, row_axis, col_axis):
    rows, cols = taps_of(taps_along, row_axis, col_axis)
    _, narrow = tile_runs(Lines.of(rows), Lines.of(cols), place(20, 20, (0,) * 4), place(20, 20, (0,) * 4), 1)
    assert len(narrow) == 0


@both_directions
@every_tile_size
@given(row_axis=axes(), col_axis=axes())
def test_fewer_pixels_are_left_over_than_a_tile_has_in_each_block_of_the_same_taps(taps_along, pixels, row_axis,
                                                                                   col_axis):
    rows, cols = map(Lines.of, taps_of(taps_along, row_axis, col_axis))
    _, narrow = tile_runs(rows, cols, place(20, 20, (0,) * 4), place(20, 20, (0,) * 4), pixels)
    left_over = sum((row.count % pixels) * (col.count % pixels)
                    for row in rows.progressions for col in cols.progressions)
    assert narrow["tiles"].sum() == left_over


@both_directions
@given(axis=axes())
def test_progressions_list_every_position_once_with_its_taps(taps_along, axis):
    taps, _ = taps_of(taps_along, axis, axis)
    lines = Lines.of(taps)
    listed = [(each.start + i * each.step, (each.first_tap, each.taps, each.source + i * each.source_step))
              for each in lines.progressions for i in range(each.count)]
    assert sorted(listed) == [(position, tuple(row)) for position, row in enumerate(taps.table.tolist())]
    assert (lines.kernel_step, lines.source_step) == (taps.kernel_step, taps.source_step)
    assert lines.longest == max(each.count for each in lines.progressions)


def test_an_axis_without_padding_is_one_progression():
    assert len(Lines.of(forward_taps(Window((5, 5)), 0, 28, 24)).progressions) == 1


@pytest.mark.parametrize("targets", TILE_COLS)
@given(row_axis=axes(), col_axis=axes())
def test_a_tile_has_no_more_pixels_than_its_channels_leave_registers_for(targets, row_axis, col_axis):
    rows, cols = map(Lines.of, taps_of(forward_taps, row_axis, col_axis))
    assert 1 <= tile_pixels(rows, cols, targets) <= TILE_COLS[targets]


@pytest.mark.parametrize("targets", TILE_COLS)
def test_lone_pixels_are_not_put_into_wider_tiles(targets):
    alone = Lines.of(forward_taps(Window((5, 5)), 0, 5, 1))
    assert tile_pixels(alone, alone, targets) == 1


@pytest.mark.parametrize("targets", TILE_COLS)
def test_tiles_of_many_alike_pixels_keep_as_many_sums_in_flight_as_are_needed_or_possible(targets):
    lines = Lines.of(forward_taps(Window((1, 1)), 0, 120, 120))  # a multiple of every number of pixels that will do
    possible = targets * TILE_COLS[targets]
    assert targets * tile_pixels(lines, lines, targets) >= min(LEAST_IN_FLIGHT, possible)


@both_directions
@pytest.mark.parametrize(("window", "taps"), [
    (Window((5, 5)), 5),
    (Window((5, 5), padding=(2,) * 4), 5),
    (Window((1, 1)), 0),
    (Window((1, 11)), 0),
])
def test_neighbours_share_the_taps_of_a_row_if_there_are_several_but_not_many(taps_along, window, taps):
    lines = Lines.of(taps_along(window, 1, 28, window.output_size((28, 28))[1]))
    assert neighbour_taps(lines) == taps


def test_a_step_of_two_shares_nothing_forward_and_every_other_tap_backward():
    window = Window((5, 5), (2, 2))
    assert neighbour_taps(Lines.of(forward_taps(window, 1, 29, 13))) == 0
    assert neighbour_taps(Lines.of(backward_taps(window, 1, 29, 13))) == 3


def test_neighbours_leave_few_pixels_of_a_row_over():
    for taps, most in NEIGHBOURS.items():
        for count in range(2, 100):
            pixels = neighbour_pixels(Lines.of(forward_taps(Window((1, taps)), 1, count + taps - 1, count)), taps)
            assert 1 < pixels <= most
            assert count % pixels < -(-count // most)
