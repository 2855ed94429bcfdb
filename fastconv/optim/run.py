"""An optimizer at work on a model's parameters: all that training keeps beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.memory import aligned_floats
from fastconv.engine.parameter import Parameter
from fastconv.engine.update import Rule, Update
from fastconv.errors import ShapeError
from fastconv.kernels.optimizer import KERNELS
from fastconv.optim.averaging import Average
from fastconv.optim.optimizer import Optimizer, check_positive
from fastconv.shapes import integer

#: Most constants that an update takes.
CONSTANTS = 16

#: One more than the largest seed.
SEEDS = 2**63

Groups = Mapping[str, Mapping[str, Any]]


class _Group:
    """Parameters with the same hyper-parameters.

    lr_factor: how their learning rate compares with the optimizer's, whatever the schedule makes of it.
    """

    def __init__(self, optimizer: Optimizer, lr_factor: float) -> None:
        self.optimizer, self.lr_factor = optimizer, lr_factor
        self.constants = aligned_floats(CONSTANTS)

    def begin(self, step: int, lr: float) -> None:
        values = self.optimizer.constants(step, lr * self.lr_factor)
        self.constants[:len(values)] = values


class OptimizerRun:
    """The optimizer's buffers, the number of steps, and the averages.

    update: what the engine is to do in each step.  steps: how many have been made.
    seed: with the number of steps, what training draws at random follows from it.
    """

    def __init__(self, optimizer: Optimizer, parameters: Mapping[str, Parameter], groups: Groups | None = None,
                 clip_grad_norm: float | None = None, clip_grad_value: float | None = None,
                 average: Average | None = None, seed: int = 0) -> None:
        """groups: other hyper-parameters for the parameters whose names match a pattern; the last match counts."""
        if clip_grad_norm is not None and clip_grad_value is not None:
            raise ValueError("gradients are clipped by their norm or by value; give one of clip_grad_norm and "
                             "clip_grad_value")
        for name, value in (("clip_grad_norm", clip_grad_norm), ("clip_grad_value", clip_grad_value)):
            if value is not None:
                check_positive(name, value)
        self.steps, self.seed = 0, integer("seed", seed, least=0)
        if seed >= SEEDS:
            raise ValueError(f"seed must be below {SEEDS}, got {seed}")
        self._parameters, self._average = dict(parameters), average
        self._base = _Group(optimizer, 1.0)
        self._groups = [self._base]
        variants = _variants(optimizer, list(parameters), groups or {})
        rules = {parameter: self._rule(variants[name], parameter) for name, parameter in parameters.items()}
        self._averaged_weight = 0.0
        self._products = np.zeros(2)
        self.update = Update(rules, max_norm=clip_grad_norm, max_value=clip_grad_value,
                             products=self._products if optimizer.progress else None)

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer as it is by now."""
        return self._base.optimizer

    def _rule(self, variant: Optimizer, parameter: Parameter) -> Rule:
        group = next((group for group in self._groups if group.optimizer == variant), None)
        if group is None:
            check_positive("the lr of an optimizer with parameter groups", self.optimizer.lr)
            group = _Group(variant, variant.lr / self.optimizer.lr)
            self._groups.append(group)
        size = parameter.array.size
        return Rule(KERNELS[variant.kernel], group.constants, {name: aligned_floats(size) for name in variant.state},
                    None if self._average is None else aligned_floats(size))

    def begin(self, lr: float) -> None:
        """Makes the next step ready, at a learning rate."""
        for group in self._groups:
            group.begin(self.steps + 1, lr)
        if self._average is not None:
            share = self._average.share(self._average.weight(self.steps + 1), self._averaged_weight)
            self.update.share[0] = share
            if share and not self._averaged_weight:
                for parameter, rule in self.update.rules.items():  # what a frozen layer's average will stay at
                    assert rule.average is not None
                    rule.average[:] = parameter.array.reshape(-1)

    def end(self, lr: float) -> None:
        """Counts the step that has been made, at a learning rate."""
        self.steps += 1
        if self._average is not None:
            self._averaged_weight += self._average.weight(self.steps)
        if self.optimizer.progress:
            pp, pg = map(float, self._products)
            for group in self._groups:
                group.optimizer = group.optimizer.after(self.steps, lr, pp, pg)

    def averaged(self) -> dict[str, NDArray[np.float32]]:
        """The averages of the parameters, by their names in a state dict; ValueError where there are none yet."""
        if self._average is None:
            raise ValueError("no averages are kept: give the Trainer an average, e.g. optim.PolyakAverage()")
        if not self._averaged_weight:
            raise ValueError(f"no step has been averaged yet, of {self.steps} made")
        averages = {}
        for name, parameter in self._parameters.items():
            average = self.update.rules[parameter].average
            assert average is not None
            averages[name] = average.reshape(parameter.array.shape).copy()
        return averages

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of everything that the steps so far have left, beside the parameters themselves."""
        return {name: array.copy() for name, array in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state; ShapeError, and nothing is changed, where it is not of such an optimizer and model."""
        own = self._state()
        if own.keys() != state.keys():
            missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
            raise ShapeError(f"the state does not fit this training: missing {missing}, unknown {unknown}")
        for name, array in own.items():
            if np.shape(state[name]) != array.shape:
                raise ShapeError(f"{name}: expected shape {array.shape}, got {np.shape(state[name])}")
        progress = {name: float(state[f"optimizer.{name}"]) for name in self.optimizer.progress}
        optimizers = [replace(group.optimizer, **progress) for group in self._groups]
        for group, optimizer in zip(self._groups, optimizers, strict=True):
            group.optimizer = optimizer
        self.steps, self.seed = int(state["steps"]), int(state["seed"])
        if self._average is not None:
            self._averaged_weight = float(state["averaged"])
        for name, array in own.items():
            array[...] = state[name]

    def _state(self) -> dict[str, NDArray[Any]]:
        """The buffers themselves, and copies of the numbers, by name."""
        state: dict[str, NDArray[Any]] = {"steps": np.array(self.steps), "seed": np.array(self.seed)}
        state |= {f"optimizer.{name}": np.array(getattr(self.optimizer, name)) for name in self.optimizer.progress}
        if self._average is not None:
            state["averaged"] = np.array(self._averaged_weight)
        for name, parameter in self._parameters.items():
            rule = self.update.rules[parameter]
            arrays = {f"optimizer.{name}.{kind}": array for kind, array in rule.state.items()}
            if rule.average is not None:
                arrays[f"average.{name}"] = rule.average
            state |= {key: array.reshape(parameter.array.shape) for key, array in arrays.items()}
        return state


def _variants(optimizer: Optimizer, names: Sequence[str], groups: Groups) -> dict[str, Optimizer]:
    """The optimizer of each parameter."""
    for pattern in groups:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(f"parameter_groups: no parameter matches {pattern!r}; there are {', '.join(names)}")
    variants = {}
    for name in names:
        changes: dict[str, Any] = {}
        for pattern, hyper_parameters in groups.items():
            if fnmatchcase(name, pattern):
                changes |= hyper_parameters
        variants[name] = optimizer.replace(**changes)
    return variants
