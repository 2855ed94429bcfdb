"""One step of each optimizer, as a function of parameters, gradient and state; nothing is changed in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastconv.reference.window import Array


def sgd(theta: Array, grad: Array, velocity: Array, lr: float, momentum: float = 0.0, nesterov: bool = False,
        weight_decay: float = 0.0) -> tuple[Array, Array]:
    """(θ, v) after a step of gradient descent (Sutskever et al. 2013, equations 1 to 4, in PyTorch's form).

    g ← g + λθ;  v ← μv + g;  θ ← θ - lr·v, or with Nesterov's momentum θ ← θ - lr·(g + μv).
    v is 0 before the first step.  momentum: μ.  weight_decay: λ.
    """
    g = grad + weight_decay * theta
    v = momentum * velocity + g
    direction = g + momentum * v if nesterov else v
    return theta - lr * direction, v


def adam(theta: Array, grad: Array, m: Array, v: Array, step: int, lr: float = 1e-3,
         betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
         weight_decay: float = 0.0) -> tuple[Array, Array, Array]:
    """(θ, m, v) after step number `step`, from 1, of Adam (Kingma & Ba 2015, Algorithm 1).

    g ← g + λθ;  m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  θ ← θ - lr·m̂/(√v̂ + ε),
    with m̂ = m/(1-β₁ᵗ) and v̂ = v/(1-β₂ᵗ) in step t.  betas: (β₁, β₂).  eps: ε.  weight_decay: λ, an L2 penalty.
    """
    return _adam(theta, grad + weight_decay * theta, m, v, step, lr, betas, eps)


def adamw(theta: Array, grad: Array, m: Array, v: Array, step: int, lr: float = 1e-3,
          betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
          weight_decay: float = 1e-2) -> tuple[Array, Array, Array]:
    """(θ, m, v) after step number `step`, from 1, of AdamW (Loshchilov & Hutter 2019, Algorithm 2, line 12).

    As Adam without the penalty, on (1 - lr·λ)θ.  In the paper λ is not multiplied by lr; here it is, as in PyTorch.
    """
    return _adam((1 - lr * weight_decay) * theta, grad, m, v, step, lr, betas, eps)


def amsgrad(theta: Array, grad: Array, m: Array, v: Array, v_max: Array, step: int, lr: float = 1e-3,
            betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
            weight_decay: float = 0.0) -> tuple[Array, Array, Array, Array]:
    """(θ, m, v, v_max) after step number `step` of AMSGrad (Reddi et al. 2018, Algorithm 2, in PyTorch's form).

    As Adam with v_max ← max(v_max, v) and v̂ = v_max/(1-β₂ᵗ).
    """
    m, v = _moments(grad + weight_decay * theta, m, v, betas)
    v_max = np.maximum(v_max, v)
    return theta - lr * m / (1 - betas[0]**step) / (np.sqrt(v_max / (1 - betas[1]**step)) + eps), m, v, v_max


def nadam(theta: Array, grad: Array, m: Array, v: Array, product: float, step: int, lr: float = 2e-3,
          betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
          momentum_decay: float = 4e-3) -> tuple[Array, Array, Array, float]:
    """(θ, m, v, Πμ) after step number `step` of NAdam (Dozat 2016, Algorithm 2, in PyTorch's form).

    Πμ is 1 before the first step.  momentum_decay: ψ in μₜ = β₁(1 - 0.96^(ψt)/2).
    """
    mu, following = (betas[0] * (1 - 0.5 * 0.96**(momentum_decay * t)) for t in (step, step + 1))
    product *= mu
    g = grad + weight_decay * theta
    m, v = _moments(g, m, v, betas)
    direction = (1 - mu) / (1 - product) * g + following / (1 - product * following) * m
    return theta - lr * direction / (np.sqrt(v / (1 - betas[1]**step)) + eps), m, v, product


def sgdw(theta: Array, grad: Array, m: Array, lr: float, momentum: float = 0.9, weight_decay: float = 1e-4,
         eta: float = 1.0) -> tuple[Array, Array]:
    """(θ, m) after a step of SGDW (Loshchilov & Hutter 2019, Algorithm 1, lines 8 and 9).

    m ← β₁m + ηα·g;  θ ← θ - m - ηλθ.  lr: α.  momentum: β₁.  weight_decay: λ.  eta: the schedule's multiplier.
    """
    m = momentum * m + eta * lr * grad
    return theta - m - eta * weight_decay * theta, m


def adamw_of_the_paper(theta: Array, grad: Array, m: Array, v: Array, step: int, lr: float = 1e-3,
                       betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2,
                       eta: float = 1.0) -> tuple[Array, Array, Array]:
    """(θ, m, v) after step number `step` of AdamW (Loshchilov & Hutter 2019, Algorithm 2, line 12).

    θ ← θ - η(α·m̂/(√v̂ + ε) + λθ).  lr: α.  eta: the schedule's multiplier η.
    """
    moved, m, v = _adam(theta, grad, m, v, step, eta * lr, betas, eps)
    return moved - eta * weight_decay * theta, m, v


def adagrad(theta: Array, grad: Array, total: Array, step: int, lr: float = 1e-2, lr_decay: float = 0.0,
            weight_decay: float = 0.0, eps: float = 1e-10) -> tuple[Array, Array]:
    """(θ, s) after step number `step` of Adagrad (Duchi et al. 2011, with a diagonal matrix).

    s ← s + g²;  θ ← θ - lr/(1 + (t-1)δ)·g/(√s + ε).  lr_decay: δ.  weight_decay: an L2 penalty.
    """
    g = grad + weight_decay * theta
    total = total + g**2
    return theta - lr / (1 + (step - 1) * lr_decay) * g / (np.sqrt(total) + eps), total


def adadelta(theta: Array, grad: Array, v: Array, u: Array, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6,
             weight_decay: float = 0.0) -> tuple[Array, Array, Array]:
    """(θ, v, u) after a step of Adadelta (Zeiler 2012, Algorithm 1).

    v ← ρv + (1-ρ)g²;  Δ = g·√(u + ε)/√(v + ε);  u ← ρu + (1-ρ)Δ²;  θ ← θ - lr·Δ.  weight_decay: an L2 penalty.
    """
    g = grad + weight_decay * theta
    v = rho * v + (1 - rho) * g**2
    delta = np.sqrt(u + eps) / np.sqrt(v + eps) * g
    return theta - lr * delta, v, rho * u + (1 - rho) * delta**2


def rmsprop(theta: Array, grad: Array, v: Array, mean: Array, buffer: Array, lr: float = 1e-2, alpha: float = 0.99,
            eps: float = 1e-8, weight_decay: float = 0.0, momentum: float = 0.0,
            centered: bool = False) -> tuple[Array, Array, Array, Array]:
    """(θ, v, mean, buffer) after a step of RMSprop (Hinton 2012, lecture 6; centered: Graves 2013, equations 38 to 42).

    v ← αv + (1-α)g²;  mean ← α·mean + (1-α)g;  buffer ← μ·buffer + g/(√(v - mean²) + ε), where only the centered form
    subtracts mean²;  θ ← θ - lr·buffer.  momentum: μ.  weight_decay: an L2 penalty.
    """
    g = grad + weight_decay * theta
    v, mean = alpha * v + (1 - alpha) * g**2, alpha * mean + (1 - alpha) * g
    buffer = momentum * buffer + g / (np.sqrt(v - mean**2 if centered else v) + eps)
    return theta - lr * buffer, v, mean, buffer


def swats(theta: Array, gradient: Callable[[Array], Array], steps: int, lr: float = 1e-3,
          betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-9,
          tolerance: float = 1e-9) -> tuple[Array, int | None, float]:
    """θ after so many steps of SWATS (Keskar & Socher 2017, Algorithm 1), the step of the switch if any, and Λ.

    gradient: of the objective, at θ.  tolerance: the paper's ε once more, which γ's distance from its average is
    compared with.
    """
    beta1, beta2 = betas
    m, v, velocity = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    average, switched, sgd_lr = 0.0, None, 0.0
    for k in range(1, steps + 1):
        g = gradient(theta)
        if switched is not None:
            velocity = beta1 * velocity + g
            theta = theta - (1 - beta1) * sgd_lr * velocity
            continue
        m, v = _moments(g, m, v, betas)
        p = -lr * np.sqrt(1 - beta2**k) / (1 - beta1**k) * m / (np.sqrt(v) + eps)
        theta = theta + p
        if np.vdot(p, g) != 0:
            gamma = float(np.vdot(p, p) / -np.vdot(p, g))
            average = beta2 * average + (1 - beta2) * gamma
            corrected = average / (1 - beta2**k)
            if k > 1 and abs(corrected - gamma) < tolerance and corrected > 0:
                switched, sgd_lr = k, corrected
    return theta, switched, sgd_lr


def _moments(g: Array, m: Array, v: Array, betas: tuple[float, float]) -> tuple[Array, Array]:
    return betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2


def _adam(theta: Array, g: Array, m: Array, v: Array, step: int, lr: float, betas: tuple[float, float],
          eps: float) -> tuple[Array, Array, Array]:
    m, v = _moments(g, m, v, betas)
    unbiased_m, unbiased_v = m / (1 - betas[0]**step), v / (1 - betas[1]**step)
    return theta - lr * unbiased_m / (np.sqrt(unbiased_v) + eps), m, v
