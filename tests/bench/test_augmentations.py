"""The cost of augmentation."""

from __future__ import annotations

from fastconv_bench.augmentations import AUGMENTATIONS, epochs, interleaved, lines


def test_lines_hold_every_augmentation_against_none():
    seconds = {"none": [0.02, 0.01, 0.03], "shift": [0.022, 0.011, 0.027]}
    told = [line.split() for line in lines(seconds, 1000)]
    assert told == [["none", "50,000", "images/s", "1.000×"], ["shift", "45,455", "images/s", "1.100×"]]


def test_every_augmentation_trains_in_turns():
    seconds = interleaved(epochs(32, AUGMENTATIONS), rounds=2)
    assert list(seconds) == list(AUGMENTATIONS)
    assert all(len(each) == 2 and min(each) > 0 for each in seconds.values())
