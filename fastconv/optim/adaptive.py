"""Adagrad, Adadelta and RMSprop: a learning rate for each weight, from the size of its gradients."""

from __future__ import annotations

from dataclasses import dataclass

from fastconv.optim.optimizer import Optimizer, check


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011, with a diagonal matrix, in PyTorch's form).

    g ← g + λθ;  s ← s + g²;  θ ← θ - lr/(1 + (t-1)δ)·g/(√s + ε) in step t

    lr_decay: δ.  weight_decay: λ, an L2 penalty.  initial_accumulator_value: what s starts from.  eps: ε.
    """

    kernel = "adagrad"
    state = ("total",)

    lr: float = 1e-2
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10

    def __post_init__(self) -> None:
        for name in ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            check(name, getattr(self, name))

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return lr / (1 + (step - 1) * self.lr_decay), self.weight_decay, self.eps, self.initial_accumulator_value


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, Algorithm 1, in PyTorch's form).

    g ← g + λθ;  v ← ρv + (1-ρ)g²;  Δ = g·√(u + ε)/√(v + ε);  u ← ρu + (1-ρ)Δ²;  θ ← θ - lr·Δ

    rho: ρ.  eps: ε.  weight_decay: λ, an L2 penalty.
    """

    kernel = "adadelta"
    state = ("v", "u")

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lr", "eps", "weight_decay"):
            check(name, getattr(self, name))
        check("rho", self.rho, below=1)

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return lr, self.weight_decay, self.rho, 1 - self.rho, self.eps


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, lecture 6; centered as in Graves 2013, equations 38 to 42; in PyTorch's form).

    g ← g + λθ;  v ← αv + (1-α)g²;  Δ = g/(√v + ε), with momentum Δ ← μΔ_before + Δ;  θ ← θ - lr·Δ

    centered: √(v - m²) instead of √v, with m ← αm + (1-α)g: the variance of the gradient.
    alpha: α.  eps: ε.  momentum: μ.  weight_decay: λ, an L2 penalty.
    """

    kernel = "rmsprop"

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        for name in ("lr", "eps", "weight_decay", "momentum"):
            check(name, getattr(self, name))
        check("alpha", self.alpha, below=1)

    @property
    def state(self) -> tuple[str, ...]:
        return "v", *(("mean",) if self.centered else ()), *(("buffer",) if self.momentum else ())

    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        return lr, self.weight_decay, self.alpha, 1 - self.alpha, self.eps, self.momentum
