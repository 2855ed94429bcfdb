"""The reference linear layer, against PyTorch and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import reference
from tests.oracles import assert_close, central_difference
from tests.strategies import linears

torch = pytest.importorskip("torch")

EXACT = 1e-12
DIFFERENCED = 1e-7


@given(linears())
def test_linear_agrees_with_pytorch(case):
    expected = torch.nn.functional.linear(*map(torch.tensor, (case.x(), case.weight(), case.bias())))
    assert_close(reference.linear(case.x(), case.weight(), case.bias()), expected.numpy(), EXACT)


@given(linears())
def test_linear_grad_agrees_with_pytorch(case):
    inputs = [torch.tensor(each, requires_grad=True) for each in (case.x(), case.weight(), case.bias())]
    torch.nn.functional.linear(*inputs).backward(torch.tensor(case.dy()))
    for actual, each in zip(reference.linear_grad(case.x(), case.weight(), case.dy()), inputs, strict=True):
        assert_close(actual, each.grad.numpy(), EXACT)


@given(linears(small=True))
def test_linear_grad_agrees_with_central_differences(case):
    x, weight, bias, dy = case.x(), case.weight(), case.bias(), case.dy()
    dx, dw, db = reference.linear_grad(x, weight, dy)
    for actual, expected in (
        (dx, central_difference(lambda x: np.sum(dy * reference.linear(x, weight, bias)), x, eps=1.0)),
        (dw, central_difference(lambda weight: np.sum(dy * reference.linear(x, weight, bias)), weight, eps=1.0)),
        (db, central_difference(lambda bias: np.sum(dy * reference.linear(x, weight, bias)), bias, eps=1.0)),
    ):
        assert_close(actual, expected, DIFFERENCED)


@given(linears(small=True))
def test_linear_keeps_float32(case):
    x, weight, bias, dy = (draw(np.float32) for draw in (case.x, case.weight, case.bias, case.dy))
    results = (reference.linear(x, weight, bias), *reference.linear_grad(x, weight, dy))
    assert {each.dtype for each in results} == {np.dtype(np.float32)}
