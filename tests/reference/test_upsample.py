"""The reference upsampling, against PyTorch and against central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import reference
from tests.oracles import assert_close, central_difference
from tests.strategies import arrays, pairs, seeds, sizes

torch = pytest.importorskip("torch")


@given(pairs(1, 5), sizes(1, 4), seeds)
def test_upsample_and_its_gradient_agree_with_pytorch(size, scale_factor, seed):
    x = torch.tensor(arrays(seed, 2, 3, *size), requires_grad=True)
    y = torch.nn.functional.interpolate(x, scale_factor=scale_factor, mode="nearest")
    dy = arrays(seed + 1, *y.shape)
    y.backward(torch.tensor(dy))
    assert_close(reference.upsample(x.detach().numpy(), scale_factor), y.detach().numpy(), 0)
    assert_close(reference.upsample_grad(dy, scale_factor), x.grad.numpy(), 1e-12)


def test_upsample_grad_agrees_with_central_differences():
    x, dy = arrays(0, 1, 2, 3, 2), arrays(1, 1, 2, 6, 6)
    expected = central_difference(lambda x: np.sum(dy * reference.upsample(x, (2, 3))), x, eps=1.0)
    assert_close(reference.upsample_grad(dy, (2, 3)), expected, 1e-12)
