"""Profiles by HYPOTHESIS_PROFILE: "quick", "thorough", and "fixed", which draws the same examples each time."""

import os
import signal

import pytest
from hypothesis import settings

import fastconv as fc

# No deadline: the first example of a test may compile a kernel.
settings.register_profile("quick", deadline=None, derandomize=False, max_examples=25)
settings.register_profile("thorough", deadline=None, derandomize=False, max_examples=500)
settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them are about.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def torch():
    """PyTorch; without it the test is skipped."""
    return pytest.importorskip("torch")


@pytest.fixture
def num_threads():
    """Sets the number of threads until the test ends."""
    before = fc.get_num_threads()
    yield fc.set_num_threads
    fc.set_num_threads(before)
