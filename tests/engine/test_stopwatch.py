"""Timing the calls of a program."""

from __future__ import annotations

import time

import numpy as np
import pytest

import fastconv as fc
from fastconv.engine.stopwatch import Stopwatch
from fastconv.kernels.stamp import ticks
from fastconv.nn.sessions import InferenceSession
from tests.networks import normal, small_network


@pytest.fixture
def watched():
    """A session of one thread, what runs it on three groups of images, and their results."""
    model, x, before = small_network(), normal(0, 40, 1, 6, 6), fc.get_num_threads()
    fc.set_num_threads(1)
    session = InferenceSession(model, x.shape, x.dtype)
    results = np.zeros((40, 3), np.float32)
    yield session, lambda: session.run(40, x, results=results), results, model(x)
    fc.set_num_threads(before)


def test_results_are_the_same_with_and_without_stamps(watched):
    session, run, results, expected = watched
    watch = Stopwatch(session)
    seen = []
    watch.measure(lambda: (run(), seen.append(results.copy())), 2)
    assert len(seen) == 6
    for each in seen:
        np.testing.assert_array_equal(each, expected)


def test_the_session_has_its_own_program_again(watched):
    session, run, *_ = watched
    program = session.program
    Stopwatch(session).measure(run, 1)
    assert session.program is program


def test_calls_take_time_and_together_about_as_long_as_the_program(watched):
    session, run, *_ = watched
    each, whole = Stopwatch(session).measure(run, 50)
    assert each.shape == (50, len(Stopwatch(session).calls))
    assert each.min() >= 0
    # The program is so short that calling it counts as well.
    assert each.sum(axis=1).min() < whole.min() < each.sum(axis=1).min() + 100e-6


def test_weights_are_packed_before_anything_counts(watched):
    session, run, *_ = watched
    watch = Stopwatch(session)
    each, _ = watch.measure(run, 3)
    packing = [number for number, (_, grouped) in enumerate(watch.calls) if not grouped]
    assert packing
    assert each[:, packing].max() == 0


def test_ticks_go_at_one_rate():
    rates = []
    for _ in range(5):
        start, begun = time.perf_counter(), ticks()
        time.sleep(0.02)
        rates.append((ticks() - begun) / (time.perf_counter() - start))
    assert np.median(rates) > 1e6
    assert np.median(np.abs(np.array(rates) / np.median(rates) - 1)) < 0.02
