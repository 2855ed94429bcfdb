"""SqueezeExcite: against torchvision's module, whose weights it takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import nn
from fastconv.errors import ShapeError
from tests.networks import BATCH_SIZES, assert_same_bits, normal
from tests.oracles import assert_close
from tests.strategies import seeds

TOLERANCE = 1e-5  # some hundred roundings of float32


def module_of_torchvision(channels: int, squeeze_channels: int):
    """torchvision.ops.SqueezeExcitation, word for word where it computes something."""
    torch = pytest.importorskip("torch")

    class SqueezeExcitation(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.avgpool = torch.nn.AdaptiveAvgPool2d(1)
            self.fc1 = torch.nn.Conv2d(channels, squeeze_channels, 1)
            self.fc2 = torch.nn.Conv2d(squeeze_channels, channels, 1)
            self.activation = torch.nn.ReLU()
            self.scale_activation = torch.nn.Sigmoid()

        def forward(self, x):
            scale = self.fc2(self.activation(self.fc1(self.avgpool(x))))
            return self.scale_activation(scale) * x

    return SqueezeExcitation()


@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 7), st.integers(1, 7),
       st.sampled_from(BATCH_SIZES[1:]), seeds)
def test_outputs_and_gradients_are_those_of_torchvisions_weights(channels, squeeze, height, width, batch, seed):
    torch = pytest.importorskip("torch")
    twin = module_of_torchvision(channels, squeeze)
    model = nn.Sequential(nn.Conv2d(2, channels, 1), nn.SqueezeExcite(channels, squeeze_channels=squeeze))
    model.init(seed)
    own = {f"1.{name}": tensor.numpy() for name, tensor in twin.state_dict().items()}
    model.load_state_dict(model.state_dict() | own)
    whole = torch.nn.Sequential(torch.nn.Conv2d(2, channels, 1), twin)
    whole.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    whole.double()
    x, targets = normal(seed, batch, 2, height, width), normal(seed + 1, batch, channels, height, width)
    y = whole(torch.tensor(x).double())
    torch.nn.functional.mse_loss(y, torch.tensor(targets).double()).backward()
    assert_close(model(x), y.detach().numpy(), TOLERANCE)
    _, grads = fc.value_and_grad(model, nn.MSELoss(), x, targets)
    largest = max(np.abs(parameter.grad.numpy()).max() for parameter in whole.parameters())
    for name, parameter in whole.named_parameters():
        np.testing.assert_allclose(grads[name], parameter.grad.numpy(), rtol=0, atol=TOLERANCE * largest, err_msg=name)


def test_parameters_are_named_and_shaped_as_torchvisions():
    shapes = {name: array.shape for name, array in nn.SqueezeExcite(32, squeeze_channels=8).state_dict().items()}
    assert shapes == {"fc1.weight": (8, 32, 1, 1), "fc1.bias": (8,), "fc2.weight": (32, 8, 1, 1), "fc2.bias": (32,)}


@pytest.mark.parametrize(("arguments", "squeeze"), [((32,), 2), ((32, 4), 8), ((8,), 1), ((32, 4, 5), 5)])
def test_the_squeezed_channels_are_the_given_ones_or_a_share(arguments, squeeze):
    assert nn.SqueezeExcite(*arguments).state_dict()["fc1.bias"].shape == (squeeze,)


def test_a_loaded_layer_is_the_saved_one(tmp_path):
    model, x = nn.Sequential(nn.SqueezeExcite(6, 2)), normal(0, 17, 6, 3, 4)
    fc.save(model, tmp_path / "model.safetensors")
    loaded = fc.load(tmp_path / "model.safetensors")
    assert_same_bits(loaded.state_dict(), model.state_dict())
    np.testing.assert_array_equal(loaded(x), model(x))


def test_another_number_of_channels_is_refused():
    with pytest.raises(ShapeError, match=r'Conv2d "fc1": expected \(N, 6, H, W\), got \(5, 4, 1, 1\)'):
        nn.SqueezeExcite(6)(normal(0, 5, 4, 3, 3))


@pytest.mark.parametrize(("options", "message"), [
    ({"channels": 0}, "channels must be at least 1"), ({"channels": 4, "reduction": 0}, "reduction must be at least 1"),
    ({"channels": 4, "squeeze_channels": 0}, "squeeze_channels must be at least 1")])
def test_arguments_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        nn.SqueezeExcite(**options)
