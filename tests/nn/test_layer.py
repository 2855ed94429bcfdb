"""What every layer promises: its state, its parameters, its statistics, its name in an error."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from fastconv import nn
from fastconv.errors import DtypeError, ShapeError
from tests.networks import assert_same_bits, normal, pixels, small_network

X = normal(0, 5, 1, 6, 6)


class Doubling(nn.Layer):
    """A layer that no operator is registered for."""


def other_state():
    """A state that fits the small network, and is not the one it has."""
    model = small_network()
    model.init(1)
    return model.state_dict()


# --- State ---


def test_a_state_dict_has_the_names_and_shapes_of_pytorch():
    shapes = {name: array.shape for name, array in small_network().state_dict().items()}
    assert shapes == {"0.weight": (4, 1, 3, 3), "0.bias": (4,), "4.weight": (3, 16), "4.bias": (3,)}


def test_a_single_layer_names_its_parameters_without_a_prefix():
    assert nn.Linear(2, 3).state_dict().keys() == {"weight", "bias"}


def test_a_loaded_state_is_the_one_given_to_the_last_bit():
    model, state = small_network(), other_state()
    model.load_state_dict(state)
    assert_same_bits(model.state_dict(), state)


def test_a_model_computes_with_the_state_it_was_given_last():
    model, other = small_network(), small_network()
    model(X)
    other.load_state_dict(other_state())
    model.load_state_dict(other_state())
    np.testing.assert_array_equal(model(X), other(X))


def test_changing_a_state_dict_does_not_change_the_model():
    model = small_network()
    before = model(X)
    for array in model.state_dict().values():
        array[...] = 7
    np.testing.assert_array_equal(model(X), before)


def test_changing_an_array_after_loading_does_not_change_the_model():
    model, state = small_network(), other_state()
    model.load_state_dict(state)
    before = model(X)
    state["4.weight"][...] = 7
    np.testing.assert_array_equal(model(X), before)


def test_a_state_of_float64_is_rounded_to_float32():
    layer, weight = nn.Linear(3, 2, bias=False), np.random.default_rng(0).standard_normal((2, 3))
    layer.load_state_dict({"weight": weight})
    np.testing.assert_array_equal(layer.weight, weight.astype(np.float32))


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"4.bias": None}, ShapeError, r"missing \['4\.bias'\], unknown \[\]"),
    ({"5.bias": np.zeros(3)}, ShapeError, r"missing \[\], unknown \['5\.bias'\]"),
    ({"4.weight": np.zeros((16, 3))}, ShapeError, r"4\.weight: expected shape \(3, 16\), got \(16, 3\)"),
    ({"4.bias": np.zeros((3, 1))}, ShapeError, r"4\.bias: expected shape \(3,\), got \(3, 1\)"),
    ({"4.bias": np.float32(1)}, ShapeError, r"4\.bias: expected shape \(3,\), got \(\)"),
    ({"4.bias": np.zeros(3, np.int64)}, DtypeError, r"4\.bias: expected floating-point values, got int64"),
    ({"4.bias": np.zeros(3, np.complex64)}, DtypeError, r"4\.bias: expected floating-point values, got complex64"),
    ({"4.bias": ["a", "b", "c"]}, DtypeError, r"4\.bias: expected floating-point values"),
])
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, error, message):
    model = small_network()
    before = model.state_dict()
    state = {name: array for name, array in {**other_state(), **change}.items() if array is not None}
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    assert_same_bits(model.state_dict(), before)


def test_weight_and_bias_are_read_only():
    layer = nn.Conv2d(1, 2, 3)
    for array in (layer.weight, layer.bias):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_layer_without_bias_has_none():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None
    assert layer.state_dict().keys() == {"weight"}


def test_a_deep_copy_shares_no_parameter_with_the_original():
    model = small_network()
    before = model(X)
    copy.deepcopy(model).load_state_dict(other_state())
    np.testing.assert_array_equal(model(X), before)


# --- Random initialisation ---


def test_the_same_seed_draws_the_same_bits():
    one, other = small_network(), small_network()
    one.init(seed=7)
    other.init(seed=7)
    assert_same_bits(one.state_dict(), other.state_dict())


def test_parameters_never_set_are_drawn_with_seed_0():
    lazy, eager = small_network(), small_network()
    eager.init(seed=0)
    assert_same_bits(lazy.state_dict(), eager.state_dict())


def test_another_seed_draws_another_value_for_every_parameter():
    model = small_network()
    first = model.state_dict()
    model.init(seed=1)
    for name, array in model.state_dict().items():
        assert np.all(array != first[name]), name


def test_a_model_computes_with_what_was_drawn_last():
    model, other = small_network(), small_network()
    model(X)
    model.init(seed=1)
    other.init(seed=1)
    np.testing.assert_array_equal(model(X), other(X))


# --- Statistics of images ---


def test_statistics_are_kept_as_float32_and_names_as_strings():
    model = small_network()
    model.set_images([0.25], [0.5], ["zero", "one", "two"], (1, 6, 6))
    assert (model.mean.dtype, model.std.dtype) == (np.float32, np.float32)
    assert (model.mean.tolist(), model.std.tolist()) == ([0.25], [0.5])
    assert (model.classes, model.input_shape) == (("zero", "one", "two"), (1, 6, 6))


def test_new_statistics_normalise_the_next_batch():
    model, other, images = small_network(), small_network(), pixels(0, 5, 1, 6, 6)
    model.set_images([0.0], [1.0])
    model(images)
    model.set_images([0.3], [0.4])
    other.set_images([0.3], [0.4])
    np.testing.assert_array_equal(model(images), other(images))


@pytest.mark.parametrize(("mean", "std"), [
    ([0.0], [0.0]), ([0.0], [-1.0]), ([0.0], [np.nan]), ([np.nan], [1.0]), ([np.inf], [1.0]), ([0.0], [np.inf]),
    ([0.0, 0.0], [1.0]), (0.0, 1.0), ([], []), ([1e39], [1.0]), ([0.0], [1e-50]),
])
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_statistics_that_cannot_normalise_are_refused_and_change_nothing(mean, std):
    model = small_network()
    model.set_images([0.25], [0.5], ["a", "b", "c"], (1, 6, 6))
    with pytest.raises(ValueError, match="expected a finite mean and a positive std for each channel"):
        model.set_images(mean, std)
    assert (model.mean.tolist(), model.std.tolist(), model.classes) == ([0.25], [0.5], ("a", "b", "c"))


@pytest.mark.parametrize("input_shape", [(1, 6), (1, 6, 0), (1, 6, 6.0), (1, 6, "6")])
def test_an_input_shape_that_is_none_is_refused_and_changes_nothing(input_shape):
    model = small_network()
    model.set_images([0.25], [0.5])
    with pytest.raises((ValueError, TypeError)):
        model.set_images([0.0], [1.0], None, input_shape)
    assert (model.mean.tolist(), model.input_shape) == ([0.25], None)


# --- Printing, counting, errors ---


def test_a_layer_prints_as_it_was_made():
    assert repr(nn.MaxPool2d(3, stride=2)) == "MaxPool2d(kernel_size=3, stride=2, padding=0)"


def test_parameter_count_counts_every_weight_and_bias():
    assert small_network().parameter_count == 4 * 9 + 4 + 3 * 16 + 3


def test_a_layer_without_an_operator_says_so():
    with pytest.raises(TypeError, match="no operator is registered for the layer Doubling"):
        nn.Sequential(Doubling())(X)


def test_an_error_names_the_layer_the_shape_expected_and_the_shape_found():
    with pytest.raises(ShapeError, match=r'^Conv2d "1\.0": expected \(N, 4, H, W\), got \(5, 1, 6, 6\)$'):
        nn.Sequential(nn.ReLU(), nn.Sequential(nn.Conv2d(4, 2, 3)))(X)


def test_an_error_of_a_single_layer_names_its_kind():
    with pytest.raises(ShapeError, match=r"^Conv2d: expected \(N, 4, H, W\), got \(5, 1, 6, 6\)$"):
        nn.Conv2d(4, 2, 3)(X)


def test_images_that_do_not_fit_are_told_what_the_model_was_trained_for():
    model = nn.Conv2d(1, 6, 5)
    with pytest.raises(ShapeError, match=r"got \(1, 3, 28, 28\)$"):
        model(np.zeros((1, 3, 28, 28), np.uint8))
    model.set_images([0.5], [0.5], None, (1, 28, 28))
    with pytest.raises(ShapeError, match=r"got \(1, 3, 28, 28\); the model was trained for images \(1, 28, 28\)$"):
        model(np.zeros((1, 3, 28, 28), np.uint8))
