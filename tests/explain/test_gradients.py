"""Saliency and guided backpropagation."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import explain, models, nn
from tests.expected import in_float64, values
from tests.networks import normal, small_network
from tests.oracles import assert_close
from tests.twins import to_torch

X = normal(0, 17, 1, 6, 6)
CLASSES = np.arange(17) % 3


def guided_in_torch(model, x, places, layer=None):
    """Guided backpropagation by hooks on PyTorch's ReLU."""
    torch = pytest.importorskip("torch")
    twin = to_torch(model).eval()
    for module in twin.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_full_backward_hook(lambda module, given, returned: (given[0].clamp(min=0),))
    images = torch.tensor(x).double().requires_grad_()
    made = [images]
    network = model.expansion()
    for node, step in zip(network.nodes, twin.steps, strict=True):
        made.append(step(*(made[value] for value in node.inputs)))
    names = [node.name for node in network.nodes]
    y = made[network.output if layer is None else names.index(layer) + 1].flatten(1)
    (grad,) = torch.autograd.grad(y[torch.arange(len(x)), torch.tensor(places)].sum(), images)
    return grad.numpy()


def test_saliency_is_the_largest_slope_over_the_channels():
    layer, x = nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), normal(0, 5, 3, 2, 2)
    weight = in_float64(layer.state_dict())["1.weight"].reshape(3, 3, 2, 2)
    classes = [0, 1, 2, 0, 1]
    assert_close(explain.saliency(layer, x, classes), np.abs(weight[classes]).max(axis=1), 1e-6)


@pytest.mark.parametrize("name", ["lenet5", "resnet8", "ds_cnn"])
def test_guided_backpropagation_agrees_with_hooks_in_pytorch(name):
    model = models.MODELS[name]()
    model.init(3)
    x = normal(0, 17, *(model.input_shape or (1, 28, 28)))
    expected = guided_in_torch(model, x, CLASSES)
    off = np.abs(explain.guided_backpropagation(model, x, CLASSES) - expected) > 1e-4 * np.abs(expected).max()
    assert off.mean() < 0.01  # where rounding crosses a kink


@pytest.mark.parametrize("layer", ["0", "1", "2", "4"])
def test_guided_backpropagation_of_a_neuron_inside_agrees_with_hooks_in_pytorch(layer):
    model = small_network()
    expected = guided_in_torch(model, X, np.arange(17) % 3, layer)
    assert_close(explain.guided_backpropagation(model, X, CLASSES, layer), expected, 1e-5)


def test_where_nothing_negative_comes_back_it_is_the_gradient():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2))
    state = model.state_dict()
    model.load_state_dict({**state, "3.weight": np.abs(state["3.weight"])})
    dy = np.eye(2, dtype=np.float32)[CLASSES % 2]
    np.testing.assert_array_equal(explain.guided_backpropagation(model, X, CLASSES % 2), fc.input_grad(model, X, dy))


def test_the_model_keeps_its_own_gradient():
    model, dy = small_network(), np.eye(3, dtype=np.float32)[CLASSES]
    before = fc.input_grad(model, X, dy)
    guided = explain.guided_backpropagation(model, X, CLASSES)
    assert np.abs(guided - before).max() > 0.01
    np.testing.assert_array_equal(fc.input_grad(model, X, dy), before)


def test_a_network_without_relu_is_refused():
    with pytest.raises(ValueError, match="guided backpropagation changes the gradient of ReLU, and here is none"):
        explain.guided_backpropagation(models.lenet5_classic(), normal(0, 1, 1, 28, 28), 3)


@pytest.mark.parametrize("classes", [3, -1, [0] * 16 + [7], 0.5])
def test_a_class_that_is_none_is_refused(classes):
    with pytest.raises(ValueError, match="expected integers from 0 to 2"):
        explain.saliency(small_network(), X, classes)


def test_the_values_of_a_smooth_network_predict_what_a_small_change_does():
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 3))
    state, x = in_float64(model.state_dict()), X.astype(np.float64)
    slope = explain.saliency(model, X, 1)[0]
    row, col = np.unravel_index(slope.argmax(), slope.shape)
    above, below = x.copy(), x.copy()
    above[0, 0, row, col] += 1e-4
    below[0, 0, row, col] -= 1e-4
    change = (values(model, state, above)[-1] - values(model, state, below)[-1])[0, 1] / 2e-4
    assert abs(change) == pytest.approx(slope.max(), rel=1e-4)
