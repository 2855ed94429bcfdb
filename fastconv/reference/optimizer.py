"""One step of each optimizer, as a function of parameters, gradient and state; nothing is changed in place."""

from __future__ import annotations

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


def _adam(theta: Array, g: Array, m: Array, v: Array, step: int, lr: float, betas: tuple[float, float],
          eps: float) -> tuple[Array, Array, Array]:
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    unbiased_m, unbiased_v = m / (1 - beta1**step), v / (1 - beta2**step)
    return theta - lr * unbiased_m / (np.sqrt(unbiased_v) + eps), m, v
