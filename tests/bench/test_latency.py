"""How long calls take, and how evenly."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv_bench.latency import contenders, durations, lines


def test_lines_tell_medians_their_ratios_and_the_slowest_percent():
    seconds = {"ours": np.full(1000, 1e-5), "theirs": np.r_[np.full(980, 2e-5), np.full(20, 5e-5)]}
    assert [line.split() for line in lines(seconds)] == [
        ["ours", "median", "10.0", "µs", "1.00×", "99th", "percentile", "1.00×", "the", "median"],
        ["theirs", "median", "20.0", "µs", "2.00×", "99th", "percentile", "2.50×", "the", "median"]]


def test_every_call_is_timed():
    seconds = durations({"ours": lambda: None, "theirs": lambda: None}, 501)
    assert [len(each) for each in seconds.values()] == [501, 501]


@pytest.mark.slow
def test_all_contenders_run_the_network():
    calls = contenders("lenet5", 2)
    assert {"fastconv", "NumPy", "plain Python"} <= calls.keys()
    assert calls["fastconv"]().shape == calls["NumPy"]().shape == (2, 10)
