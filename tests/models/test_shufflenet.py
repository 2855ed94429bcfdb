"""ShuffleNet V2 against the same network written in PyTorch, with torchvision's names."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import models, nn, optim
from fastconv.nn.summary import summarize
from tests.networks import normal
from tests.oracles import assert_close
from tests.twins import step_of_torch, to_torch

TOLERANCE = 1e-5  # some hundred roundings of float32
IMAGE = 3, 64, 64  # less than what it is for, to take seconds


def twin_of(state):
    """The network of width 0.5 as its authors and torchvision write it, with these weights."""
    import torch
    from torch.nn import BatchNorm2d, Conv2d, ReLU, Sequential

    torch.set_num_threads(1)

    def depthwise(channels, stride):
        return Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)

    class Unit(torch.nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            half = outputs // 2
            if stride > 1:
                self.branch1 = Sequential(depthwise(inputs, stride), BatchNorm2d(inputs),
                                          Conv2d(inputs, half, 1, bias=False), BatchNorm2d(half), ReLU())
            self.branch2 = Sequential(
                Conv2d(inputs if stride > 1 else half, half, 1, bias=False), BatchNorm2d(half), ReLU(),
                depthwise(half, stride), BatchNorm2d(half),
                Conv2d(half, half, 1, bias=False), BatchNorm2d(half), ReLU())

        def forward(self, x):
            if hasattr(self, "branch1"):
                both = self.branch1(x), self.branch2(x)
            else:
                first, second = x.chunk(2, dim=1)
                both = first, self.branch2(second)
            n, channels, height, width = (together := torch.cat(both, dim=1)).shape
            return together.view(n, 2, channels // 2, height, width).transpose(1, 2).reshape(together.shape)

    class ShuffleNet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = Sequential(Conv2d(3, 24, 3, 2, 1, bias=False), BatchNorm2d(24), ReLU())
            for stage, (inputs, outputs, units) in enumerate([(24, 48, 4), (48, 96, 8), (96, 192, 4)], 2):
                rest = [Unit(outputs, outputs, 1) for _ in range(units - 1)]
                self.add_module(f"stage{stage}", Sequential(Unit(inputs, outputs, 2), *rest))
            self.conv5 = Sequential(Conv2d(192, 1024, 1, bias=False), BatchNorm2d(1024), ReLU())
            self.fc = torch.nn.Linear(1024, len(state["fc.bias"]))

        def forward(self, x):
            x = torch.nn.functional.max_pool2d(self.conv1(x), 3, 2, 1)
            return self.fc(self.conv5(self.stage4(self.stage3(self.stage2(x)))).mean((2, 3)))

    network = ShuffleNet()
    network.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    return network.double()


@pytest.mark.parametrize(("width", "parameters"), [
    (0.5, 1_366_792), (1.0, 2_278_604), (1.5, 3_503_624), (2.0, 7_393_996)])
def test_a_network_has_as_many_parameters_as_that_of_torchvision(width, parameters):
    assert models.shufflenet_v2(1000, width).parameter_count == parameters


def test_an_image_takes_the_41_million_multiply_adds_of_the_paper():
    assert sum(layer.multiply_adds for layer in summarize(models.shufflenet_v2(), (3, 224, 224))) == 40_476_448


def test_another_width_is_refused():
    with pytest.raises(ValueError, match=r"width_multiplier must be one of 0.5, 1.0, 1.5, 2.0, got 0.25"):
        models.shufflenet_v2(10, 0.25)


def test_names_and_logits_are_those_of_torchvisions_network(torch):
    model, x = models.shufflenet_v2(7), normal(0, 18, *IMAGE)
    twin = twin_of(model.state_dict())
    assert list(twin.state_dict()) == list(model.state_dict())
    with torch.no_grad():
        expected = twin.eval()(torch.tensor(x).double()).numpy()
    assert_close(model(x), expected, TOLERANCE)


def test_training_takes_the_way_of_pytorch(torch):
    """With Tanh: among so many values a ReLU always has some that rounding puts on its other side."""
    model = models.shufflenet_v2(7, activation=nn.ACTIVATIONS["tanh"])
    twin, trainer = to_torch(model).train(), fc.Trainer(model, optim.SGD(lr=0.01, momentum=0.9))
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.01, momentum=0.9)
    for step in range(2):
        x, labels = normal(step, 18, *IMAGE), np.arange(18) % 7
        expected = step_of_torch(twin, optimizer, x, labels)
        assert trainer.step(x, labels) == pytest.approx(expected, rel=10 * TOLERANCE)
    for name, array in model.state_dict().items():
        expected = twin.state_dict()[name].numpy()
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-3 * max(np.abs(expected).max(), 0.01), err_msg=name)


def test_training_learns():
    x, labels = normal(0, 32, *IMAGE), np.arange(32) % 4
    trainer = fc.Trainer(models.shufflenet_v2(4), optim.Adam(lr=3e-3))
    losses = [trainer.step(x, labels) for _ in range(12)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(("make", "options"), [
    (models.se_shufflenet_v2, {}), (models.shufflenet_v2, {"activation": nn.MetaAconC})], ids=["se", "meta-acon"])
def test_variants_agree_with_pytorch_and_have_more_parameters(torch, make, options):
    model, x = make(num_classes=3, **options), normal(0, 2, *IMAGE)
    assert model.parameter_count > models.shufflenet_v2(num_classes=3).parameter_count
    expected = to_torch(model).eval()(torch.tensor(x).double()).detach().numpy()
    assert_close(model(x), expected, TOLERANCE)
