"""Optimizers' updates: of LeNet-5's parameters, which stay in the caches, and of ten million."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastconv import optim, reference
from fastconv.engine.memory import aligned_floats
from fastconv.engine.parameter import Parameter
from fastconv.engine.program import Program, in_turn, new_batch_table
from fastconv.engine.threads import get_num_threads
from fastconv.engine.update import StepUnits
from fastconv.layout import LANES
from fastconv.optim import OPTIMIZERS, Optimizer
from fastconv.optim.run import OptimizerRun
from fastconv_bench import peers
from fastconv_bench.workload import FASTCONV, NUMPY, PYTORCH, Contender, Workload

LENET, MANY = 61_706, 10_000_000
UNITS = 64
LR = 1e-3

FUSED, FOREACH = {"fused": True}, {"foreach": True}


@dataclass(frozen=True)
class Peer:
    """PyTorch's class for the same update and its arguments, with its fastest implementation for CPUs."""

    name: str
    options: dict[str, Any]


PEERS = {
    "sgd": Peer("SGD", FUSED),
    "momentum": Peer("SGD", {"momentum": 0.9, **FUSED}),
    "nesterov": Peer("SGD", {"momentum": 0.9, "nesterov": True, **FUSED}),
    "adagrad": Peer("Adagrad", FUSED),
    "adadelta": Peer("Adadelta", FOREACH),
    "rmsprop": Peer("RMSprop", FOREACH),
    "rmsprop-momentum": Peer("RMSprop", {"momentum": 0.9, **FOREACH}),
    "rmsprop-centered": Peer("RMSprop", {"centered": True, **FOREACH}),
    "adam": Peer("Adam", FUSED),
    "amsgrad": Peer("Adam", {"amsgrad": True, **FUSED}),
    "nadam": Peer("NAdam", FOREACH),
    "adamw": Peer("AdamW", FUSED),
}


def workloads() -> Iterator[Workload]:
    yield Workload(f"adamw update, {LENET:,} parameters", 1, _adamw, bytes=traffic(OPTIMIZERS["adamw"](), LENET))
    for name, make in OPTIMIZERS.items():
        optimizer = make(tolerance=1e-300) if name == "swats" else make()  # the same gradients would have it switch
        yield Workload(f"{name} update, {MANY // 10**6} M parameters", 1, partial(_many, name, optimizer),
                       bytes=traffic(optimizer, MANY))


def traffic(optimizer: Optimizer, parameters: int) -> float:
    """Bytes that an update moves at least: it reads the gradient, and reads and writes parameters and state."""
    unused = 1 if isinstance(optimizer, optim.SWATS) else 0  # its velocity, before the switch
    return 4.0 * parameters * (1 + 2 * (1 + len(optimizer.state) - unused))


def _adamw() -> dict[str, Contender]:
    rng = np.random.default_rng(0)
    theta, grad, m, v = np.abs(rng.standard_normal((4, LENET), np.float32))
    return {FASTCONV: Contender(_update(optim.AdamW(), theta, grad), 1),
            NUMPY: Contender(lambda: reference.adamw(theta, grad, m, v, step=2), 1),
            **_pytorch(PEERS["adamw"], theta, grad)}


def _many(name: str, optimizer: Optimizer) -> dict[str, Contender]:
    """Without NumPy, whose temporary arrays take a second."""
    few = np.random.default_rng(0).standard_normal((2, 1000), np.float32)
    theta, grad = np.tile(few, MANY // 1000)
    peer = _pytorch(PEERS[name], theta, grad) if name in PEERS else {}
    return {FASTCONV: Contender(_update(optimizer, theta, grad), 1), **peer}


def _update(optimizer: Optimizer, theta: np.ndarray, grad: np.ndarray) -> Callable[[], object]:
    """A call that makes one step."""
    parameter, own_grad, table = Parameter(theta.shape), aligned_floats(grad.size), new_batch_table()
    parameter.set(theta)
    own_grad[:] = grad
    run = OptimizerRun(optimizer, {"parameter": parameter})
    size = -(-theta.size // (UNITS * LANES)) * LANES
    ranges = [(start, min(size, theta.size - start)) for start in range(0, theta.size, size)]
    stages = run.update.stages([StepUnits(parameter, own_grad, [], ranges)], table)
    program = Program(in_turn(stages), table, 0, workers=get_num_threads())

    def call() -> None:
        run.begin(LR)
        program.run()
        run.end(LR)

    return call


def _pytorch(peer: Peer, theta: np.ndarray, grad: np.ndarray) -> dict[str, Contender]:
    torch = peers.torch()
    if not torch:
        return {}
    parameter = torch.nn.Parameter(torch.from_numpy(theta.copy()))
    parameter.grad = torch.from_numpy(grad)
    optimizer = getattr(torch.optim, peer.name)([parameter], lr=LR, **peer.options)
    return {PYTORCH: Contender(optimizer.step, 1)}
