"""Ranges on log scales, and the points drawn from them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.experiments.space import Range, grid_plan, random_plan

LR, BATCH = Range("lr", 1e-4, 1e-1), Range("batch_size", 8, 256)


@pytest.mark.parametrize(("each", "middle"), [
    (LR, math.sqrt(1e-5)), (BATCH, 45), (Range("momentum", 0.9, 0.999), 0.99), (Range("momentum", 0.0, 0.99), 0.9)])
def test_the_middle_of_a_range_is_that_of_its_logarithms(each, middle):
    assert each.at(0.5) == pytest.approx(middle)
    assert (each.at(0), each.at(1)) == (each.low, each.high)


@given(share=st.floats(0, 1))
def test_no_value_is_outside_its_range(share):
    for each in (LR, BATCH, Range("momentum", 0.1, 0.999)):
        assert each.low <= each.at(share) <= each.high


@given(share=st.floats(0, 1))
def test_batch_sizes_are_whole(share):
    assert BATCH.at(share) == int(BATCH.at(share))


def test_a_range_is_read_from_its_text():
    assert Range.parse("weight_decay=1e-6:0.1") == Range("weight_decay", 1e-6, 0.1)


@pytest.mark.parametrize(("text", "message"), [
    ("lr", "expected NAME=LOW:HIGH such as lr=1e-4:1e-1, got 'lr'"),
    ("lr=1", "NAME=LOW:HIGH"),
    ("lr=a:b", "NAME=LOW:HIGH"),
    ("lr=0:1", "lr: expected 0 < LOW < HIGH, got 0:1"),
    ("lr=1:0.1", "0 < LOW < HIGH"),
    ("lr=nan:1", "0 < LOW < HIGH"),
    ("lr=1:inf", "0 < LOW < HIGH"),
    ("momentum=0.5:1", "momentum: expected 0 <= LOW < HIGH < 1"),
    ("momentum=-0.5:0.9", "0 <= LOW < HIGH < 1"),
    ("batch_size=8.5:16", "batch_size: expected whole numbers"),
])
def test_bounds_without_such_a_scale_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Range.parse(text)


def test_more_trials_begin_with_the_same_points_and_another_seed_draws_others():
    few, many, other = random_plan([LR, BATCH], 3, 0), random_plan([LR, BATCH], 9, 0), random_plan([LR, BATCH], 3, 1)
    assert many.points[:3] == few.points != other.points


def test_points_are_spread_evenly_over_the_logarithms():
    drawn = sorted(point["lr"] for point in random_plan([LR], 3000, 0).points)
    for share in (0.1, 0.5, 0.9):
        assert math.log10(drawn[int(share * len(drawn))]) == pytest.approx(math.log10(LR.at(share)), abs=0.1)


def test_a_grid_has_all_combinations_with_the_last_range_first_to_change():
    points = grid_plan([LR, Range("weight_decay", 1e-6, 1e-2)], 3).points
    assert [tuple(point.values()) for point in points[:4]] == [
        pytest.approx((1e-4, 1e-6)), pytest.approx((1e-4, 1e-4)), pytest.approx((1e-4, 1e-2)),
        pytest.approx((10**-2.5, 1e-6))]
    assert len(points) == 9


@pytest.mark.parametrize("plan", [lambda ranges: random_plan(ranges, 2, 0), lambda ranges: grid_plan(ranges, 2)])
def test_a_plan_needs_ranges_of_different_names(plan):
    with pytest.raises(ValueError, match="at least one range"):
        plan([])
    with pytest.raises(ValueError, match="lr: more than one range"):
        plan([LR, LR])


def test_a_grid_of_one_value_is_refused():
    with pytest.raises(ValueError, match="at least 2 values"):
        grid_plan([LR], 1)
