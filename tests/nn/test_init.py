"""Initial values: PyTorch's distribution, and a stream of random numbers for each parameter."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import nn
from fastconv.nn.init import kaiming_uniform

#: Each layer with more than a thousand weights, and what an output sees of its inputs.
LAYERS = [
    (nn.Conv2d(16, 64, 3), 16 * 9),
    (nn.Conv2d(64, 64, (3, 5), groups=8), 8 * 15),
    (nn.ConvTranspose2d(16, 64, 3, groups=2), 32 * 9),
    (nn.Linear(300, 64), 300),
]

every_layer = pytest.mark.parametrize(("layer", "fan_in"), LAYERS)


def drawn(layer):
    layer.init(seed=0)
    return layer.state_dict()


@every_layer
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_values_stay_within_one_over_the_root_of_fan_in(layer, fan_in, name):
    assert np.abs(drawn(layer)[name]).max() <= np.float32(1 / np.sqrt(fan_in))


@every_layer
def test_weights_are_uniform(layer, fan_in):
    ranked = np.sort(drawn(layer)["weight"].ravel()) * np.sqrt(fan_in)
    uniform = np.linspace(-1, 1, ranked.size)
    furthest = 1.95 * 2 / np.sqrt(ranked.size)  # Kolmogorov's distance, passed once in a thousand draws
    assert np.abs(ranked - uniform).max() < furthest


@every_layer
def test_weights_are_spread_as_those_of_pytorch(layer, fan_in):
    torch = pytest.importorskip("torch")
    twin = getattr(torch.nn, type(layer).__name__)(**layer.config)
    for name, parameter in twin.named_parameters():
        bound = float(parameter.detach().abs().max())
        assert np.abs(drawn(layer)[name]).max() == pytest.approx(bound, rel=0.2), name


def test_a_layer_is_drawn_the_same_whatever_follows_it():
    short, long = nn.Sequential(nn.Linear(4, 3)), nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    np.testing.assert_array_equal(short[0].weight, long[0].weight)


def test_two_layers_of_one_shape_are_drawn_differently():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    assert np.all(model[0].weight != model[1].weight)


def test_loading_one_layer_leaves_the_others_as_they_would_be_drawn():
    whole, mixed = (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)) for _ in range(2))
    mixed.layers[0].load_state_dict({"weight": np.zeros((4, 4)), "bias": np.zeros(4)})
    np.testing.assert_array_equal(mixed[1].weight, whole[1].weight)
    np.testing.assert_array_equal(mixed[0].weight, 0)


def test_kaiming_uniform_fills_the_bound_of_he_for_a_slope():
    values = kaiming_uniform(np.random.default_rng(0), (100, 100), fan_in=50, a=0.5)
    assert np.abs(values).max() == pytest.approx(np.sqrt(6 / (1.25 * 50)), rel=1e-3)


def test_drawn_values_are_float32():
    assert {array.dtype for array in drawn(nn.Conv2d(2, 3, 3)).values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_any_seed_draws_what_it_drew_before(seed):
    one, other = nn.Linear(4, 3), nn.Linear(4, 3)
    one.init(seed)
    other.init(seed)
    np.testing.assert_array_equal(one.weight, other.weight)
