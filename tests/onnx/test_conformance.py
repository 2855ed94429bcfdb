"""ONNX's own node tests: those of the operators we have pass, or say why they are not supported."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.onnx.conformance import REQUIRED, Outcome, by_operator, node_tests, outcome, tables

DOCUMENT = Path(__file__).parents[2] / "docs" / "onnx.md"


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def outcomes(failures) -> list[Outcome]:
    """What became of each node test; those that fail go into `failures`."""
    done = []
    for name in node_tests():
        try:
            done.append(outcome(name))
        except Exception as error:  # whatever it is, the other tests are run too
            failures[name] = f"{type(error).__name__}: {error}"
    return done


def test_no_node_test_of_the_operators_we_have_fails(outcomes, failures):
    assert len(outcomes) > 700
    assert not failures


def test_at_least_150_node_tests_of_the_required_operators_pass(outcomes):
    passed = [each for each in outcomes if each.reason is None and each.operators <= set(REQUIRED)]
    assert len(passed) >= 150


@pytest.mark.parametrize("operator", REQUIRED)
def test_most_node_tests_of_each_required_operator_pass(outcomes, operator):
    rows = by_operator(outcomes)[operator]
    passed = sum(each.reason is None for each in rows)
    assert passed > 0
    assert passed >= len(rows) / 2 or operator in ("Identity", "Resize")  # of sequences, and of other than nearest


def test_the_documentation_shows_the_tables_of_this_run(outcomes):
    if DOCUMENT.is_file() and f"onnx {onnx.__version__}:" not in DOCUMENT.read_text():
        pytest.skip("they are those of another version of onnx")
    assert tables(outcomes) in DOCUMENT.read_text()
