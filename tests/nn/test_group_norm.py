"""GroupNorm and LayerNorm: against PyTorch, forward and all gradients, and what each promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import nn, optim, reference
from fastconv.errors import ShapeError
from tests.expected import in_float64, outputs
from tests.networks import BATCH_SIZES, assert_frozen, assert_same_bits, normal, scale_norms
from tests.oracles import assert_close
from tests.strategies import seeds
from tests.twins import assert_trains_as_torch

TOLERANCE = 1e-5  # some hundred roundings of float32

batches = st.sampled_from(BATCH_SIZES[1:])
shapes = st.tuples(st.integers(1, 12), st.integers(1, 6), st.integers(1, 6))


@st.composite
def norms(draw, shape, least=1) -> nn.Layer:
    """For images of `shape`, or features, with at least so many values in a group."""
    eps, affine = draw(st.sampled_from([1e-5, 0.1])), draw(st.booleans())
    groups = draw(st.sampled_from([each for each in range(1, shape[0] + 1)
                                   if shape[0] % each == 0 and np.prod(shape) // each >= least]))
    return draw(st.sampled_from([nn.GroupNorm(groups, shape[0], eps, affine), nn.LayerNorm(shape, eps, affine)]))


@st.composite
def networks(draw) -> tuple[nn.Sequential, tuple[int, int, int]]:
    """A normalisation of images whose gradient goes on to a convolution, and one of features."""
    shape = draw(shapes.filter(lambda shape: np.prod(shape) > 1))
    features, least = int(np.prod(shape)), 2  # PyTorch refuses to normalise single values
    layers = [nn.Conv2d(2, shape[0], 1), draw(norms(shape, least)),
              *draw(st.sampled_from([[], [nn.ReLU()], [nn.Tanh()]])),
              nn.Flatten(), draw(norms((features,), least)), nn.Linear(features, 3)]
    model = nn.Sequential(*layers)
    model.init(draw(seeds))
    scale_norms(model, draw(seeds))
    return model, (2, *shape[1:])


@given(networks(), batches, seeds)
def test_loss_and_gradients_are_those_of_pytorch(network, batch, seed):
    pytest.importorskip("torch")
    model, image = network
    assert_trains_as_torch(model, normal(seed, batch, *image), np.arange(batch) % 3, TOLERANCE, 10 * TOLERANCE)


@given(shapes.flatmap(lambda shape: st.tuples(norms(shape), st.just(shape))), batches, seeds)
def test_what_a_layer_makes_is_what_the_reference_makes(drawn, batch, seed):
    layer, shape = drawn
    x, model = 3 * normal(seed, batch, *shape) + 5, nn.Sequential(layer)
    scale_norms(model, seed)
    expected = outputs(model, in_float64(model.state_dict()), x.astype(np.float64))
    np.testing.assert_allclose(model(x), expected, rtol=0, atol=TOLERANCE * np.abs(x).max())


LAYERS = {
    "group": lambda **options: nn.GroupNorm(2, 4, **options),
    "layer": lambda **options: nn.LayerNorm((4, 3, 5), **options)}
every = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@every
def test_each_image_is_normalised_as_if_it_were_alone(make):
    layer, x = make(), normal(0, 33, 4, 3, 5)
    np.testing.assert_array_equal(layer(x)[20:21], layer(np.concatenate([x[20:], x[:20]]))[:1])
    assert_close(layer(x[20:21]), layer(x)[20:21], 1e-6)


@every
def test_large_means_do_not_cancel_small_variances(make):
    x = 1000 + 0.01 * normal(0, 20, 4, 3, 5)
    layer = make(eps=0.0)
    expected = outputs(nn.Sequential(layer), {f"0.{name}": array for name, array in layer.state_dict().items()},
                       x.astype(np.float64))
    assert_close(layer(x), expected, 1e-2)  # 1000 has no more digits


@every
@pytest.mark.parametrize("batch", [1, 17])
def test_without_eps_lanes_without_an_image_reach_no_gradient(make, batch):
    """They hold one value, whose variance is 0."""
    model = nn.Sequential(nn.Conv2d(1, 4, 1), make(eps=0.0), nn.Conv2d(4, 2, 1))
    _, grads = fc.value_and_grad(model, nn.MSELoss(), normal(0, batch, 1, 3, 5), normal(1, batch, 2, 3, 5))
    assert all(np.isfinite(grad).all() for grad in grads.values())


@pytest.mark.parametrize("batch", [1, 33])
@pytest.mark.parametrize("affine", [False, True])
def test_gradients_by_the_images_are_those_of_the_reference(batch, affine):
    x, dy = normal(0, batch, 4, 3, 5), normal(1, batch, 4, 3, 5)
    group = nn.Sequential(nn.GroupNorm(2, 4, affine=affine))
    layer = nn.Sequential(nn.LayerNorm((4, 3, 5), elementwise_affine=affine))
    for model in (group, layer):
        scale_norms(model, 2)
    expected = [reference.group_norm_grad(dy, x.astype(np.float64), 2, group.state_dict().get("0.weight"))[0],
                reference.layer_norm_grad(dy, x.astype(np.float64), layer.state_dict().get("0.weight"))[0]]
    assert_close(fc.input_grad(group, x, dy), expected[0], TOLERANCE)
    assert_close(fc.input_grad(layer, x, dy), expected[1], TOLERANCE)


@every
def test_a_frozen_layer_has_no_gradients_and_passes_those_of_others_on(make):
    model = nn.Sequential(nn.Conv2d(1, 4, 1), make(), nn.Flatten(), nn.Linear(60, 3))
    assert_frozen(model, 1, normal(0, 17, 1, 3, 5), np.arange(17) % 3)


@every
def test_a_layer_learns_behind_one_that_is_frozen(make):
    model = nn.Sequential(nn.Conv2d(1, 4, 1), make(), nn.ReLU(), nn.Flatten(), nn.Linear(60, 3))
    assert_frozen(model, 0, normal(0, 17, 1, 3, 5), np.arange(17) % 3)


@every
def test_training_has_the_same_bits_for_any_number_of_threads(make, num_threads):
    states = []
    for count in (1, 2, 3):
        num_threads(count)
        model = nn.Sequential(nn.Conv2d(1, 4, 1), make(), nn.ReLU(), nn.Flatten(), nn.Linear(60, 3))
        trainer = fc.Trainer(model, optim.Adam(0.01))
        for step in range(3):
            trainer.step(normal(step, 50, 1, 3, 5), np.arange(50) % 3)
        states.append(model.state_dict())
    assert_same_bits(states[1], states[0])
    assert_same_bits(states[2], states[0])


def test_names_and_shapes_are_those_of_pytorch():
    shapes = {name: array.shape for name, array in nn.LayerNorm((4, 3, 5)).state_dict().items()}
    assert shapes == {"weight": (4, 3, 5), "bias": (4, 3, 5)}
    assert nn.LayerNorm(7).state_dict()["weight"].shape == (7,)
    assert nn.GroupNorm(2, 4).state_dict()["bias"].shape == (4,)
    assert nn.GroupNorm(2, 4, affine=False).state_dict() == nn.LayerNorm(4, elementwise_affine=False).state_dict() == {}


@pytest.mark.parametrize(("make", "message"), [
    (lambda: nn.GroupNorm(3, 4), "num_groups must divide num_channels 4, got 3"),
    (lambda: nn.GroupNorm(2, 4, eps=-1.0), "GroupNorm: eps must not be negative, got -1.0"),
    (lambda: nn.LayerNorm((3, 4)), r"normalized_shape must be \(C, H, W\) or \(F,\), got \(3, 4\)"),
    (lambda: nn.LayerNorm((3, 0, 4)), "normalized_shape must be at least 1, got 0"),
])
def test_arguments_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("layer", "message"), [
    (nn.GroupNorm(1, 3), r"GroupNorm: expected \(N, 3, …\), got \(5, 2, 4, 4\)"),
    (nn.LayerNorm((2, 4, 3)), r"LayerNorm: expected \(N, 2, 4, 3\), got \(5, 2, 4, 4\)"),
    (nn.LayerNorm(32), r"LayerNorm: expected \(N, 32\), got \(5, 2, 4, 4\)"),
])
def test_another_shape_is_refused(layer, message):
    with pytest.raises(ShapeError, match=message):
        layer(normal(0, 5, 2, 4, 4))
