"""The reference pooling, against PyTorch and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import reference
from tests.oracles import assert_close, central_difference
from tests.strategies import distinct, poolings

torch = pytest.importorskip("torch")

EXACT = 1e-12
DIFFERENCED = 1e-7


@given(poolings())
def test_max_pool2d_agrees_with_pytorch_in_values_and_in_places_even_of_equal_maxima(case):
    y, argmax = torch.nn.functional.max_pool2d(torch.tensor(case.x()), **case.options, return_indices=True)
    actual_y, actual_argmax = reference.max_pool2d(case.x(), **case.options)
    assert_close(actual_y, y.numpy(), 0)
    assert_close(actual_argmax, argmax.numpy(), 0)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@given(case=poolings())
def test_max_pool2d_agrees_with_pytorch_on_images_full_of(value, case):
    x = np.where(case.x() < 0, value, case.x())
    x[0] = value
    y, argmax = torch.nn.functional.max_pool2d(torch.tensor(x), **case.options, return_indices=True)
    actual_y, actual_argmax = reference.max_pool2d(x, **case.options)
    np.testing.assert_array_equal(actual_y, y.numpy())
    np.testing.assert_array_equal(actual_argmax, argmax.numpy())


@given(poolings())
def test_max_pool2d_grad_agrees_with_pytorch(case):
    x = torch.tensor(case.x(), requires_grad=True)
    torch.nn.functional.max_pool2d(x, **case.options).backward(torch.tensor(case.dy()))
    _, argmax = reference.max_pool2d(case.x(), **case.options)
    assert_close(reference.max_pool2d_grad(case.dy(), argmax, case.x_shape), x.grad.numpy(), EXACT)


@given(poolings(small=True))
def test_max_pool2d_grad_agrees_with_central_differences(case):
    x, dy = distinct(case.seed, *case.x_shape), case.dy()
    dx = central_difference(lambda x: np.sum(dy * reference.max_pool2d(x, **case.options)[0]), x, eps=0.01)
    _, argmax = reference.max_pool2d(x, **case.options)
    assert_close(reference.max_pool2d_grad(dy, argmax, case.x_shape), dx, DIFFERENCED)


@given(poolings())
def test_avg_pool2d_agrees_with_pytorch(case):
    expected = torch.nn.functional.avg_pool2d(torch.tensor(case.x()), **case.options_of_mean)
    assert_close(reference.avg_pool2d(case.x(), **case.options_of_mean), expected.numpy(), EXACT)


@given(poolings())
def test_avg_pool2d_grad_agrees_with_pytorch(case):
    x = torch.tensor(case.x(), requires_grad=True)
    torch.nn.functional.avg_pool2d(x, **case.options_of_mean).backward(torch.tensor(case.dy()))
    assert_close(reference.avg_pool2d_grad(case.dy(), case.x_shape, **case.options_of_mean), x.grad.numpy(), EXACT)


@given(poolings(small=True))
def test_avg_pool2d_grad_agrees_with_central_differences(case):
    dy = case.dy()
    dx = central_difference(lambda x: np.sum(dy * reference.avg_pool2d(x, **case.options_of_mean)), case.x(), eps=1.0)
    assert_close(reference.avg_pool2d_grad(dy, case.x_shape, **case.options_of_mean), dx, DIFFERENCED)


@given(poolings(small=True))
def test_pooling_keeps_float32(case):
    x, dy = case.x(np.float32), case.dy(np.float32)
    y, argmax = reference.max_pool2d(x, **case.options)
    results = (
        y,
        reference.max_pool2d_grad(dy, argmax, case.x_shape),
        reference.avg_pool2d(x, **case.options_of_mean),
        reference.avg_pool2d_grad(dy, case.x_shape, **case.options_of_mean),
    )
    assert {each.dtype for each in results} == {np.dtype(np.float32)}
