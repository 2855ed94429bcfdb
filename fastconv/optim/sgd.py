"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass

from fastconv.optim.optimizer import Optimizer, check, check_positive


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013, section 2, in PyTorch's form).

    g ← g + λθ;  v ← μv + (1-δ)g;  θ ← θ - lr·v, or with Nesterov's momentum θ ← θ - lr·(g + μv)

    momentum: μ.  dampening: δ, which the first step does without.  nesterov: needs momentum and no dampening.
    weight_decay: λ, an L2 penalty: it joins the gradient. Decoupled weight decay is SGDW's.
    """

    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    dampening: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lr", "momentum", "weight_decay"):
            check(name, getattr(self, name))
        check("dampening", self.dampening)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("nesterov needs a momentum above 0 and a dampening of 0, "
                             f"got {self.momentum} and {self.dampening}")

    @property
    def kernel(self) -> str:
        return "momentum" if self.momentum else "sgd"

    @property
    def state(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        if not self.momentum:
            return lr, self.weight_decay
        share = 1.0 if step == 1 else 1 - self.dampening
        return lr, self.weight_decay, self.momentum, share, float(self.nesterov)


@dataclass(frozen=True)
class SGDW(Optimizer):
    """Gradient descent with momentum and decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 1).

    m ← β₁m + ηα·g;  θ ← θ - m - ηλθ

    lr: α.  momentum: β₁.  weight_decay: λ, which never joins the gradient.
    η is the schedule's multiplier: how the step's learning rate ηα compares with α.
    """

    kernel = "sgdw"
    state = ("m",)

    momentum: float = 0.9
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        check_positive("lr", self.lr)
        check("momentum", self.momentum)
        check("weight_decay", self.weight_decay)

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return lr, self.momentum, 1 - lr / self.lr * self.weight_decay
