"""The ACON layers: against the reference, their parameters, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn, reference
from fastconv.errors import ShapeError
from tests.expected import in_float64, outputs
from tests.networks import assert_frozen, normal
from tests.oracles import assert_close

TOLERANCE = 1e-6  # some ten roundings of float32

LAYERS = {
    "a": nn.AconA, "b": nn.AconB, "c": nn.AconC, "channel": nn.MetaAconC,
    "layer": lambda channels: nn.MetaAconC(channels, design="layer"),
    "pixel": lambda channels: nn.MetaAconC(channels, design="pixel"),
}
every = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@every
@pytest.mark.parametrize("shape", [(1, 5, 3, 4), (33, 5, 3, 4), (17, 5), (16, 1, 2, 2)])
def test_a_layer_agrees_with_the_reference(make, shape):
    layer, x = make(shape[1]), normal(0, *shape)
    expected = outputs(layer, {f".{name}": array for name, array in in_float64(layer.state_dict()).items()},
                       x.astype(np.float64))
    assert_close(layer(x), expected, TOLERANCE)


@every
def test_each_image_is_activated_as_if_it_were_alone(make):
    layer, x = make(5), normal(0, 33, 5, 3, 4)
    np.testing.assert_array_equal(layer(x)[20:21], layer(x[20:21]))


@every
def test_another_number_of_channels_is_refused(make):
    with pytest.raises(ShapeError, match=r"expected \(N, 4, …\), got \(2, 3, 5, 5\)"):
        make(4)(normal(0, 2, 3, 5, 5))


def test_acon_a_begins_as_silu():
    x = normal(0, 17, 3, 4, 4)
    np.testing.assert_array_equal(nn.AconA(3)(x), nn.SiLU()(x))


def test_acon_b_is_acon_c_with_the_first_line_x_itself():
    b, c, x = nn.AconB(3), nn.AconC(3), normal(0, 17, 3, 4, 4)
    state = b.state_dict()
    c.load_state_dict({"p1": np.ones((1, 3, 1, 1)), "p2": state["p"], "beta": state["beta"]})
    np.testing.assert_array_equal(b(x), c(x))


@pytest.mark.parametrize("p1", [1.0, -0.5])
def test_acon_c_with_a_huge_switch_is_the_maximum_of_its_lines(p1):
    layer, x = nn.AconC(1), normal(0, 17, 1, 4, 4)
    layer.load_state_dict({"p1": np.full((1, 1, 1, 1), p1), "p2": np.full((1, 1, 1, 1), 0.25),
                           "beta": np.full((1, 1, 1, 1), 1e6)})
    np.testing.assert_allclose(layer(x), np.maximum(np.float32(p1) * x, np.float32(0.25) * x), rtol=TOLERANCE)


def test_parameters_are_named_and_shaped_as_the_authors_are():
    shapes = {name: array.shape for name, array in nn.MetaAconC(40).state_dict().items()}
    assert shapes == {"p1": (1, 40, 1, 1), "p2": (1, 40, 1, 1), "fc1.weight": (16, 40, 1, 1), "fc1.bias": (16,),
                      "fc2.weight": (40, 16, 1, 1), "fc2.bias": (40,)}
    assert nn.MetaAconC(40, r=4).state_dict()["fc1.weight"].shape == (10, 40, 1, 1)
    assert nn.AconC(2).state_dict().keys() == {"p1", "p2", "beta"}


def test_only_the_linear_layers_of_meta_acon_multiply_and_add():
    assert nn.MetaAconC(40, r=4).multiply_adds((1, 40, 3, 3)) == 2 * 40 * 10
    assert nn.MetaAconC(40, design="layer").multiply_adds((1, 40, 3, 3)) == 0


def test_an_unknown_design_is_refused():
    with pytest.raises(ValueError, match='design must be "channel", "layer" or "pixel", got \'image\''):
        nn.MetaAconC(4, design="image")


@every
def test_a_frozen_layer_has_no_gradients_and_passes_those_of_others_on(make):
    model = nn.Sequential(nn.Conv2d(1, 3, 3), make(3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2))
    assert_frozen(model, 1, normal(0, 17, 1, 6, 6), np.arange(17) % 2)


@every
def test_a_layer_learns_behind_one_that_is_frozen(make):
    model = nn.Sequential(nn.Conv2d(1, 3, 3), make(3), nn.Flatten(), nn.Linear(48, 2))
    assert_frozen(model, 0, normal(0, 17, 1, 6, 6), np.arange(17) % 2)


def test_acon_is_the_smooth_maximum_of_its_lines():
    x, p1, p2, beta = normal(0, 50).astype(np.float64), 1.3, -0.4, 0.8
    expected = fc.functional.smooth_maximum(np.stack([p1 * x, p2 * x]), beta, axis=0)
    assert_close(reference.acon(x, p1, p2, beta), expected, 1e-12)
