"""The reference transposed convolution, against PyTorch, central differences, and the convolution it belongs to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given

from fastconv import reference
from tests.oracles import assert_close, central_difference
from tests.strategies import transposed_convolutions

torch = pytest.importorskip("torch")

EXACT = 1e-12
DIFFERENCED = 1e-7


def gradients(case):
    """The reference's gradients of sum(dy · y) by x and weight."""
    return (reference.conv_transpose2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.convolution),
            reference.conv_transpose2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.convolution))


@given(transposed_convolutions())
def test_conv_transpose2d_and_its_gradients_agree_with_pytorch(case):
    inputs = [torch.tensor(each, requires_grad=True) for each in (case.x(), case.weight(), case.bias())]
    y = torch.nn.functional.conv_transpose2d(*inputs, **case.options)
    y.backward(torch.tensor(case.dy()))
    actual = reference.conv_transpose2d(case.x(), case.weight(), case.bias(), **case.options)
    assert_close(actual, y.detach().numpy(), EXACT)
    for grad, expected in zip(gradients(case), inputs[:2], strict=True):
        assert_close(grad, expected.grad.numpy(), EXACT)


@given(transposed_convolutions(small=True))
def test_gradients_agree_with_central_differences(case):
    def projection(x, weight):
        return np.sum(case.dy() * reference.conv_transpose2d(x, weight, **case.options))

    by_x, by_weight = gradients(case)
    x, weight = case.x(), case.weight()
    assert_close(by_x, central_difference(lambda x: projection(x, weight), x, eps=1.0), DIFFERENCED)
    assert_close(by_weight, central_difference(lambda weight: projection(x, weight), weight, eps=1.0), DIFFERENCED)


@given(transposed_convolutions())
def test_it_is_the_input_gradient_of_the_convolution(case):
    case = replace(case, output_padding=0)
    assume(min(case.y_shape) > 0)
    expected = reference.conv2d_input_grad(case.x(), case.weight(), case.y_shape, **case.convolution)
    assert_close(reference.conv_transpose2d(case.x(), case.weight(), **case.options), expected, EXACT)
