"""Stochastic gradient descent."""

from __future__ import annotations

from fastconv.optim.optimizer import Optimizer, check


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013, section 2, in PyTorch's form).

    g ← g + λθ;  v ← μv + g;  θ ← θ - lr·v, or with Nesterov's momentum θ ← θ - lr·(g + μv)

    momentum: μ.  weight_decay: λ, an L2 penalty.  nesterov: needs momentum.
    """

    kernel = "sgd"
    state = ("velocity",)

    def __init__(self, lr: float, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0) -> None:
        self.lr, self.momentum, self.nesterov = check("lr", lr), check("momentum", momentum), nesterov
        self.weight_decay = check("weight_decay", weight_decay)
        if nesterov and momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return lr, self.momentum, self.weight_decay, float(self.nesterov)
