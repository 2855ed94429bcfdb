"""The reference activations, against PyTorch and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import reference
from tests.oracles import assert_close, central_difference
from tests.strategies import arrays, distinct, seeds

torch = pytest.importorskip("torch")

EXACT = 1e-12
DIFFERENCED = 1e-7

ACTIVATIONS = {
    "relu": (torch.relu, reference.relu, reference.relu_grad),
    "sigmoid": (torch.sigmoid, reference.sigmoid, reference.sigmoid_grad),
    "tanh": (torch.tanh, reference.tanh, reference.tanh_grad),
    "softmax": (lambda x: torch.softmax(x, dim=1), reference.softmax, reference.softmax_grad),
}

every_activation = pytest.mark.parametrize(("of_torch", "forward", "grad"), ACTIVATIONS.values(), ids=ACTIVATIONS)


@every_activation
@given(seed=seeds)
def test_activation_agrees_with_pytorch(of_torch, forward, grad, seed):
    x = arrays(seed, 5, 7)
    assert_close(forward(x), of_torch(torch.tensor(x)).numpy(), EXACT)


@every_activation
@given(seed=seeds)
def test_gradient_agrees_with_pytorch(of_torch, forward, grad, seed):
    values, dy = arrays(seed, 5, 7), arrays(seed + 1, 5, 7)
    x = torch.tensor(values, requires_grad=True)
    of_torch(x).backward(torch.tensor(dy))
    assert_close(grad(dy, forward(values)), x.grad.numpy(), EXACT)


@every_activation
@given(seed=seeds)
def test_gradient_agrees_with_central_differences(of_torch, forward, grad, seed):
    x, dy = distinct(seed, 3, 4), arrays(seed + 1, 3, 4)
    dy[0, 0] = 1  # an array of zeros has no scale to compare with
    dx = central_difference(lambda x: np.sum(dy * forward(x)), x)
    assert_close(grad(dy, forward(x)), dx, DIFFERENCED)


@every_activation
@pytest.mark.filterwarnings("error")
def test_activation_of_huge_values_agrees_with_pytorch_without_overflow(of_torch, forward, grad):
    x = np.array([[1e4, -1e4, 0.0], [-1e300, 1e300, 1.0]])
    assert_close(forward(x), of_torch(torch.tensor(x)).numpy(), EXACT)


@every_activation
def test_activation_keeps_nan(of_torch, forward, grad):
    assert np.isnan(forward(np.array([[np.nan]]))).all()


@every_activation
def test_activation_keeps_float32(of_torch, forward, grad):
    y = forward(arrays(0, 3, 4, dtype=np.float32))
    assert y.dtype == grad(y, y).dtype == np.float32


# --- Those whose gradients are in terms of x ---

OF_INPUT = {
    "leaky_relu": (lambda x: torch.nn.functional.leaky_relu(x, 0.3), lambda x: reference.leaky_relu(x, 0.3),
                   lambda dy, x: reference.leaky_relu_grad(dy, x, 0.3)[0]),
    "elu": (lambda x: torch.nn.functional.elu(x, 0.7), lambda x: reference.elu(x, 0.7),
            lambda dy, x: reference.elu_grad(dy, x, 0.7)),
    "selu": (torch.selu, reference.selu, reference.selu_grad),
    "gelu": (torch.nn.functional.gelu, reference.gelu, reference.gelu_grad),
    "gelu_tanh": (lambda x: torch.nn.functional.gelu(x, approximate="tanh"), lambda x: reference.gelu(x, "tanh"),
                  lambda dy, x: reference.gelu_grad(dy, x, "tanh")),
    "softplus": (lambda x: torch.nn.functional.softplus(x, 2.0, 1.5), lambda x: reference.softplus(x, 2.0, 1.5),
                 lambda dy, x: reference.softplus_grad(dy, x, 2.0, 1.5)),
    "silu": (torch.nn.functional.silu, reference.swish, lambda dy, x: reference.swish_grad(dy, x)[0]),
    "swish": (lambda x: x * torch.sigmoid(1.7 * x), lambda x: reference.swish(x, 1.7),
              lambda dy, x: reference.swish_grad(dy, x, 1.7)[0]),
    "mish": (torch.nn.functional.mish, reference.mish, reference.mish_grad),
    "hardswish": (torch.nn.functional.hardswish, reference.hardswish, reference.hardswish_grad),
    "hardtanh": (lambda x: torch.nn.functional.hardtanh(x, -0.5, 2.0), lambda x: reference.hardtanh(x, -0.5, 2.0),
                 lambda dy, x: reference.hardtanh_grad(dy, x, -0.5, 2.0)),
    "acon": (lambda x: (1.3 - -0.4) * x * torch.sigmoid(0.8 * (1.3 - -0.4) * x) - 0.4 * x,
             lambda x: reference.acon(x, 1.3, -0.4, 0.8), lambda dy, x: reference.acon_grad(dy, x, 1.3, -0.4, 0.8)[0]),
}
of_input = pytest.mark.parametrize(("of_torch", "forward", "grad"), OF_INPUT.values(), ids=OF_INPUT)


@of_input
@given(seed=seeds)
def test_activation_and_gradient_by_its_input_agree_with_pytorch(of_torch, forward, grad, seed):
    values, dy = 3 * arrays(seed, 5, 7) + 0.01, arrays(seed + 1, 5, 7)
    x = torch.tensor(values, requires_grad=True)
    y = of_torch(x)
    y.backward(torch.tensor(dy))
    assert_close(forward(values), y.detach().numpy(), EXACT)
    assert_close(grad(dy, values), x.grad.numpy(), EXACT)


@of_input
@given(seed=seeds)
def test_gradient_by_the_input_agrees_with_central_differences(of_torch, forward, grad, seed):
    x, dy = distinct(seed, 3, 4) + 0.03, arrays(seed + 1, 3, 4)
    dy[0, 0] = 1
    assert_close(grad(dy, x), central_difference(lambda x: np.sum(dy * forward(x)), x), DIFFERENCED)


BY_COEFFICIENTS = {
    "leaky_relu": (reference.leaky_relu, reference.leaky_relu_grad, 1),
    "swish": (reference.swish, reference.swish_grad, 1),
    "acon": (reference.acon, reference.acon_grad, 3),
}


@pytest.mark.parametrize(("forward", "grad", "count"), BY_COEFFICIENTS.values(), ids=BY_COEFFICIENTS)
@given(seed=seeds)
def test_gradients_by_coefficients_agree_with_central_differences(forward, grad, count, seed):
    x, dy, *coefficients = (arrays(seed + i, 3, 4) + 0.01 for i in range(2 + count))
    for i, by_coefficient in enumerate(grad(dy, x, *coefficients)[1:]):
        def loss(values, i=i):
            return np.sum(dy * forward(x, *coefficients[:i], values, *coefficients[i + 1:]))

        assert_close(by_coefficient, central_difference(loss, coefficients[i]), DIFFERENCED)


@pytest.mark.parametrize("design", ["pixel", "layer", "channel"])
def test_meta_acon_is_acon_with_the_switch_of_its_design(design):
    x, p1, p2 = arrays(0, 3, 4, 2, 5), arrays(1, 4, 1, 1), arrays(2, 4, 1, 1)
    layers = (arrays(3, 2, 4), arrays(4, 2)), (arrays(5, 4, 2), arrays(6, 4))
    means = x.mean(axis=(2, 3))
    beta = {"pixel": x, "layer": means.sum(axis=1)[:, None, None, None],
            "channel": ((means @ layers[0][0].T + layers[0][1]) @ layers[1][0].T + layers[1][1])[:, :, None, None]}
    y = reference.meta_acon(x, p1, p2, design, *(layers if design == "channel" else ()))
    assert_close(y, reference.acon(x, p1, p2, 1 / (1 + np.exp(-beta[design]))), EXACT)
