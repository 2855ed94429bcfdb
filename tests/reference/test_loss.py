"""The reference losses, against PyTorch and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import reference
from tests.oracles import assert_close, central_difference
from tests.strategies import arrays, seeds

torch = pytest.importorskip("torch")

EXACT = 1e-12
DIFFERENCED = 1e-7

shapes = st.tuples(st.integers(1, 17), st.integers(1, 11))
smoothings = st.sampled_from([0.0, 0.1, 1.0])


def classification(shape: tuple[int, int], seed: int):
    """logits (N, K) and labels (N,)"""
    return arrays(seed, *shape), np.random.default_rng(seed).integers(0, shape[1], shape[0])


@given(shapes, smoothings, seeds)
def test_cross_entropy_agrees_with_pytorch(shape, label_smoothing, seed):
    logits, labels = classification(shape, seed)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(labels), label_smoothing=label_smoothing, reduction="none")
    losses, _ = reference.cross_entropy(logits, labels, label_smoothing)
    assert_close(losses, expected.numpy(), EXACT)


@given(shapes, smoothings, seeds)
def test_cross_entropy_gradient_agrees_with_pytorch(shape, label_smoothing, seed):
    values, labels = classification(shape, seed)
    logits = torch.tensor(values, requires_grad=True)
    torch.nn.functional.cross_entropy(logits, torch.tensor(labels), label_smoothing=label_smoothing).backward()
    _, gradient = reference.cross_entropy(values, labels, label_smoothing)
    np.testing.assert_allclose(gradient, logits.grad.numpy(), atol=EXACT)


@given(shapes, smoothings, seeds)
def test_cross_entropy_gradient_agrees_with_central_differences(shape, label_smoothing, seed):
    logits, labels = classification(shape, seed)
    expected = central_difference(lambda x: reference.cross_entropy(x, labels, label_smoothing)[0].mean(), logits)
    _, gradient = reference.cross_entropy(logits, labels, label_smoothing)
    np.testing.assert_allclose(gradient, expected, atol=DIFFERENCED)


@pytest.mark.filterwarnings("error")
def test_cross_entropy_of_huge_logits_is_their_difference():
    losses, _ = reference.cross_entropy(np.array([[1e5, -1e5, 0.0]]), np.array([1]))
    assert losses == 2e5


@given(shapes, seeds)
def test_mse_agrees_with_pytorch(shape, seed):
    y, targets = arrays(seed, *shape, 2), arrays(seed + 1, *shape, 2)
    expected = torch.nn.functional.mse_loss(torch.tensor(y), torch.tensor(targets), reduction="none").mean((1, 2))
    losses, _ = reference.mse(y, targets)
    assert_close(losses, expected.numpy(), EXACT)


@given(shapes, seeds)
def test_mse_gradient_agrees_with_pytorch(shape, seed):
    values, targets = arrays(seed, *shape), arrays(seed + 1, *shape)
    y = torch.tensor(values, requires_grad=True)
    torch.nn.functional.mse_loss(y, torch.tensor(targets)).backward()
    _, gradient = reference.mse(values, targets)
    assert_close(gradient, y.grad.numpy(), EXACT)


@given(shapes, seeds)
def test_mse_gradient_agrees_with_central_differences(shape, seed):
    y, targets = arrays(seed, *shape), arrays(seed + 1, *shape)
    expected = central_difference(lambda y: reference.mse(y, targets)[0].mean(), y)
    _, gradient = reference.mse(y, targets)
    np.testing.assert_allclose(gradient, expected, atol=DIFFERENCED)


def test_losses_keep_float32():
    y, targets = arrays(0, 3, 4, dtype=np.float32), arrays(1, 3, 4, dtype=np.float32)
    results = (*reference.mse(y, targets), *reference.cross_entropy(y, np.array([0, 1, 3]), 0.1))
    assert {each.dtype for each in results} == {np.dtype(np.float32)}
