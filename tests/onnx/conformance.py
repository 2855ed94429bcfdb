"""ONNX's own node tests, run on our backend: `python -m tests.onnx.conformance` prints the tables of docs/onnx.md."""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

from fastconv.errors import UnsupportedError
from fastconv.onnx import backend
from fastconv.onnx.lowering import LAYERS
from fastconv.onnx.operators import OPERATORS

#: Those that must be supported: of the others no test counts that has only them.
REQUIRED = (
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization",
    "Gemm", "MatMul", "Add", "Mul", "Sub", "Div", "Concat", "Reshape", "Flatten", "Transpose", "Relu", "LeakyRelu",
    "PRelu", "Elu", "Selu", "Gelu", "Sigmoid", "Tanh", "Softplus", "Softmax", "LogSoftmax", "HardSwish", "HardSigmoid",
    "Mish", "Clip", "Identity", "Constant", "Dropout", "Squeeze", "Unsqueeze", "ReduceMean", "Pad", "Resize")


@dataclass(frozen=True)
class Outcome:
    """Whether a test passed; otherwise why it is not supported."""

    test: str
    operators: frozenset[str]
    reason: str | None


@cache
def node_tests() -> dict[str, TestCase]:
    """The node tests of models in which every operator is supported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package computes some of its expected results with overflows
        cases = load_model_tests(kind="node")
    return {case.name.removeprefix("test_"): case for case in cases if _operators(case) <= OPERATORS.keys()}


def _operators(case: TestCase) -> set[str]:
    assert case.model is not None
    return {node.op_type for node in case.model.graph.node}


def outcome(name: str) -> Outcome:
    """Runs a test, with the tolerances of ONNX's own runner. Raises whatever is no UnsupportedError."""
    case = node_tests()[name]
    used = frozenset(_operators(case))
    for inputs, expected in case.data_sets or ():
        try:
            actual = backend.prepare(case.model).run([_array(each) for each in inputs])
        except UnsupportedError as error:
            return Outcome(name, used, str(error))
        assert len(actual) == len(expected)
        for one, other in zip(actual, map(_array, expected), strict=True):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            np.testing.assert_allclose(_comparable(one), _comparable(other), case.rtol, case.atol)
    return Outcome(name, used, None)


def _array(value: Any) -> NDArray[Any]:
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _comparable(array: NDArray[Any]) -> NDArray[Any]:
    """Small floating-point types, which NumPy knows by name only, as float64."""
    return array if array.dtype.isbuiltin == 1 else array.astype(np.float64)


def by_operator(outcomes: list[Outcome]) -> dict[str, list[Outcome]]:
    """The outcomes of the tests of one operator each; those of several are functions, written out, "(expanded)"."""
    table: dict[str, list[Outcome]] = defaultdict(list)
    for each in outcomes:
        (first, *others) = each.operators
        table["several" if others or "expanded" in each.test else first].append(each)
    return dict(sorted(table.items(), key=lambda row: (row[0] == "several", row[0])))


def tables(outcomes: list[Outcome]) -> str:
    """Both tables as Markdown: how many tests of each operator pass, and why others are not supported."""
    passed = sum(each.reason is None for each in outcomes)
    lines = [f"onnx {onnx.__version__}: {passed} of {len(outcomes)} node tests pass, {len(outcomes) - passed} are not "
             "supported, none fails.", "", "| operator | passed | not supported | as a layer |", "|---|---|---|---|"]
    for operator, rows in by_operator(outcomes).items():
        good = sum(each.reason is None for each in rows)
        name = "several in one model" if operator == "several" else operator
        lines.append(f"| {name} | {good} | {len(rows) - good or ''} | {'yes' if operator in LAYERS else ''} |")
    reasons: dict[str, list[str]] = defaultdict(list)
    for each in sorted(outcomes, key=lambda each: each.test):
        if each.reason is not None:
            reasons[_plain(each.reason)].append(each.test)
    lines += ["", "| why it is not supported | tests |", "|---|---|"]
    lines += [f"| {reason} | {', '.join(tests)} |" for reason, tests in sorted(reasons.items())]
    return "\n".join(lines) + "\n"


def _plain(reason: str) -> str:
    """The reason without the node's name, which is the test's."""
    head, quote, rest = reason.partition('": ')
    return f"{head.split()[0]}: {rest}" if quote else reason


if __name__ == "__main__":
    print(tables([outcome(name) for name in node_tests()]), end="")
