"""Sequential: names, nesting, slices, freezing."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import nn
from fastconv.errors import ShapeError
from tests.expected import in_float64, outputs
from tests.networks import BATCH_SIZES, assert_same_bits, normal, pixels, small_network
from tests.oracles import assert_close

TOLERANCE = 1e-5  # some hundred roundings of float32


def nested() -> nn.Sequential:
    """The small network in two parts."""
    whole = small_network()
    return nn.Sequential(nn.Sequential(*whole.layers[:3]), nn.Sequential(*whole.layers[3:]))


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_a_network_agrees_with_its_layers_one_after_the_other(batch):
    model, x = small_network(), normal(0, batch, 1, 6, 6)
    expected = outputs(model, in_float64(model.state_dict()), x.astype(np.float64))
    assert_close(model(x), expected, TOLERANCE)


def test_no_images_make_no_outputs():
    y = small_network()(normal(0, 0, 1, 6, 6))
    assert (y.shape, y.dtype) == ((0, 3), np.float32)


def test_output_shape_is_that_of_the_last_layer():
    assert small_network().output_shape((17, 1, 6, 6)) == (17, 3)


def test_a_network_in_parts_names_its_parameters_by_both_places():
    assert nested().state_dict().keys() == {"0.0.weight", "0.0.bias", "1.1.weight", "1.1.bias"}


def test_a_network_in_parts_is_drawn_and_computes_as_in_one():
    x = normal(0, 17, 1, 6, 6)
    np.testing.assert_array_equal(nested()(x), small_network()(x))


def test_layers_are_found_by_place_from_either_end():
    model = small_network()
    assert model[0] is model.layers[0]
    assert model[-1] is model.layers[4]
    assert len(model) == 5
    assert list(model) == list(model.layers)
    with pytest.raises(IndexError):
        model[5]


def test_a_slice_computes_what_its_layers_make():
    model, x = small_network(), normal(0, 17, 1, 6, 6)
    features = model[:4](x)
    assert features.shape == (17, 16)
    assert_close(model[4:](features), model(x), TOLERANCE)


def test_a_slice_normalises_uint8_images_as_the_whole_does():
    model, images = small_network(), pixels(0, 17, 1, 6, 6)
    model.set_images([0.3], [0.4])
    assert_close(model[4:](model[:4](images)), model(images), TOLERANCE)


def test_a_slice_shares_its_parameters_with_the_whole():
    model, x = small_network(), normal(0, 17, 1, 6, 6)
    model(x)
    model[4:].load_state_dict({"0.weight": np.zeros((3, 16)), "0.bias": np.ones(3)})
    np.testing.assert_array_equal(model(x), 1)


def test_a_slice_of_a_new_network_has_the_weights_the_whole_would_have():
    part, whole = small_network()[4:].state_dict(), small_network().state_dict()
    assert_same_bits(part, {"0.weight": whole["4.weight"], "0.bias": whole["4.bias"]})


def test_freezing_a_network_freezes_every_layer():
    model = nested()
    model.trainable = False
    assert [leaf.trainable for _, leaf in model.leaves()] == [False] * 5


def test_a_network_is_trainable_as_long_as_one_layer_is():
    model = small_network()
    model[0].trainable = False
    assert model.trainable


def test_a_network_prints_as_it_is_nested():
    assert repr(nn.Sequential(nn.Sequential(nn.ReLU()), nn.Flatten())) == (
        "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n  )\n  (1): Flatten()\n)")


def test_a_layer_may_not_appear_twice():
    layer = nn.Linear(3, 3)
    with pytest.raises(ValueError, match="a layer appears twice"):
        nn.Sequential(layer, nn.ReLU(), layer)


def test_a_layer_may_not_appear_again_inside_another_network():
    layer = nn.Linear(3, 3)
    with pytest.raises(ValueError, match="a layer appears twice"):
        nn.Sequential(layer, nn.Sequential(nn.ReLU(), layer))


@pytest.mark.parametrize("stranger", [nn.ReLU, None, [nn.ReLU()], np.tanh])
def test_only_layers_make_a_network(stranger):
    with pytest.raises(TypeError, match="Sequential takes layers, got"):
        nn.Sequential(nn.Flatten(), stranger)


def test_the_first_layer_that_does_not_fit_is_named():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(10, 3), nn.Linear(9, 3))
    with pytest.raises(ShapeError, match=r'^Linear "2": expected \(N, 10\), got \(17, 64\)$'):
        model(normal(0, 17, 1, 6, 6))


@pytest.mark.parametrize("batch", [0, 17])
def test_a_network_without_layers_returns_what_it_is_given(batch):
    x = normal(0, batch, 1, 6, 6)
    np.testing.assert_array_equal(nn.Sequential()(x), x)
