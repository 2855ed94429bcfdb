"""The reference convolution, against PyTorch and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

from fastconv import reference
from tests.oracles import assert_close, central_difference
from tests.strategies import Convolution, convolutions

torch = pytest.importorskip("torch")

# PyTorch tells that an even kernel with "same" costs it a copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")

EXACT = 1e-12
DIFFERENCED = 1e-7


def torch_gradients(case: Convolution):
    """The gradients of sum(dy · y) by x, weight and bias."""
    inputs = [torch.tensor(each, requires_grad=True) for each in (case.x(), case.weight(), case.bias())]
    torch.nn.functional.conv2d(*inputs, **case.options).backward(torch.tensor(case.dy()))
    return [each.grad.numpy() for each in inputs]


@given(convolutions())
def test_conv2d_agrees_with_pytorch(case):
    expected = torch.nn.functional.conv2d(*map(torch.tensor, (case.x(), case.weight(), case.bias())), **case.options)
    assert_close(reference.conv2d(case.x(), case.weight(), case.bias(), **case.options), expected.numpy(), EXACT)


@given(convolutions())
def test_conv2d_by_im2col_agrees_with_pytorch(case):
    expected = torch.nn.functional.conv2d(*map(torch.tensor, (case.x(), case.weight(), case.bias())), **case.options)
    actual = reference.conv2d_im2col(case.x(), case.weight(), case.bias(), **case.options)
    assert_close(actual, expected.numpy(), EXACT)


@given(convolutions())
def test_im2col_agrees_with_unfold_of_pytorch(case):
    assume(not isinstance(case.padding, str))  # unfold takes numbers only
    options = {"stride": case.stride, "padding": case.padding, "dilation": case.dilation}
    expected = torch.nn.functional.unfold(torch.tensor(case.x()), case.kernel_size, **options)
    assert_close(reference.im2col(case.x(), case.kernel_size, **options), expected.numpy(), 0)


@given(convolutions())
def test_conv2d_input_grad_agrees_with_pytorch(case):
    dx, _, _ = torch_gradients(case)
    actual = reference.conv2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.options)
    assert_close(actual, dx, EXACT)


@given(convolutions())
def test_conv2d_weight_grad_agrees_with_pytorch(case):
    _, dw, _ = torch_gradients(case)
    actual = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    assert_close(actual, dw, EXACT)


@given(convolutions())
def test_conv2d_bias_grad_agrees_with_pytorch(case):
    _, _, db = torch_gradients(case)
    assert_close(reference.conv2d_bias_grad(case.dy()), db, EXACT)


@given(convolutions(small=True))
def test_conv2d_input_grad_agrees_with_central_differences(case):
    weight, dy = case.weight(), case.dy()
    dx = central_difference(lambda x: np.sum(dy * reference.conv2d(x, weight, **case.options)), case.x(), eps=1.0)
    assert_close(reference.conv2d_input_grad(dy, weight, case.x_shape, **case.options), dx, DIFFERENCED)


@given(convolutions(small=True))
def test_conv2d_weight_grad_agrees_with_central_differences(case):
    x, dy = case.x(), case.dy()
    dw = central_difference(lambda weight: np.sum(dy * reference.conv2d(x, weight, **case.options)), case.weight(),
                            eps=1.0)
    assert_close(reference.conv2d_weight_grad(x, dy, case.kernel_size, **case.options), dw, DIFFERENCED)


@given(convolutions(small=True))
def test_conv2d_bias_grad_agrees_with_central_differences(case):
    x, weight, dy = case.x(), case.weight(), case.dy()
    db = central_difference(lambda bias: np.sum(dy * reference.conv2d(x, weight, bias, **case.options)), case.bias(),
                            eps=1.0)
    assert_close(reference.conv2d_bias_grad(dy), db, DIFFERENCED)


@given(convolutions(small=True))
def test_conv2d_keeps_float32(case):
    x, weight, bias, dy = (draw(np.float32) for draw in (case.x, case.weight, case.bias, case.dy))
    results = (
        reference.conv2d(x, weight, bias, **case.options),
        reference.conv2d_im2col(x, weight, bias, **case.options),
        reference.conv2d_input_grad(dy, weight, case.x_shape, **case.options),
        reference.conv2d_weight_grad(x, dy, case.kernel_size, **case.options),
        reference.conv2d_bias_grad(dy),
    )
    assert {each.dtype for each in results} == {np.dtype(np.float32)}
