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


@given(seed=seeds, lr=rates, betas=betas, weight_decay=decays)
def test_amsgrad_agrees_with_pytorch(seed, lr, betas, weight_decay):
    options = {"lr": lr, "betas": betas, "weight_decay": weight_decay}
    theta, states = arrays(seed, *SHAPE), [np.zeros(SHAPE)] * 3
    expected = torch_steps(torch.optim.Adam, theta, gradients(seed), amsgrad=True, **options)
    for step, grad in enumerate(gradients(seed), start=1):
        theta, *states = reference.amsgrad(theta, grad, *states, step, **options)
    assert_close(theta, expected, EXACT)


@given(seed=seeds, lr=rates, betas=betas, weight_decay=decays, momentum_decay=st.floats(0.0, 1.0))
def test_nadam_agrees_with_pytorch(seed, lr, betas, weight_decay, momentum_decay):
    options = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "momentum_decay": momentum_decay}
    theta, states = arrays(seed, *SHAPE), [np.zeros(SHAPE), np.zeros(SHAPE), 1.0]
    expected = torch_steps(torch.optim.NAdam, theta, gradients(seed), **options)
    for step, grad in enumerate(gradients(seed), start=1):
        theta, *states = reference.nadam(theta, grad, *states, step, **options)
    assert_close(theta, expected, 1e-6)  # PyTorch keeps Πμ in float32


@given(seed=seeds, lr=rates, lr_decay=st.floats(0.0, 1.0), weight_decay=decays)
def test_adagrad_agrees_with_pytorch(seed, lr, lr_decay, weight_decay):
    options = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay}
    theta, total = arrays(seed, *SHAPE), np.zeros(SHAPE)
    expected = torch_steps(torch.optim.Adagrad, theta, gradients(seed), **options)
    for step, grad in enumerate(gradients(seed), start=1):
        theta, total = reference.adagrad(theta, grad, total, step, **options)
    assert_close(theta, expected, EXACT)


@given(seed=seeds, lr=rates, rho=st.floats(0.0, 0.99), weight_decay=decays)
def test_adadelta_agrees_with_pytorch(seed, lr, rho, weight_decay):
    options = {"lr": lr, "rho": rho, "weight_decay": weight_decay}
    theta, states = arrays(seed, *SHAPE), [np.zeros(SHAPE)] * 2
    expected = torch_steps(torch.optim.Adadelta, theta, gradients(seed), **options)
    for grad in gradients(seed):
        theta, *states = reference.adadelta(theta, grad, *states, **options)
    assert_close(theta, expected, EXACT)


@given(seed=seeds, lr=rates, momentum=st.sampled_from([0.0, 0.9]), centered=st.booleans(), weight_decay=decays)
def test_rmsprop_agrees_with_pytorch(seed, lr, momentum, centered, weight_decay):
    options = {"lr": lr, "momentum": momentum, "centered": centered, "weight_decay": weight_decay}
    theta, states = arrays(seed, *SHAPE), [np.zeros(SHAPE)] * 3
    expected = torch_steps(torch.optim.RMSprop, theta, gradients(seed), **options)
    for grad in gradients(seed):
        theta, *states = reference.rmsprop(theta, grad, *states, **options)
    assert_close(theta, expected, 1e3 * EXACT)  # the variance of the centered form cancels


@given(seed=seeds, lr=rates, weight_decay=decays, eta=st.floats(0.0, 1.0))
def test_the_papers_decay_is_pytorchs_with_lambda_over_alpha(seed, lr, weight_decay, eta):
    """η(α·step + λθ) is ηα(step + λ/α·θ)."""
    theta, grad, state = arrays(seed, *SHAPE), arrays(seed + 1, *SHAPE), np.zeros(SHAPE)
    ours, *_ = reference.adamw_of_the_paper(theta, grad, state, state, 1, lr, weight_decay=weight_decay, eta=eta)
    theirs, *_ = reference.adamw(theta, grad, state, state, 1, eta * lr, weight_decay=weight_decay / lr)
    assert_close(ours, theirs, EXACT)


@given(seed=seeds, lr=rates, momentum=st.sampled_from([0.0, 0.9]))
def test_sgdw_without_decay_at_a_constant_rate_is_sgd(seed, lr, momentum):
    theta = twin = arrays(seed, *SHAPE)
    m = velocity = np.zeros(SHAPE)
    for grad in gradients(seed):
        theta, m = reference.sgdw(theta, grad, m, lr, momentum, weight_decay=0.0)
        twin, velocity = reference.sgd(twin, grad, velocity, lr, momentum)
    assert_close(theta, twin, EXACT)


def test_swats_is_adam_until_it_switches_and_gradient_descent_with_momentum_from_then_on():
    curvatures, start = np.linspace(0.1, 1, 20), arrays(0, 20)

    def gradient(theta):
        return curvatures * theta

    options = {"lr": 0.01, "betas": (0.9, 0.99), "tolerance": 0.1}
    _, switched, sgd_lr = reference.swats(start, gradient, 50, **options)
    assert 1 < switched < 50
    theta, m, v = start, np.zeros(20), np.zeros(20)
    for step in range(1, switched + 1):
        theta, m, v = reference.adam(theta, gradient(theta), m, v, step, 0.01, (0.9, 0.99), eps=1e-9)
    assert_close(reference.swats(start, gradient, switched, **options)[0], theta, 1e-6)  # it has an ε
    velocity = np.zeros(20)
    for _ in range(switched, 50):
        theta, velocity = reference.sgd(theta, gradient(theta), velocity, (1 - 0.9) * sgd_lr, 0.9)
    assert_close(reference.swats(start, gradient, 50, **options)[0], theta, 1e-6)


def test_optimizers_keep_float32():
    theta, grad = arrays(0, *SHAPE, dtype=np.float32), arrays(1, *SHAPE, dtype=np.float32)
    results = (
        *reference.sgd(theta, grad, grad, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        *reference.adam(theta, grad, grad, grad**2, step=3, weight_decay=0.1),
        *reference.adamw(theta, grad, grad, grad**2, step=3),
    )
    assert {each.dtype for each in results} == {np.dtype(np.float32)}
