"""Hypothesis profiles: "quick", and "thorough" with HYPOTHESIS_PROFILE=thorough."""

import os

from hypothesis import settings

# No deadline: the first example of a test may compile a kernel.
settings.register_profile("quick", deadline=None, derandomize=False, max_examples=25)
settings.register_profile("thorough", deadline=None, derandomize=False, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
