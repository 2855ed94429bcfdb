"""Profiles by HYPOTHESIS_PROFILE: "quick", "thorough", and "fixed", which draws the same examples each time."""

import os
import signal

from hypothesis import settings

# No deadline: the first example of a test may compile a kernel.
settings.register_profile("quick", deadline=None, derandomize=False, max_examples=25)
settings.register_profile("thorough", deadline=None, derandomize=False, max_examples=500)
settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them are about.
signal.signal(signal.SIGINT, signal.default_int_handler)
