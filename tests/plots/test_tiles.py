"""Mosaics and images as arrays."""

from __future__ import annotations

import numpy as np

from fastconv.plots.tiles import extent_of, mosaic, shown


def test_a_mosaic_has_its_tiles_in_rows_and_gaps_between():
    whole = mosaic([np.full((2, 3), each, np.float32) for each in range(5)], 2, gap=1)
    assert whole.shape == (3 * 2 + 2, 2 * 3 + 1)
    assert whole[0, 0] == 0
    assert whole[0, 4] == 1
    assert whole[3, 0] == 2
    assert whole[6, 2] == 4
    assert np.isnan(whole[2]).all()
    assert np.isnan(whole[:, 3]).all()
    assert np.isnan(whole[6:, 4:]).all()


def test_smaller_tiles_lie_in_the_middle():
    whole = mosaic([np.ones((3, 3), np.float32), np.full((1, 1), 2, np.float32)], 2)
    assert whole[1, 5] == 2
    assert np.isnan(whole[0, 4:]).all()


def test_coloured_tiles_are_opaque_and_gaps_transparent():
    whole = mosaic([np.full((2, 2, 3), 0.5, np.float32)] * 3, 2)
    assert whole.shape == (5, 5, 4)
    assert whole[0, 0].tolist() == [0.5, 0.5, 0.5, 1]
    assert whole[2, 2, 3] == whole[4, 4, 3] == 0


def test_images_are_shown_from_0_to_1():
    assert shown(np.full((1, 2, 2), 255, np.uint8)).tolist() == [[1, 1], [1, 1]]
    assert shown(np.zeros((3, 2, 4), np.uint8)).shape == (2, 4, 3)
    prepared = shown(np.array([[[-2.0, 6.0]]], np.float32))
    assert prepared.tolist() == [[0, 1]]
    assert shown(np.zeros((1, 2, 2), np.float32)).max() == 0


def test_limits_are_as_far_on_both_sides():
    assert extent_of(np.array([-3.0, 1.0, np.nan])) == {"vmin": -3.0, "vmax": 3.0}
    assert extent_of(np.zeros(2)) == {"vmin": -1.0, "vmax": 1.0}
