"""The pooling layers: against the reference, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import nn, reference
from fastconv.errors import ShapeError
from tests.networks import BATCH_SIZES, normal
from tests.oracles import assert_close
from tests.strategies import poolings

TOLERANCE = 1e-6  # some ten roundings of float32

both = pytest.mark.parametrize("layer", [nn.MaxPool2d, nn.AvgPool2d])


@given(poolings())
def test_max_pool_is_the_reference_to_the_last_bit(case):
    expected, _ = reference.max_pool2d(case.x(np.float32), **case.options)
    np.testing.assert_array_equal(nn.MaxPool2d(**case.options)(case.x(np.float32)), expected)


@given(poolings())
def test_avg_pool_agrees_with_the_reference(case):
    actual = nn.AvgPool2d(**case.options_of_mean)(case.x(np.float32))
    assert_close(actual, reference.avg_pool2d(case.x(), **case.options_of_mean), TOLERANCE)


@both
@given(case=poolings())
def test_output_shape_is_the_shape_of_the_output(layer, case):
    pool = layer(**case.options)
    assert pool.output_shape(case.x_shape) == pool(case.x(np.float32)).shape


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_max_pool_is_the_reference_for_every_batch_size(batch):
    x = normal(0, batch, 3, 7, 8)
    np.testing.assert_array_equal(nn.MaxPool2d(3, 2, 1)(x), reference.max_pool2d(x, 3, 2, 1)[0])


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_avg_pool_agrees_with_the_reference_for_every_batch_size(batch):
    x = normal(0, batch, 3, 7, 8)
    assert_close(nn.AvgPool2d(3, 2, 1)(x), reference.avg_pool2d(x.astype(np.float64), 3, 2, 1), TOLERANCE)


@both
def test_no_images_make_no_outputs(layer):
    y = layer(2)(normal(0, 0, 3, 7, 8))
    assert (y.shape, y.dtype) == ((0, 3, 3, 4), np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_max_pool_treats_values_that_are_not_finite_as_the_reference_does(value):
    x = normal(0, 17, 2, 6, 6)
    x[16, 1, :3, 2:] = value
    np.testing.assert_array_equal(nn.MaxPool2d(3, 1, 1)(x), reference.max_pool2d(x, 3, 1, 1)[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_avg_pool_spreads_a_value_that_is_not_finite_to_the_windows_that_see_it(value):
    x = normal(0, 17, 2, 6, 6)
    x[16, 1, 0, 5] = value
    expected = reference.avg_pool2d(x.astype(np.float64), 3, 1, 1)
    np.testing.assert_array_equal(np.isfinite(nn.AvgPool2d(3, 1, 1)(x)), np.isfinite(expected))


def test_padding_never_wins_over_negative_values():
    np.testing.assert_array_equal(nn.MaxPool2d(3, 1, 1)(np.full((17, 2, 4, 4), -5, np.float32)), -5)


def test_padding_counts_as_zeros_in_a_mean():
    corner = nn.AvgPool2d(2, 2, 1)(np.full((17, 2, 4, 4), 8, np.float32))[:, :, 0, 0]
    np.testing.assert_array_equal(corner, 2)


@both
def test_the_stride_is_the_kernel_size_unless_given(layer):
    assert layer((2, 3)).stride == (2, 3)


@both
@pytest.mark.parametrize(("arguments", "error", "message"), [
    ((0,), ValueError, "kernel_size must be at least 1, got 0"),
    ((2.0,), TypeError, "kernel_size must be an integer"),
    ((2, 0), ValueError, "stride must be at least 1, got 0"),
    ((2, (1, 2, 3)), TypeError, "stride must be an integer or a pair"),
    ((2, 2, -1), ValueError, "padding must be at least 0, got -1"),
    ((3, 2, 2), ValueError, r"padding must be at most half of kernel_size \(3, 3\), got 2"),
    (((4, 2), 2, (2, 2)), ValueError, r"padding must be at most half of kernel_size \(4, 2\), got \(2, 2\)"),
    ((2, 2, "same"), TypeError, "padding must be an integer"),
])
def test_arguments_that_make_no_pooling_are_refused(layer, arguments, error, message):
    with pytest.raises(error, match=message):
        layer(*arguments)


@both
@pytest.mark.parametrize(("shape", "message"), [
    ((5, 2, 2, 9), r'"0": expected images that a window \(5, 5\) fits into with padding \(1, 1, 1, 1\), '
                   r"got \(5, 2, 2, 9\)"),
    ((5, 32), r'"0": expected \(N, C, H, W\), got \(5, 32\)'),
])
def test_images_that_do_not_fit_are_refused(layer, shape, message):
    with pytest.raises(ShapeError, match=f"{layer.__name__} {message}"):
        nn.Sequential(layer(5, padding=1))(normal(0, *shape))


@pytest.mark.parametrize(("layer", "expected"), [
    (nn.MaxPool2d(2, ceil_mode=True), [[6, 8, 9], [16, 18, 19], [21, 23, 24]]),
    (nn.AvgPool2d(2, ceil_mode=True), [[3, 5, 6.5], [13, 15, 16.5], [20.5, 22.5, 24]]),
    (nn.MaxPool2d(2, 3, 1, ceil_mode=True), [[0, 3], [15, 18]]),
])
def test_in_ceil_mode_a_window_may_reach_beyond_the_image_if_it_begins_inside(layer, expected):
    """A last window that would begin in the padding behind is left out."""
    x = np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5)
    np.testing.assert_array_equal(layer(x)[0, 0], expected)


def test_padding_that_does_not_count_changes_no_mean():
    pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    np.testing.assert_array_equal(pool(np.full((17, 2, 4, 4), 8, np.float32)), 8)


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.AvgPool2d(2)])
def test_options_are_shown_only_where_they_are_chosen(layer):
    assert repr(layer) == f"{type(layer).__name__}(kernel_size=2, stride=None, padding=0)"
    assert nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False).config.items() >= {
        "ceil_mode": True, "count_include_pad": False}.items()


@pytest.mark.parametrize(("output_size", "part"), [(1, (6, 8)), ((2, 4), (3, 2)), ((6, 8), (1, 1))])
@pytest.mark.parametrize("batch", [1, 17])
def test_maxima_of_equal_parts_are_taken(output_size, part, batch):
    x = normal(0, batch, 3, 6, 8)
    np.testing.assert_array_equal(nn.AdaptiveMaxPool2d(output_size)(x), reference.max_pool2d(x, part)[0])


@pytest.mark.parametrize(("output_size", "part"), [(1, (6, 8)), ((2, 4), (3, 2)), ((6, 8), (1, 1))])
@pytest.mark.parametrize("batch", [1, 17])
def test_equal_parts_are_averaged(output_size, part, batch):
    x = normal(0, batch, 3, 6, 8)
    actual = nn.AdaptiveAvgPool2d(output_size)(x)
    assert_close(actual, reference.avg_pool2d(x.astype(np.float64), part), TOLERANCE)


def test_an_image_that_has_no_equal_parts_is_refused():
    with pytest.raises(ShapeError, match=r"can be divided into \(4, 4\) equal parts, got \(2, 3, 6, 8\)"):
        nn.AdaptiveAvgPool2d(4)(normal(0, 2, 3, 6, 8))
