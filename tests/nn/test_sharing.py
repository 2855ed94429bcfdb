"""Whether threads share an image, by what that has taken so far."""

from __future__ import annotations

import pytest

from fastconv.nn.sharing import PROBE, Sharing

ALONE = 200e-6


def _shares(sharing: Sharing, shared_seconds: float, images: int) -> list[bool]:
    """Which of so many images are shared, if one by one they take ALONE."""
    answers = []
    for _ in range(images):
        answers.append(sharing.pays())
        sharing.took(answers[-1], shared_seconds if answers[-1] else ALONE)
    return answers


@pytest.mark.parametrize(("shared_seconds", "shared"), [(150e-6, True), (400e-6, False)])
def test_images_go_the_faster_way_but_for_a_few(shared_seconds, shared):
    sharing = Sharing()
    _shares(sharing, shared_seconds, 2)
    assert _shares(sharing, shared_seconds, 10 * PROBE).count(not shared) == 10


def test_the_way_changes_with_the_machine():
    sharing = Sharing()
    _shares(sharing, 150e-6, 2 * PROBE)
    assert not any(_shares(sharing, 400e-6, PROBE - 1)[10:])
    assert all(_shares(sharing, 150e-6, 2 * PROBE)[-PROBE + 1:])


def test_a_single_long_time_changes_nothing():
    sharing = Sharing()
    _shares(sharing, 150e-6, 4)
    sharing.took(shared=True, seconds=1.0)
    assert all(_shares(sharing, 150e-6, 4))
