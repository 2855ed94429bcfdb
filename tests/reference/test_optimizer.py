"""Steps of the reference optimizers, against those of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import reference
from tests.oracles import assert_close
from tests.strategies import arrays, seeds

torch = pytest.importorskip("torch")

EXACT = 1e-12
STEPS = 4
SHAPE = (3, 5)

rates = st.floats(1e-4, 1.0)
decays = st.sampled_from([0.0, 0.01, 0.3])
betas = st.tuples(st.floats(0.0, 0.99), st.floats(0.5, 0.999))


def gradients(seed: int):
    return [arrays(seed + step, *SHAPE) for step in range(STEPS)]


def torch_steps(optimizer, theta, grads, **options):
    """theta after a step for each gradient."""
    parameter = torch.tensor(theta)
    optimizer = optimizer([parameter], **options)
    for grad in grads:
        parameter.grad = torch.tensor(grad)
        optimizer.step()
    return parameter.numpy()


@given(seeds, rates, st.sampled_from([(0.0, False), (0.9, False), (0.9, True)]), decays)
def test_sgd_agrees_with_pytorch(seed, lr, momentum_and_nesterov, weight_decay):
    momentum, nesterov = momentum_and_nesterov
    options = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
    theta, velocity = arrays(seed, *SHAPE), np.zeros(SHAPE)
    expected = torch_steps(torch.optim.SGD, theta, gradients(seed), **options)
    for grad in gradients(seed):
        theta, velocity = reference.sgd(theta, grad, velocity, **options)
    assert_close(theta, expected, EXACT)


@pytest.mark.parametrize(
    ("of_torch", "ours"),
    [(torch.optim.Adam, reference.adam), (torch.optim.AdamW, reference.adamw)],
    ids=["adam", "adamw"],
)
@given(seed=seeds, lr=rates, betas=betas, eps=st.sampled_from([1e-8, 1e-2]), weight_decay=decays)
def test_adam_agrees_with_pytorch(of_torch, ours, seed, lr, betas, eps, weight_decay):
    options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    theta, m, v = arrays(seed, *SHAPE), np.zeros(SHAPE), np.zeros(SHAPE)
    expected = torch_steps(of_torch, theta, gradients(seed), **options)
    for step, grad in enumerate(gradients(seed), start=1):
        theta, m, v = ours(theta, grad, m, v, step, **options)
    assert_close(theta, expected, EXACT)


def test_optimizers_keep_float32():
    theta, grad = arrays(0, *SHAPE, dtype=np.float32), arrays(1, *SHAPE, dtype=np.float32)
    results = (
        *reference.sgd(theta, grad, grad, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        *reference.adam(theta, grad, grad, grad**2, step=3, weight_decay=0.1),
        *reference.adamw(theta, grad, grad, grad**2, step=3),
    )
    assert {each.dtype for each in results} == {np.dtype(np.float32)}
