"""Functions that stand for ONNX operators: parameters are the operator's inputs, keyword-only ones its attributes.

So a signature says what is supported, and anything else in a node is an error:

    def flatten(x, *, axis=1): ...                     # one input, one attribute
    def concat(*inputs, axis): ...                     # any number of inputs, an attribute without a default

A parameter called `outputs` is no attribute: it is given the number of the node's outputs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv.errors import OnnxError, UnsupportedError
from fastconv.onnx.model import Node


@dataclass(frozen=True)
class Operator:
    """A function with the names of its inputs, of which `least` must be there, and its attributes."""

    function: Callable[..., Any]
    inputs: tuple[str, ...]
    least: int
    variadic: bool
    attributes: frozenset[str]
    required: frozenset[str]

    @classmethod
    def of(cls, function: Callable[..., Any], context: int = 0) -> Operator:
        """The operator a function stands for, whose first `context` parameters are no inputs."""
        parameters = list(inspect.signature(function).parameters.values())[context:]
        inputs = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
        attributes = [each for each in parameters if each.kind is each.KEYWORD_ONLY]
        return cls(function, tuple(each.name for each in inputs), sum(each.default is each.empty for each in inputs),
                   any(each.kind is each.VAR_POSITIONAL for each in parameters),
                   frozenset(each.name for each in attributes),
                   frozenset(each.name for each in attributes if each.default is each.empty))

    def call(self, node: Node, inputs: Sequence[Any], *context: Any) -> Any:
        """What the function makes of a node's inputs, None where one is left out, and its attributes.

        What later versions of an operator take as an input, earlier ones have as an attribute of the same name. Raises
        OnnxError or UnsupportedError, naming the node, for everything that goes wrong.
        """
        given, attributes = list(inputs), dict(node.attributes)
        if "outputs" in self.attributes:
            attributes["outputs"] = len(node.outputs)
        try:
            for name in [name for name in attributes if name in self.inputs]:
                given += [None] * (self.inputs.index(name) + 1 - len(given))
                given[self.inputs.index(name)] = np.asarray(attributes.pop(name))
            if unknown := sorted(attributes.keys() - self.attributes):
                raise UnsupportedError(f'its attribute "{unknown[0]}" is not supported')
            if len(given) > len(self.inputs) and not self.variadic:
                raise UnsupportedError(f"expected up to {len(self.inputs)} inputs, found {len(given)}")
            if missing := sorted(self.required - attributes.keys()):
                raise OnnxError(f'its attribute "{missing[0]}" is missing')
            if len(given) < self.least or any(each is None for each in given[:self.least]):
                raise OnnxError(f"expected at least {self.least} inputs")
            return self.function(*context, *given, **attributes)
        except OnnxError as error:
            raise type(error)(f"{node}: {error}") from error
        except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError, AttributeError) as error:
            raise OnnxError(f"{node}: {error}") from error


def only(name: str, value: Any, *supported: Any) -> None:
    """Raises UnsupportedError unless an attribute has one of the values supported."""
    if value not in supported:
        raise UnsupportedError(f'its attribute "{name}" is {value!r}; supported: {", ".join(map(repr, supported))}')
