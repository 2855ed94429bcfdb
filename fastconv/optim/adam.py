"""Adam, and Adam with decoupled weight decay; AMSGrad; Adam with Nesterov's momentum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from operator import mul

from fastconv.optim.optimizer import Optimizer, check, check_betas, check_positive


@dataclass(frozen=True)
class _Adam(Optimizer):
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check("lr", self.lr)
        check_betas(self.betas)
        check("eps", self.eps)
        check("weight_decay", self.weight_decay)


@dataclass(frozen=True)
class Adam(_Adam):
    """Adam (Kingma & Ba 2015, Algorithm 1), with an L2 penalty on the weights.

    g ← g + λθ;  m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  θ ← θ - lr·m̂/(√v̂ + ε)

    m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ) in step t.  betas: (β₁, β₂).  eps: ε.
    weight_decay: λ, an L2 penalty: it joins the gradient. Decoupled weight decay is AdamW's.
    amsgrad: v̂ is made of the largest v so far (Reddi et al. 2018, Algorithm 2), as in PyTorch.
    """

    kernel = "adam"

    amsgrad: bool = False

    @property
    def state(self) -> tuple[str, ...]:
        return ("m", "v", "v_max") if self.amsgrad else ("m", "v")

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return _adam_constants(self, step, lr, l2=self.weight_decay, shrinkage=1.0)


@dataclass(frozen=True)
class AdamW(_Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2).

    m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  θ ← (1 - lr·λ)θ - lr·m̂/(√v̂ + ε)

    m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ) in step t.  betas: (β₁, β₂).  eps: ε.  weight_decay: λ, which never joins the
    gradient.  amsgrad: as in Adam.
    decay_by_lr: as in PyTorch. The paper's θ ← θ - η(α·m̂/(√v̂ + ε) + λθ) is decay_by_lr=False, where lr is α and η
    the schedule's multiplier: how a step's learning rate ηα compares with α.
    """

    kernel = "adam"

    weight_decay: float = 1e-2
    amsgrad: bool = False
    decay_by_lr: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.decay_by_lr:
            check_positive("lr", self.lr)

    @property
    def state(self) -> tuple[str, ...]:
        return ("m", "v", "v_max") if self.amsgrad else ("m", "v")

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        decay = (lr if self.decay_by_lr else lr / self.lr) * self.weight_decay
        return _adam_constants(self, step, lr, l2=0.0, shrinkage=1 - decay)


@dataclass(frozen=True)
class NAdam(_Adam):
    """Adam with Nesterov's momentum (Dozat 2016, Algorithm 2, in PyTorch's form).

    g ← g + λθ;  m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²
    θ ← θ - lr·((1-μₜ)g/(1-Πμ) + μₜ₊₁m/(1-μₜ₊₁Πμ))/(√v̂ + ε)

    μₜ = β₁(1 - 0.96^(ψt)/2), and Πμ = μ₁…μₜ.  betas: (β₁, β₂).  eps: ε.  momentum_decay: ψ.
    weight_decay: λ, an L2 penalty, or with decoupled_weight_decay θ ← (1 - lr·λ)θ before the step instead.
    """

    kernel = "nadam"
    state = ("m", "v")

    lr: float = 2e-3
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check("momentum_decay", self.momentum_decay)

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        beta1, beta2 = self.betas
        size = 1 << step.bit_length()
        mu, product = _momenta(beta1, self.momentum_decay, size), _products(beta1, self.momentum_decay, size)[step - 1]
        step_of_g = lr * (1 - mu[step - 1]) / (1 - product)
        step_of_m = lr * mu[step] / (1 - product * mu[step])
        l2, shrinkage = self.weight_decay, 1.0
        if self.decoupled_weight_decay:
            l2, shrinkage = 0.0, 1 - lr * self.weight_decay
        return (step_of_g, step_of_m, 1 - beta1, beta2, 1 - beta2, 1 / math.sqrt(1 - beta2**step), self.eps, l2,
                shrinkage)


def _adam_constants(adam: _Adam, step: int, lr: float, l2: float, shrinkage: float) -> tuple[float, ...]:
    beta1, beta2 = adam.betas
    return (lr / (1 - beta1**step), 1 - beta1, beta2, 1 - beta2, 1 / math.sqrt(1 - beta2**step), adam.eps, l2,
            shrinkage)


@lru_cache
def _momenta(beta1: float, decay: float, steps: int) -> tuple[float, ...]:
    """μ of the steps 1, 2, …"""
    return tuple(beta1 * (1 - 0.5 * 0.96 ** (step * decay)) for step in range(1, steps + 1))


@lru_cache
def _products(beta1: float, decay: float, steps: int) -> tuple[float, ...]:
    """μ₁…μₜ of the steps t = 1, 2, …"""
    return tuple(accumulate(_momenta(beta1, decay, steps), mul))
