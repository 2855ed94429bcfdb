"""Whether threads share an image, by what that has taken so far."""

from __future__ import annotations

import pytest

from fastconv.nn.sharing import PERIOD, TRIAL, Sharing

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
    _shares(sharing, shared_seconds, PERIOD)
    assert 10 <= _shares(sharing, shared_seconds, 10 * PERIOD).count(not shared) <= 10 * TRIAL


def test_the_way_changes_with_the_machine():
    sharing = Sharing()
    _shares(sharing, 150e-6, PERIOD + TRIAL)
    assert not any(_shares(sharing, 400e-6, PERIOD - TRIAL - 1)[10:])
    assert all(_shares(sharing, 150e-6, 2 * PERIOD)[-PERIOD + 2 * TRIAL:])


def test_a_thread_that_has_to_wake_up_first_is_given_the_time():
    sharing, before = Sharing(), False
    for _ in range(PERIOD + TRIAL):
        shared = sharing.pays()
        sharing.took(shared, 150e-6 if shared and before else 300e-6 if shared else ALONE)
        before = shared
    assert all(_shares(sharing, 150e-6, PERIOD - TRIAL - 1))


def test_a_single_long_time_changes_nothing():
    sharing = Sharing()
    _shares(sharing, 150e-6, PERIOD + TRIAL)
    sharing.took(shared=True, seconds=1.0)
    assert all(_shares(sharing, 150e-6, TRIAL))
