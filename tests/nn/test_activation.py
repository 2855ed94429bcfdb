"""The activation layers: against the reference, up to the ends of what float32 holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastconv import nn, reference
from fastconv.errors import ShapeError
from tests.networks import BATCH_SIZES, normal

TOLERANCE = 1e-6  # some ten roundings of float32
TINY = 1e-37  # around here float32 begins to lose bits

ELEMENTWISE = {
    nn.ReLU: reference.relu, nn.LeakyReLU: reference.leaky_relu, nn.PReLU: lambda x: reference.leaky_relu(x, 0.25),
    nn.ELU: reference.elu, nn.SELU: reference.selu, nn.GELU: reference.gelu, nn.Sigmoid: reference.sigmoid,
    nn.Tanh: reference.tanh, nn.Softplus: reference.softplus, nn.SiLU: reference.swish, nn.Swish: reference.swish,
    nn.Mish: reference.mish, nn.Hardswish: reference.hardswish,
    nn.Hardtanh: reference.hardtanh, nn.ReLU6: lambda x: reference.hardtanh(x, 0, 6),
}
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e38, -1e38, 1e-40, -1e-40, 88.8, -88.8, -104.0], np.float32)

elementwise = pytest.mark.parametrize("layer", ELEMENTWISE)
every = pytest.mark.parametrize("layer", [*ELEMENTWISE, nn.Softmax])


def values(shape):
    return hnp.arrays(np.float32, shape, elements=st.floats(-100, 100, width=32))


@elementwise
@given(x=values(hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)
                | hnp.array_shapes(min_dims=4, max_dims=4, max_side=8)))
def test_an_activation_agrees_with_the_reference(layer, x):
    np.testing.assert_allclose(layer()(x), ELEMENTWISE[layer](x.astype(np.float64)), rtol=TOLERANCE, atol=TINY)


@given(values(hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_softmax_agrees_with_the_reference(x):
    np.testing.assert_allclose(nn.Softmax()(x), reference.softmax(x.astype(np.float64)), rtol=1e-5, atol=TINY)


@elementwise
def test_an_activation_maps_special_values_as_the_reference_does(layer):
    with np.errstate(all="ignore"):
        expected = ELEMENTWISE[layer](SPECIAL.astype(np.float64))
    actual = layer()(SPECIAL[:, None])[:, 0]
    defined = ~np.isnan(expected) | np.isnan(SPECIAL)  # -inf · 0 has no value in float64, but perhaps a limit
    np.testing.assert_allclose(actual[defined], expected[defined], rtol=TOLERANCE, atol=TINY)


@elementwise
@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_an_activation_agrees_with_the_reference_for_every_batch_size(layer, batch):
    x = normal(0, batch, 3, 4, 5)
    np.testing.assert_allclose(layer()(x), ELEMENTWISE[layer](x.astype(np.float64)), rtol=TOLERANCE, atol=0)


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_softmax_agrees_with_the_reference_for_every_batch_size(batch):
    x = normal(0, batch, 10)
    np.testing.assert_allclose(nn.Softmax()(x), reference.softmax(x.astype(np.float64)), rtol=TOLERANCE, atol=0)


@every
def test_no_features_make_no_outputs(layer):
    y = layer()(normal(0, 0, 10))
    assert (y.shape, y.dtype) == ((0, 10), np.float32)


@every
def test_an_activation_keeps_the_shape(layer):
    assert layer().output_shape((3, 10)) == (3, 10)


def test_softmax_of_huge_logits_is_finite():
    x = np.array([[1e30, 0, -1e30], [-1e30, -1e30, -1e30]], np.float32)
    np.testing.assert_allclose(nn.Softmax()(x), [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=TOLERANCE)


def test_softmax_of_flattened_images_is_over_their_pixels_alone():
    x = normal(0, 17, 1, 6, 5)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Softmax())
    expected = reference.softmax(model[:2](x).astype(np.float64))
    np.testing.assert_allclose(model(x), expected, rtol=TOLERANCE, atol=0)


def test_softmax_of_one_feature_is_1():
    np.testing.assert_array_equal(nn.Softmax()(normal(0, 17, 1)), 1)


def test_nan_spoils_the_probabilities_of_its_own_image_and_no_other():
    x = normal(0, 17, 10)
    x[16, 9] = np.nan
    assert np.isnan(nn.Softmax()(x)).all(axis=1).tolist() == [False] * 16 + [True]


def test_softmax_refuses_images():
    with pytest.raises(ShapeError, match=r'Softmax "0": expected \(N, F\), got \(3, 2, 4, 4\); put a Flatten'):
        nn.Sequential(nn.Softmax())(normal(0, 3, 2, 4, 4))


WITH_ARGUMENTS = {
    nn.LeakyReLU(-0.3): lambda x: reference.leaky_relu(x, -0.3),
    nn.PReLU(5, init=-0.4): lambda x: reference.leaky_relu(x, -0.4),
    nn.ELU(0.6): lambda x: reference.elu(x, 0.6),
    nn.GELU("tanh"): lambda x: reference.gelu(x, "tanh"),
    nn.Softplus(2.0, 1.5): lambda x: reference.softplus(x, 2.0, 1.5),
    nn.Swish(-1.5): lambda x: reference.swish(x, -1.5),
    nn.Swish(1.5, learnable=True): lambda x: reference.swish(x, 1.5),
}


@pytest.mark.parametrize("layer", WITH_ARGUMENTS, ids=repr)
def test_an_activation_heeds_its_arguments(layer):
    x = normal(0, 17, 5, 4, 3)
    expected = WITH_ARGUMENTS[layer](x.astype(np.float64))
    np.testing.assert_allclose(layer(x), expected, rtol=TOLERANCE, atol=1e-7)


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: nn.GELU("erf"), ValueError, 'GELU: approximate must be "none" or "tanh", got \'erf\''),
    (lambda: nn.Softplus(0), ValueError, "Softplus: beta must be positive, got 0"),
    (lambda: nn.LeakyReLU("steep"), TypeError, "negative_slope must be a number, got 'steep'"),
    (lambda: nn.ELU(np.nan), ValueError, "alpha must be finite, got nan"),
    (lambda: nn.Swish(True), TypeError, "beta must be a number, got True"),
    (lambda: nn.PReLU(0), ValueError, "num_parameters must be at least 1, got 0"),
])
def test_arguments_that_make_no_sense_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_prelu_refuses_another_number_of_channels():
    with pytest.raises(ShapeError, match=r'PReLU "0": expected \(N, 4, …\), got \(2, 3, 5, 5\)'):
        nn.Sequential(nn.PReLU(4))(normal(0, 2, 3, 5, 5))


def test_prelu_has_the_state_of_pytorchs():
    torch = pytest.importorskip("torch")
    assert {name: array.shape for name, array in nn.PReLU(3).state_dict().items()} == {
        name: tuple(array.shape) for name, array in torch.nn.PReLU(3).state_dict().items()}
    np.testing.assert_array_equal(nn.PReLU(3).state_dict()["weight"], torch.nn.PReLU(3).weight.detach().numpy())
