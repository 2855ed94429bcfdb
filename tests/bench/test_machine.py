"""What the machine can do, measured for real but not judged."""

from __future__ import annotations

import math

import pytest

import fastconv as fc
from fastconv_bench.machine import Gauge


@pytest.fixture
def gauge():
    before = fc.get_num_threads()
    fc.set_num_threads(2)
    yield Gauge(2)
    fc.set_num_threads(before)


def test_a_machine_can_do_something_and_all_cores_no_less_than_one(gauge):
    gauge.sample()
    machine = gauge.machine()
    assert machine.threads == 2
    assert machine.cpu
    assert 0 < machine.peak_one_core <= machine.peak < math.inf
    assert 0 < machine.bandwidth < math.inf


def test_another_sample_never_makes_the_machine_slower(gauge):
    gauge.sample()
    first = gauge.machine()
    gauge.sample()
    second = gauge.machine()
    assert second.peak_one_core >= first.peak_one_core
    assert second.peak >= first.peak
    assert second.bandwidth >= first.bandwidth
