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
