"""Switching from Adam to gradient descent during training."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fastconv.optim.optimizer import Optimizer, check, check_betas, check_positive


@dataclass(frozen=True)
class SWATS(Optimizer):
    """Adam until it moves like gradient descent, then that (Keskar & Socher 2017, Algorithm 1).

    Adam's change p of all parameters, seen along the gradient g, is a step of gradient descent with the learning rate
    γ = pᵀp/(-pᵀg). When γ is within `tolerance` of its bias-corrected average Λ = λ/(1-β₂ᵗ), λ ← β₂λ + (1-β₂)γ, the
    training goes on with v ← β₁v + g;  θ ← θ - (1-β₁)Λv.

    betas: (β₁, β₂).  eps: Adam's ε.  tolerance: the paper's ε again, 10⁻⁹; with noisy gradients 10⁻⁵ switches earlier.
    A schedule scales Λ too, from the step of the switch. Where Λ is not above 0 there is no switch.

    average: λ.  sgd_lr: Λ for each unit of the learning rate at the switch; 0 before it. Training sets these two.
    """

    kernel = "swats"
    state = ("m", "v", "velocity")
    progress = ("average", "sgd_lr")

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-9
    tolerance: float = 1e-9
    average: float = 0.0
    sgd_lr: float = 0.0

    def __post_init__(self) -> None:
        check_betas(self.betas)
        for name in ("lr", "eps", "tolerance"):
            check_positive(name, getattr(self, name))
        check("sgd_lr", self.sgd_lr)

    @property
    def switched(self) -> bool:
        """Whether it is gradient descent by now."""
        return self.sgd_lr > 0

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        beta1, beta2 = self.betas
        if self.switched:
            return 1.0, (1 - beta1) * self.sgd_lr * lr, beta1
        step_size = lr * math.sqrt(1 - beta2**step) / (1 - beta1**step)
        return 0.0, -step_size, 1 - beta1, beta2, 1 - beta2, self.eps

    def after(self, step: int, lr: float, pp: float, pg: float) -> SWATS:
        if self.switched or pg == 0:
            return self
        beta2 = self.betas[1]
        gamma = pp / -pg
        average = beta2 * self.average + (1 - beta2) * gamma
        corrected = average / (1 - beta2**step)
        switches = step > 1 and abs(corrected - gamma) < self.tolerance and corrected > 0
        return replace(self, average=average, sgd_lr=corrected / lr if switches else 0.0)
