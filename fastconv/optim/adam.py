"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

import math

from fastconv.optim.optimizer import Optimizer, check, check_betas


class _Adam(Optimizer):
    kernel = "adam"
    state = ("m", "v")

    def __init__(self, lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
        self.lr, self.betas, self.eps = check("lr", lr), check_betas(betas), check("eps", eps)
        self.weight_decay = check("weight_decay", weight_decay)

    def _constants(self, step: int, lr: float, l2: float, shrinkage: float) -> tuple[float, ...]:
        beta1, beta2 = self.betas
        step_size, correction = lr / (1 - beta1**step), math.sqrt(1 - beta2**step)
        return step_size, 1 - beta1, beta2, 1 - beta2, correction, self.eps, l2, shrinkage


class Adam(_Adam):
    """Adam (Kingma & Ba 2015, Algorithm 1), with weight decay as an L2 penalty.

    g ← g + λθ;  m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  θ ← θ - lr·m̂/(√v̂ + ε)

    m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ) in step t.  betas: (β₁, β₂).  eps: ε.  weight_decay: λ.
    """

    def __init__(self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0) -> None:
        super().__init__(lr, betas, eps, weight_decay)

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return self._constants(step, lr, l2=self.weight_decay, shrinkage=1.0)


class AdamW(_Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2), in PyTorch's form.

    m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  θ ← (1 - lr·λ)θ - lr·m̂/(√v̂ + ε)

    m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ) in step t.  betas: (β₁, β₂).  eps: ε.  weight_decay: λ, never part of the gradient.
    """

    def __init__(self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2) -> None:
        super().__init__(lr, betas, eps, weight_decay)

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return self._constants(step, lr, l2=0.0, shrinkage=1 - lr * self.weight_decay)
