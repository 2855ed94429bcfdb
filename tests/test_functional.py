"""The operators on NCHW arrays, in float32, against the reference in float64."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastconv import functional, reference
from fastconv.errors import DtypeError, ShapeError
from tests.oracles import assert_close
from tests.strategies import Convolution, arrays, convolutions, linears, poolings, seeds

F32 = np.float32
TOLERANCE = 1e-5  # some hundred roundings of float32

every_algorithm = pytest.mark.parametrize("algorithm", ["auto", "direct", "im2col"])
exact_about_nan = pytest.mark.parametrize("algorithm", ["direct", "im2col"])

# A convolution of the size people train, and one of each kind that kernels treat apart.
TYPICAL = Convolution(batch=37, in_channels=24, out_channels=40, size=(14, 11), kernel_size=(3, 3), stride=1, padding=1,
                      dilation=1, groups=1, seed=0)


def ones(*shape: int):
    return np.ones(shape, F32)


def poisoned(array, seed: int):
    """A copy with NaN in one element of one image, and that image's index."""
    array = array.copy()
    place = np.unravel_index(seed % array.size, array.shape)
    array[place] = np.nan
    return array, place[0]


# --- Convolution ---


@every_algorithm
@given(case=convolutions())
def test_conv2d_agrees_with_the_reference(algorithm, case):
    expected = reference.conv2d(case.x(), case.weight(), case.bias(), **case.options)
    actual = functional.conv2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options, algorithm=algorithm)
    assert_close(actual, expected, TOLERANCE)


@every_algorithm
@given(case=convolutions())
def test_conv2d_without_bias_adds_none(algorithm, case):
    expected = reference.conv2d(case.x(), case.weight(), **case.options)
    actual = functional.conv2d(case.x(F32), case.weight(F32), **case.options, algorithm=algorithm)
    assert_close(actual, expected, TOLERANCE)


@every_algorithm
@given(case=convolutions())
def test_conv2d_input_grad_agrees_with_the_reference(algorithm, case):
    expected = reference.conv2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.options)
    actual = functional.conv2d_input_grad(case.dy(F32), case.weight(F32), case.x_shape, **case.options,
                                          algorithm=algorithm)
    assert_close(actual, expected, TOLERANCE)


# A window of the image's size that the padding shifts: one output, but no linear layer.
SHIFTED = Convolution(batch=1, in_channels=1, out_channels=1, size=(3, 1), kernel_size=(3, 1), stride=3, padding=1,
                      dilation=1, groups=1, seed=0)


@every_algorithm
@given(case=convolutions())
@example(case=SHIFTED)
def test_conv2d_weight_grad_agrees_with_the_reference(algorithm, case):
    expected = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    actual = functional.conv2d_weight_grad(case.x(F32), case.dy(F32), case.kernel_size, **case.options,
                                           algorithm=algorithm)
    assert_close(actual, expected, TOLERANCE)


@given(convolutions())
def test_im2col_and_direct_agree(case):
    x, weight, bias = case.x(F32), case.weight(F32), case.bias(F32)
    direct = functional.conv2d(x, weight, bias, **case.options, algorithm="direct")
    assert_close(functional.conv2d(x, weight, bias, **case.options, algorithm="im2col"), direct, TOLERANCE)


@every_algorithm
def test_rounding_stays_within_tolerance_on_values_that_are_not_exact(algorithm):
    random = np.random.default_rng(0)
    x, weight, dy = (random.standard_normal(shape, F32)
                     for shape in (TYPICAL.x_shape, TYPICAL.weight_shape, TYPICAL.y_shape))
    exact_x, exact_weight, exact_dy = (each.astype(np.float64) for each in (x, weight, dy))
    options = {**TYPICAL.options, "algorithm": algorithm}
    assert_close(functional.conv2d(x, weight, **options),
                 reference.conv2d(exact_x, exact_weight, **TYPICAL.options), TOLERANCE)
    assert_close(functional.conv2d_input_grad(dy, weight, x.shape, **options),
                 reference.conv2d_input_grad(exact_dy, exact_weight, x.shape, **TYPICAL.options), TOLERANCE)
    assert_close(functional.conv2d_weight_grad(x, dy, (3, 3), **options),
                 reference.conv2d_weight_grad(exact_x, exact_dy, (3, 3), **TYPICAL.options), TOLERANCE)


@exact_about_nan
@given(case=convolutions())
def test_nan_in_a_pixel_reaches_the_outputs_that_see_it_and_no_other(algorithm, case):
    x, _ = poisoned(case.x(F32), case.seed)
    expected = reference.conv2d(x.astype(np.float64), case.weight(), **case.options)
    actual = functional.conv2d(x, case.weight(F32), **case.options, algorithm=algorithm)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))


@exact_about_nan
@given(case=convolutions())
def test_nan_in_a_gradient_reaches_the_pixels_it_came_from_and_no_other(algorithm, case):
    dy, _ = poisoned(case.dy(F32), case.seed)
    expected = reference.conv2d_input_grad(dy.astype(np.float64), case.weight(), case.x_shape, **case.options)
    actual = functional.conv2d_input_grad(dy, case.weight(F32), case.x_shape, **case.options, algorithm=algorithm)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))


@every_algorithm
def test_a_batch_of_nan_leaves_no_trace_in_the_next_smaller_batch(algorithm):
    x, dy = TYPICAL.x(F32)[:16], TYPICAL.dy(F32)[:16]
    options = {**TYPICAL.options, "algorithm": algorithm}
    functional.conv2d_weight_grad(np.full_like(x, np.nan), np.full_like(dy, np.nan), (3, 3), **options)
    expected = reference.conv2d_weight_grad(TYPICAL.x()[:3], TYPICAL.dy()[:3], (3, 3), **TYPICAL.options)
    assert_close(functional.conv2d_weight_grad(x[:3], dy[:3], (3, 3), **options), expected, TOLERANCE)


@given(convolutions())
def test_each_image_has_the_same_output_alone_as_in_a_batch(case):
    x, weight = case.x(F32), case.weight(F32)
    alone = functional.conv2d(x[-1:], weight, **case.options)
    np.testing.assert_array_equal(functional.conv2d(x, weight, **case.options)[-1:], alone)


@given(convolutions())
def test_conv2d_takes_arrays_in_any_memory_order(case):
    x, weight = case.x(F32), case.weight(F32)
    expected = functional.conv2d(x, weight, **case.options)
    reversed_x = np.ascontiguousarray(x[:, :, ::-1, ::-1])[:, :, ::-1, ::-1]
    np.testing.assert_array_equal(functional.conv2d(reversed_x, np.asfortranarray(weight), **case.options), expected)


@given(convolutions())
def test_conv2d_and_its_gradients_leave_their_arguments_alone(case):
    x, weight, bias, dy = arguments = case.x(F32), case.weight(F32), case.bias(F32), case.dy(F32)
    for each in arguments:
        each.flags.writeable = False
    functional.conv2d(x, weight, bias, **case.options)
    functional.conv2d_input_grad(dy, weight, x.shape, **case.options)
    functional.conv2d_weight_grad(x, dy, case.kernel_size, **case.options)
    for each, original in zip(arguments, (case.x(F32), case.weight(F32), case.bias(F32), case.dy(F32)), strict=True):
        np.testing.assert_array_equal(each, original)


def test_many_threads_at_once_get_the_results_of_one():
    x = TYPICAL.x(F32)
    weights = [arrays(seed, *TYPICAL.weight_shape, dtype=F32) for seed in range(8)]
    expected = [functional.conv2d(x, weight, padding=1) for weight in weights]
    with ThreadPoolExecutor(4) as threads:
        actual = list(threads.map(lambda weight: functional.conv2d(x, weight, padding=1), weights))
    np.testing.assert_array_equal(actual, expected)


# --- Pooling ---


@given(poolings())
def test_max_pool2d_agrees_with_the_reference_in_values_and_in_places_even_of_equal_maxima(case):
    y, argmax = functional.max_pool2d(case.x(F32), **case.options)
    expected_y, expected_argmax = reference.max_pool2d(case.x(), **case.options)
    assert_close(y, expected_y, 0)
    assert_close(argmax, expected_argmax, 0)
    assert argmax.dtype == np.int64


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@given(case=poolings())
def test_max_pool2d_agrees_with_the_reference_on_images_full_of(value, case):
    x = np.where(case.x(F32) < 0, F32(value), case.x(F32))
    x[0] = value
    y, argmax = functional.max_pool2d(x, **case.options)
    expected_y, expected_argmax = reference.max_pool2d(x, **case.options)
    np.testing.assert_array_equal(y, expected_y)
    np.testing.assert_array_equal(argmax, expected_argmax)


@given(poolings())
def test_max_pool2d_grad_agrees_with_the_reference(case):
    _, argmax = reference.max_pool2d(case.x(), **case.options)
    expected = reference.max_pool2d_grad(case.dy(), argmax, case.x_shape)
    actual = functional.max_pool2d_grad(case.dy(F32), argmax, case.x_shape, **case.options)
    assert_close(actual, expected, TOLERANCE)


def test_max_pool2d_and_its_gradient_take_windows_of_more_than_256_pixels():
    x, dy, options = arrays(0, 17, 2, 20, 23, dtype=F32), arrays(1, 17, 2, 4, 4, dtype=F32), {"stride": (1, 2)}
    y, argmax = functional.max_pool2d(x, 17, **options)
    expected_y, expected_argmax = reference.max_pool2d(x, 17, **options)
    assert_close(y, expected_y, 0)
    assert_close(argmax, expected_argmax, 0)
    expected = reference.max_pool2d_grad(dy, argmax, x.shape)
    assert_close(functional.max_pool2d_grad(dy, argmax, x.shape, 17, **options), expected, TOLERANCE)


@given(poolings())
def test_avg_pool2d_agrees_with_the_reference(case):
    expected = reference.avg_pool2d(case.x(), **case.options_of_mean)
    assert_close(functional.avg_pool2d(case.x(F32), **case.options_of_mean), expected, TOLERANCE)


@given(poolings())
def test_avg_pool2d_grad_agrees_with_the_reference(case):
    expected = reference.avg_pool2d_grad(case.dy(), case.x_shape, **case.options_of_mean)
    assert_close(functional.avg_pool2d_grad(case.dy(F32), case.x_shape, **case.options_of_mean), expected, TOLERANCE)


@given(poolings())
def test_nan_in_an_image_stays_in_its_average_pooling(case):
    x, image = poisoned(case.x(F32), case.seed)
    expected = reference.avg_pool2d(x, **case.options_of_mean)
    actual = functional.avg_pool2d(x, **case.options_of_mean)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    assert not np.isnan(np.delete(actual, image, axis=0)).any()


# --- Linear ---


@given(linears())
def test_linear_agrees_with_the_reference(case):
    expected = reference.linear(case.x(), case.weight(), case.bias())
    assert_close(functional.linear(case.x(F32), case.weight(F32), case.bias(F32)), expected, TOLERANCE)


@given(linears())
def test_linear_without_bias_adds_none(case):
    expected = reference.linear(case.x(), case.weight())
    assert_close(functional.linear(case.x(F32), case.weight(F32)), expected, TOLERANCE)


@given(linears())
def test_nan_in_an_image_reaches_all_its_outputs_of_linear_and_no_other(case):
    x, image = poisoned(case.x(F32), case.seed)
    is_nan = np.isnan(functional.linear(x, case.weight(F32)))
    assert is_nan[image].all()
    assert not np.delete(is_nan, image, axis=0).any()


# --- Activations ---

ELEMENTWISE = ["relu", "leaky_relu", "elu", "selu", "gelu", "tanh", "sigmoid", "softplus", "swish", "mish", "hardswish",
               "hardtanh"]
every_activation = pytest.mark.parametrize("name", [*ELEMENTWISE, "softmax"])
every_elementwise = pytest.mark.parametrize("name", ELEMENTWISE)
rows = st.tuples(st.integers(1, 37), st.integers(1, 40))


@every_activation
@given(shape=rows, seed=seeds)
def test_activation_agrees_with_the_reference(name, shape, seed):
    x = np.random.default_rng(seed).normal(0, 5, shape).astype(F32)
    expected = getattr(reference, name)(x.astype(np.float64))
    assert_close(getattr(functional, name)(x), expected, TOLERANCE)


@every_activation
def test_activation_of_huge_values_agrees_with_the_reference(name):
    x = np.array([[1e4, -1e4, 0, 100, -100], [-3e38, 3e38, 1, -1, 0]], F32)
    expected = getattr(reference, name)(x.astype(np.float64))
    assert_close(getattr(functional, name)(x), expected, TOLERANCE)


@every_activation
def test_nan_in_an_image_reaches_its_activation_and_no_other_image(name):
    x = arrays(0, 37, 5, dtype=F32)
    x[20, 3] = np.nan
    expected = getattr(reference, name)(x)
    np.testing.assert_array_equal(np.isnan(getattr(functional, name)(x)), np.isnan(expected))


@every_elementwise
@pytest.mark.parametrize("shape", [(), (7,), (3, 1), (2, 3, 5), (17, 3, 4, 5)])
def test_elementwise_activation_takes_any_shape(name, shape):
    x = np.asarray(arrays(0, *shape, dtype=F32))
    assert_close(getattr(functional, name)(x), np.asarray(getattr(reference, name)(x)), TOLERANCE)


@pytest.mark.parametrize("value", [1e-30, 1e-6, 1e-3])
def test_tanh_is_as_accurate_near_0_as_elsewhere(value):
    x = np.full((1, 1), value, F32)
    assert_close(functional.tanh(x), np.tanh(x.astype(np.float64)), TOLERANCE)


@given(rows, seeds)
def test_softmax_sums_to_1(shape, seed):
    y = functional.softmax(arrays(seed, *shape, dtype=F32))
    assert_close(y.sum(axis=1), np.ones(len(y)), TOLERANCE)


# --- Errors ---

X, WEIGHT, DY = ones(2, 6, 8, 8), ones(4, 6, 3, 3), ones(2, 4, 6, 6)
PLACES = np.zeros((2, 6, 4, 4), np.int64)

# What is wrong, and the expected and the found number or shape in the message.
MISSHAPEN = {
    "conv2d: channels": (lambda: functional.conv2d(X, ones(4, 5, 3, 3)), r"\b5\b.*\(2, 6, 8, 8\)"),
    "conv2d: channels of a group": (lambda: functional.conv2d(X, WEIGHT, groups=2), r"\b12\b.*\(2, 6, 8, 8\)"),
    "conv2d: bias": (lambda: functional.conv2d(X, WEIGHT, ones(3)), r"\(4\b.*\(3,\)"),
    "conv2d: dimensions": (lambda: functional.conv2d(X[0], WEIGHT), r"\b4\b.*\(6, 8, 8\)"),
    "conv2d: window": (lambda: functional.conv2d(X, ones(4, 6, 9, 3)), r"9.*\(2, 6, 8, 8\)"),
    "input gradient: size": (
        lambda: functional.conv2d_input_grad(DY, WEIGHT, (2, 6, 9, 8)), r"7, 6\).*\(2, 4, 6, 6\)"),
    "input gradient: images": (
        lambda: functional.conv2d_input_grad(DY, WEIGHT, (3, 6, 8, 8)), r"\(3, 4.*\(2, 4, 6, 6\)"),
    "input gradient: channels": (
        lambda: functional.conv2d_input_grad(DY, WEIGHT, (2, 5, 8, 8)), r"\b6\b.*\(2, 5, 8, 8\)"),
    "weight gradient: size": (lambda: functional.conv2d_weight_grad(X, DY, 5), r"4, 4\).*\(2, 4, 6, 6\)"),
    "weight gradient: images": (
        lambda: functional.conv2d_weight_grad(X[:1], DY, 3), r"\(1\b.*\(2, 4, 6, 6\)"),
    "max_pool2d: window": (lambda: functional.max_pool2d(X, 9), r"9.*\(2, 6, 8, 8\)"),
    "max_pool2d: dimensions": (lambda: functional.max_pool2d(X[0], 2), r"\b4\b.*\(6, 8, 8\)"),
    "max_pool2d_grad: size": (
        lambda: functional.max_pool2d_grad(ones(2, 6, 4, 5), PLACES, X.shape, 2), r"4, 4\).*\(2, 6, 4, 5\)"),
    "max_pool2d_grad: places": (
        lambda: functional.max_pool2d_grad(ones(2, 6, 4, 4), PLACES[:1], X.shape, 2), r"\(2, 6.*\(1, 6, 4, 4\)"),
    "avg_pool2d: window": (lambda: functional.avg_pool2d(X, 9), r"9.*\(2, 6, 8, 8\)"),
    "avg_pool2d_grad: size": (
        lambda: functional.avg_pool2d_grad(ones(2, 6, 4, 5), X.shape, 2), r"4, 4\).*\(2, 6, 4, 5\)"),
    "linear: features": (lambda: functional.linear(ones(2, 5), ones(3, 4)), r"\b4\b.*\(2, 5\)"),
    "linear: bias": (lambda: functional.linear(ones(2, 4), ones(3, 4), ones(4)), r"\(3\b.*\(4,\)"),
    "softmax: dimensions": (lambda: functional.softmax(X), r"\b2\b.*\(2, 6, 8, 8\)"),
}

EMPTY = {
    "conv2d": lambda: functional.conv2d(X[:0], WEIGHT),
    "conv2d_input_grad": lambda: functional.conv2d_input_grad(DY[:0], WEIGHT, (0, 6, 8, 8)),
    "conv2d_weight_grad": lambda: functional.conv2d_weight_grad(X[:0], DY[:0], 3),
    "max_pool2d": lambda: functional.max_pool2d(X[:0], 2),
    "max_pool2d_grad": lambda: functional.max_pool2d_grad(ones(0, 6, 4, 4), PLACES[:0], (0, 6, 8, 8), 2),
    "avg_pool2d": lambda: functional.avg_pool2d(X[:0], 2),
    "avg_pool2d_grad": lambda: functional.avg_pool2d_grad(ones(0, 6, 4, 4), (0, 6, 8, 8), 2),
    "linear": lambda: functional.linear(ones(0, 4), ones(3, 4)),
    "relu": lambda: functional.relu(ones(0, 4)),
    "tanh": lambda: functional.tanh(ones(0, 4)),
    "sigmoid": lambda: functional.sigmoid(ones(0, 4)),
    "softmax": lambda: functional.softmax(ones(0, 4)),
}

OF_DTYPE = {
    "conv2d: x": lambda dtype: functional.conv2d(X.astype(dtype), WEIGHT),
    "conv2d: weight": lambda dtype: functional.conv2d(X, WEIGHT.astype(dtype)),
    "conv2d: bias": lambda dtype: functional.conv2d(X, WEIGHT, np.ones(4, dtype)),
    "conv2d_input_grad": lambda dtype: functional.conv2d_input_grad(DY.astype(dtype), WEIGHT, X.shape),
    "conv2d_weight_grad": lambda dtype: functional.conv2d_weight_grad(X, DY.astype(dtype), 3),
    "max_pool2d": lambda dtype: functional.max_pool2d(X.astype(dtype), 2),
    "max_pool2d_grad": lambda dtype: functional.max_pool2d_grad(np.ones((2, 6, 4, 4), dtype), PLACES, X.shape, 2),
    "avg_pool2d": lambda dtype: functional.avg_pool2d(X.astype(dtype), 2),
    "avg_pool2d_grad": lambda dtype: functional.avg_pool2d_grad(np.ones((2, 6, 4, 4), dtype), X.shape, 2),
    "linear": lambda dtype: functional.linear(np.ones((2, 4), dtype), ones(3, 4)),
    "relu": lambda dtype: functional.relu(X.astype(dtype)),
    "tanh": lambda dtype: functional.tanh(X.astype(dtype)),
    "sigmoid": lambda dtype: functional.sigmoid(X.astype(dtype)),
    "softmax": lambda dtype: functional.softmax(np.ones((2, 4), dtype)),
}

SENSELESS = {
    "stride 0": (lambda: functional.conv2d(X, WEIGHT, stride=0), ValueError, "stride"),
    "fractional stride": (lambda: functional.conv2d(X, WEIGHT, stride=1.5), TypeError, "stride"),
    "negative padding": (lambda: functional.conv2d(X, WEIGHT, padding=-1), ValueError, "padding"),
    "unknown padding": (lambda: functional.conv2d(X, WEIGHT, padding="full"), ValueError, "full"),
    "same padding with a stride": (
        lambda: functional.conv2d(X, WEIGHT, stride=2, padding="same"), ValueError, "stride"),
    "dilation 0": (lambda: functional.conv2d(X, WEIGHT, dilation=0), ValueError, "dilation"),
    "groups 0": (lambda: functional.conv2d(X, WEIGHT, groups=0), ValueError, "groups"),
    "groups that divide no channels": (lambda: functional.conv2d(X, WEIGHT, groups=3), ValueError, "groups"),
    "winograd with another kernel": (
        lambda: functional.conv2d(X, ones(4, 6, 3, 5), algorithm="winograd"), ValueError, r"\(3, 3\).*\(3, 5\)"),
    "winograd with a stride": (
        lambda: functional.conv2d_input_grad(ones(2, 4, 3, 3), WEIGHT, X.shape, stride=2, algorithm="winograd"),
        ValueError, r"stride \(1, 1\).*\(2, 2\)"),
    "winograd with dilation": (
        lambda: functional.conv2d_weight_grad(X, ones(2, 4, 4, 4), 3, dilation=2, algorithm="winograd"),
        ValueError, r"dilation \(1, 1\).*\(2, 2\)"),
    "kernel_size 0": (lambda: functional.conv2d_weight_grad(X, DY, 0), ValueError, "kernel_size"),
    "groups that divide no channels of x": (
        lambda: functional.conv2d_weight_grad(X[:, :5], DY, 3, groups=2), ValueError, "groups"),
    "padding of more than half a window": (lambda: functional.max_pool2d(X, 2, padding=2), ValueError, "padding"),
    "pooling with kernel_size 0": (lambda: functional.avg_pool2d(X, 0), ValueError, "kernel_size"),
    "a place outside the image": (
        lambda: functional.max_pool2d_grad(ones(2, 6, 4, 4), PLACES + 64, X.shape, 2), ValueError, "argmax"),
    "a place outside its window": (
        lambda: functional.max_pool2d_grad(ones(2, 6, 4, 4), PLACES, X.shape, 2), ValueError, "argmax"),
}


@pytest.mark.parametrize(("call", "message"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_arrays_that_do_not_fit_raise_shape_error_naming_expected_and_found(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


@pytest.mark.parametrize("call", EMPTY.values(), ids=EMPTY)
def test_an_empty_batch_raises_shape_error(call):
    with pytest.raises(ShapeError):
        call()


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.uint8])
@pytest.mark.parametrize("call", OF_DTYPE.values(), ids=OF_DTYPE)
def test_arrays_that_are_not_float32_raise_dtype_error_naming_their_dtype(call, dtype):
    with pytest.raises(DtypeError, match=f"float32.*{np.dtype(dtype)}"):
        call(dtype)


@pytest.mark.parametrize("call", [
    lambda algorithm: functional.conv2d(X, WEIGHT, algorithm=algorithm),
    lambda algorithm: functional.conv2d_input_grad(DY, WEIGHT, X.shape, algorithm=algorithm),
    lambda algorithm: functional.conv2d_weight_grad(X, DY, 3, algorithm=algorithm),
], ids=["conv2d", "conv2d_input_grad", "conv2d_weight_grad"])
def test_an_unknown_algorithm_raises_value_error_naming_it_and_the_known_ones(call):
    with pytest.raises(ValueError, match=r"direct.*im2col.*winograd.*fft"):
        call("fft")


@pytest.mark.parametrize(("call", "error", "message"), SENSELESS.values(), ids=SENSELESS)
def test_senseless_options_raise_an_error_naming_them(call, error, message):
    with pytest.raises(error, match=message):
        call()
