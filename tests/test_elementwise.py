"""The activations on plain arrays: their arguments, those with parameters, and the smooth maximum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import functional, reference
from fastconv.errors import DtypeError, ShapeError
from tests.networks import normal
from tests.oracles import assert_close
from tests.strategies import seeds

TOLERANCE = 1e-6  # some ten roundings of float32
EXACT = 1e-12

ARGUMENTS = {
    "leaky_relu": (lambda x: functional.leaky_relu(x, 0.3), lambda x: reference.leaky_relu(x, 0.3)),
    "elu": (lambda x: functional.elu(x, 0.6), lambda x: reference.elu(x, 0.6)),
    "gelu": (lambda x: functional.gelu(x, "tanh"), lambda x: reference.gelu(x, "tanh")),
    "softplus": (lambda x: functional.softplus(x, 2.0, 1.5), lambda x: reference.softplus(x, 2.0, 1.5)),
    "swish": (lambda x: functional.swish(x, -1.5), lambda x: reference.swish(x, -1.5)),
    "silu": (functional.silu, reference.swish),
}


def exact(*arrays):
    return tuple(each.astype(np.float64) for each in arrays)


@pytest.mark.parametrize(("actual", "expected"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_an_activation_heeds_its_arguments(actual, expected):
    x = 3 * normal(0, 17, 3, 5)
    assert_close(actual(x), expected(*exact(x)), TOLERANCE)


@pytest.mark.parametrize("shape", [(17, 5), (3, 5, 7), (17, 5, 3, 4)])
def test_activations_with_parameters_of_channels_agree_with_the_reference(shape):
    x, parameters = 3 * normal(0, *shape), [normal(i, 5) for i in (1, 2, 3)]
    columns = [each.reshape(1, 5, *(1,) * (len(shape) - 2)) for each in exact(*parameters)]
    assert_close(functional.acon(x, *parameters), reference.acon(*exact(x), *columns), TOLERANCE)
    assert_close(functional.prelu(x, parameters[0]), reference.leaky_relu(*exact(x), columns[0]), TOLERANCE)
    for design, meta in (("pixel", functional.meta_acon_pixel), ("layer", functional.meta_acon_layer)):
        expected = reference.meta_acon(*exact(x), *columns[:2], design)
        assert_close(meta(x, *parameters[:2]), expected, TOLERANCE)
    layers = normal(4, 2, 5), normal(5, 2), normal(6, 5, 2), normal(7, 5)
    weights = (layers[0][:, :, None, None], layers[1], layers[2][:, :, None, None], layers[3])
    expected = reference.meta_acon(*exact(x), *columns[:2], "channel", exact(*layers[:2]), exact(*layers[2:]))
    assert_close(functional.meta_acon(x, *parameters[:2], *weights), expected, TOLERANCE)


def test_one_slope_of_prelu_does_for_all_channels():
    x = normal(0, 17, 3, 4, 4)
    np.testing.assert_array_equal(functional.prelu(x, np.full(1, 0.3, np.float32)), functional.leaky_relu(x, 0.3))


ONES = np.ones((2, 3, 4, 4), np.float32)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: functional.prelu(ONES, np.ones(2, np.float32)), ShapeError, r"of shape \(3\), got \(2,\)"),
    (lambda: functional.prelu(ONES[0, 0, 0], ONES[0, 0, 0]), ShapeError, r"expected x \(N, C, …\), got \(4,\)"),
    (lambda: functional.acon(ONES, *(np.ones(3) for _ in range(3))), DtypeError, "float32, got float64"),
    (lambda: functional.gelu(ONES, "erf"), ValueError, 'must be "none" or "tanh", got \'erf\''),
    (lambda: functional.meta_acon(ONES, ONES[0, :, 0, 0], ONES[0, :, 0, 0], *(np.ones((2, 2, 1, 1), np.float32),) * 4),
     ShapeError, r"fc1_weight of shape \(2, 3, 1, 1\), got \(2, 2, 1, 1\)"),
])
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- The smooth maximum ---

values = st.integers(1, 6).flatmap(lambda count: st.lists(st.floats(-50, 50), min_size=count, max_size=count))


@given(values)
def test_the_smooth_maximum_without_slope_is_the_mean(x):
    np.testing.assert_allclose(functional.smooth_maximum(x, 0), np.mean(x), rtol=EXACT, atol=EXACT)


@given(values)
def test_the_smooth_maximum_of_infinite_slope_is_the_maximum_or_the_minimum(x):
    assert functional.smooth_maximum(x, np.inf) == max(x)
    assert functional.smooth_maximum(x, -np.inf) == min(x)


@given(values)
def test_the_smooth_maximum_comes_close_to_the_maximum_as_the_slope_grows(x):
    beta = 1e4
    count = len(x)
    gap = max(x) - functional.smooth_maximum(x, beta)
    assert -1e-9 <= gap <= count / (np.e * beta) + 1e-9  # Σ d e^(-β d) is at most (n - 1) / (e β)


@given(values, st.floats(-3, 3))
def test_the_smooth_maximum_lies_between_the_extremes_and_rises_with_its_slope(x, beta):
    y = functional.smooth_maximum(x, beta)
    assert min(x) - 1e-9 <= y <= max(x) + 1e-9
    assert functional.smooth_maximum(x, beta + 0.5) >= y - 1e-9


@given(values, st.floats(-3, 3), st.floats(-20, 20))
def test_the_smooth_maximum_moves_with_its_arguments(x, beta, shift):
    shifted = functional.smooth_maximum(np.add(x, shift), beta)
    np.testing.assert_allclose(shifted, functional.smooth_maximum(x, beta) + shift, rtol=0, atol=1e-9)


@given(seeds, st.floats(-3, 3))
def test_the_acon_family_is_the_smooth_maximum_of_two_lines(seed, beta):
    x, p1, p2 = exact(*(normal(seed + i, 20) for i in range(3)))
    pairs = {"a": (1.0, 0.0), "b": (1.0, p2), "c": (p1, p2)}
    for first, second in pairs.values():
        expected = functional.smooth_maximum(np.stack([first * x, second * x]), beta, axis=0)
        assert_close(reference.acon(x, first, second, beta), expected, 1e-9)
    assert_close(reference.swish(x, beta), functional.smooth_maximum(np.stack([x, 0 * x]), beta, axis=0), 1e-9)


def test_the_smooth_maximum_of_huge_values_is_finite():
    np.testing.assert_array_equal(functional.smooth_maximum([1e300, -1e300], 1.0), 1e300)
