"""The rules that sizes follow."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fastconv.shapes import conv_padding, output_size, pair, pool_padding, transposed_padding, transposed_size
from tests.strategies import pairs


@pytest.mark.parametrize("value", [3, (3, 3), [3, 3]])
def test_pair_takes_an_integer_a_tuple_or_a_list(value):
    assert pair("stride", value) == (3, 3)


def test_pair_is_height_then_width():
    assert pair("stride", (1, 2)) == (1, 2)


@pytest.mark.parametrize("value", [1.0, "3", None, True, (1,), (1, 2, 3), (1, 2.0), (True, 1)])
def test_pair_refuses_anything_but_integers_and_names_the_option(value):
    with pytest.raises(TypeError, match="stride must be an integer or a pair of integers"):
        pair("stride", value)


@pytest.mark.parametrize(("value", "least"), [(0, 1), ((1, 0), 1), (-1, 0), ((0, -1), 0)])
def test_pair_refuses_what_is_too_small(value, least):
    with pytest.raises(ValueError, match=f"stride must be at least {least}"):
        pair("stride", value, least)


def test_valid_padding_is_none():
    assert conv_padding("valid", (3, 5), (2, 2), (1, 1)) == (0, 0, 0, 0)


def test_numeric_padding_is_the_same_on_both_sides():
    assert conv_padding((1, 2), (3, 3), (1, 1), (1, 1)) == (1, 1, 2, 2)


def test_padding_0_is_allowed():
    assert conv_padding(0, (3, 3), (1, 1), (1, 1)) == (0, 0, 0, 0)


@given(size=pairs(1, 20), kernel_size=pairs(1, 6), dilation=pairs(1, 3))
def test_same_padding_keeps_the_size(size, kernel_size, dilation):
    padding = conv_padding("same", kernel_size, (1, 1), dilation)
    assert output_size(size, kernel_size, (1, 1), padding, dilation) == size


def test_same_padding_puts_the_odd_zero_below_and_to_the_right():
    assert conv_padding("same", (2, 4), (1, 1), (1, 1)) == (0, 1, 1, 2)


def test_same_padding_needs_stride_1():
    with pytest.raises(ValueError, match="needs stride 1"):
        conv_padding("same", (3, 3), (1, 2), (1, 1))


def test_conv_padding_refuses_other_words():
    with pytest.raises(ValueError, match="got 'full'"):
        conv_padding("full", (3, 3), (1, 1), (1, 1))


def test_conv_padding_refuses_negative_padding():
    with pytest.raises(ValueError, match="padding must be at least 0"):
        conv_padding(-1, (3, 3), (1, 1), (1, 1))


def test_pool_padding_is_the_same_on_both_sides():
    assert pool_padding((1, 2), (2, 5)) == (1, 1, 2, 2)


@pytest.mark.parametrize("padding", [2, (2, 1), (1, 2)])
def test_pool_padding_refuses_more_than_half_a_window(padding):
    with pytest.raises(ValueError, match="at most half of kernel_size"):
        pool_padding(padding, (3, 3))


@given(size=st.integers(1, 15), kernel_size=st.integers(1, 5), stride=st.integers(1, 3), padding=st.integers(0, 3),
       dilation=st.integers(1, 3))
def test_output_size_counts_the_windows_that_fit(size, kernel_size, stride, padding, dilation):
    extent = dilation * (kernel_size - 1) + 1
    starts = [start for start in range(0, size + 2 * padding, stride) if start + extent <= size + 2 * padding]
    height, width = output_size((size, size), (kernel_size, kernel_size), (stride, stride), (padding,) * 4,
                                (dilation, dilation))
    assert max(height, 0) == max(width, 0) == len(starts)


@given(size=st.integers(1, 15), kernel_size=st.integers(1, 5), stride=st.integers(1, 6), data=st.data())
def test_in_ceil_mode_output_size_counts_the_windows_that_see_something_new(size, kernel_size, stride, data):
    """All that fit, and one more if that begins before the padding behind and those before it leave something over."""
    padding = data.draw(st.integers(0, kernel_size // 2))
    assume(size + 2 * padding >= kernel_size)
    starts = list(range(0, size + 2 * padding - kernel_size + 1, stride))
    following = starts[-1] + stride
    if starts[-1] + kernel_size < size + 2 * padding and following < size + padding:
        starts.append(following)
    height, width = output_size((size, size), (kernel_size,) * 2, (stride,) * 2, (padding,) * 4, ceil_mode=True)
    assert height == width == len(starts)


@given(size=pairs(1, 9), kernel_size=pairs(1, 4), stride=pairs(1, 3), dilation=pairs(1, 3), padding=pairs(0, 3),
       output_padding=pairs(0, 2))
def test_the_convolution_of_a_transposed_ones_output_has_the_size_of_its_input(size, kernel_size, stride, dilation,
                                                                              padding, output_padding):
    assume(all(more < max(s, d) for more, s, d in zip(output_padding, stride, dilation, strict=True)))
    window = transposed_padding(padding, output_padding, stride, dilation)
    made = transposed_size(size, kernel_size, stride, window, dilation)
    assert output_size(made, kernel_size, stride, window, dilation) == size


def test_output_size_treats_height_and_width_apart():
    assert output_size((10, 7), (3, 2), (2, 1), (1, 0, 0, 3), (1, 2)) == (5, 8)
