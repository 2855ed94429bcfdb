"""LeNet-5, both as it is trained today and as it was published, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import data, models, nn, optim
from fastconv.errors import ShapeError
from tests.networks import assert_same_bits, normal
from tests.oracles import assert_close
from tests.twins import step_of_torch, to_torch, value_and_grad_of_torch

TOLERANCE = 1e-5  # some hundred roundings of float32
TRAINED = 1e-4  # twenty steps, each of which passes on the roundings of those before it
STEPS = 20

both = pytest.mark.parametrize("name", ["lenet5", "lenet5_classic"])

PARAMETERS = {
    "lenet5": {"0": (6, 1, 5, 5), "3": (16, 6, 5, 5), "7": (120, 400), "9": (84, 120), "11": (10, 84)},
    "lenet5_classic": {"0": (6, 1, 5, 5), "3": (16, 6, 5, 5), "6": (120, 16, 5, 5), "9": (84, 120), "11": (10, 84)},
}


def digits(start: int, count: int):
    """Prepared images and labels of the embedded digits."""
    train, _ = data.digits()
    chosen = slice(start, start + count)
    images = (train.images[chosen] / np.float32(255) - train.mean[0]) / train.std[0]
    return images.astype(np.float32), train.labels[chosen]


@both
@pytest.mark.parametrize("batch", [1, 33, 128])
def test_logits_are_those_of_pytorch(torch, name, batch):
    model, (x, _) = models.MODELS[name](), digits(0, batch)
    with torch.no_grad():
        expected = to_torch(model)(torch.tensor(x).double()).numpy()
    assert_close(model(x), expected, TOLERANCE)


@both
@pytest.mark.parametrize("batch", [1, 33, 128])
def test_loss_and_gradients_are_those_of_pytorch(torch, name, batch):
    model, (x, labels) = models.MODELS[name](), digits(0, batch)
    expected_loss, expected = value_and_grad_of_torch(model, nn.CrossEntropyLoss(), x, labels)
    loss, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    assert loss == pytest.approx(expected_loss, rel=TOLERANCE)
    for key, grad in expected.items():
        assert_close(grads[key], grad, TOLERANCE)


@both
@pytest.mark.parametrize("batch", [100, 128])
def test_weights_are_those_of_pytorch_after_twenty_steps_of_adamw(torch, name, batch):
    model = models.MODELS[name]()
    twin, trainer = to_torch(model), fc.Trainer(model, optim.AdamW(lr=1e-3))
    optimizer = torch.optim.AdamW(twin.parameters(), lr=1e-3)
    for step in range(STEPS):
        x, labels = digits(step * batch, batch)
        step_of_torch(twin, optimizer, x, labels)
        trainer.step(x, labels)
    state = model.state_dict()
    for key, array in twin.state_dict().items():
        assert_close(state[key], array.numpy(), TRAINED)


@both
def test_parameters_have_the_published_shapes(name):
    state = models.MODELS[name]().state_dict()
    weights = {key.removesuffix(".weight"): array.shape for key, array in state.items() if key.endswith("weight")}
    assert weights == PARAMETERS[name]


@both
def test_there_are_61706_parameters(name):
    assert models.MODELS[name]().parameter_count == 61_706


@both
def test_an_image_has_a_logit_for_each_class(name):
    assert models.MODELS[name](num_classes=26)(normal(0, 17, 1, 28, 28)).shape == (17, 26)


@both
def test_another_activation_takes_the_place_of_each(name):
    asked = []

    def make(channels):
        asked.append(channels)
        return nn.PReLU(channels)

    model = models.MODELS[name](activation=make)
    assert asked == [6, 16, 120, 84]
    assert sum(isinstance(layer, nn.PReLU) for layer in model) == 4
    assert not any(isinstance(layer, nn.ReLU | nn.Tanh) for layer in model)
    assert model(normal(0, 17, 1, 28, 28)).shape == (17, 10)


@both
def test_two_new_networks_are_the_same(name):
    assert_same_bits(models.MODELS[name]().state_dict(), models.MODELS[name]().state_dict())


@both
def test_images_of_another_size_are_refused(name):
    with pytest.raises(ShapeError, match=r'Linear "\d": expected \(N, \d+\), got \(2, \d+\)'):
        models.MODELS[name]()(normal(0, 2, 1, 32, 32))


@both
def test_images_of_three_channels_are_refused(name):
    with pytest.raises(ShapeError, match=r'Conv2d "0": expected \(N, 1, H, W\), got \(2, 3, 28, 28\)'):
        models.MODELS[name]()(normal(0, 2, 3, 28, 28))
