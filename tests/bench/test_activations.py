"""The cost of activations."""

from __future__ import annotations

import pytest

import fastconv as fc
from fastconv_bench.activations import lines, steps
from fastconv_bench.timing import Times


def test_lines_hold_every_activation_against_relu_the_cheapest_first():
    times = {"mish": Times(3e-3, 4e-3, 0.0), "relu": Times(2e-3, 2e-3, 0.0)}
    told = [line.split() for line in lines(times)]
    assert told == [["relu", "2,000", "µs", "1.00×"], ["mish", "3,000", "µs", "1.50×"]]


@pytest.mark.slow
def test_every_activation_makes_steps():
    made = steps()
    assert list(made) == list(fc.nn.ACTIVATIONS)
    assert all(step() > 0 for step in made.values())
