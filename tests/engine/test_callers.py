"""Whether a short call lets go of the GIL."""

from __future__ import annotations

import os

import pytest

from fastconv.engine import callers
from fastconv.engine.callers import CLOSE, HOLD, PAUSE, Callers


@pytest.fixture
def clock(monkeypatch):
    """A time that stands still: clock.now."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(callers, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(callers, "available_threads", lambda: 2)
    return Clock


def _calls(clock, who: Callers, interval: float, times: int) -> list[bool]:
    answers = []
    for _ in range(times):
        clock.now += interval
        answers.append(who.let_go())
    return answers


def _close_calls(clock, who: Callers) -> bool:
    return _calls(clock, who, CLOSE / 2, int(4 * HOLD / CLOSE))[-1]


def test_calls_that_are_close_let_go(clock):
    who = Callers()
    assert not who.let_go()
    assert _close_calls(clock, who)
    assert who.taken[0] == 1


def test_calls_that_are_not_close_hold_on(clock):
    who = Callers()
    assert _close_calls(clock, who)
    assert not _calls(clock, who, 2 * CLOSE, 100)[-1]


def test_after_a_pause_calls_hold_on_for_as_long_as_another_thread_may(clock):
    who = Callers()
    assert _close_calls(clock, who)
    clock.now += 2 * PAUSE
    answers = _calls(clock, who, CLOSE / 2, int(4 * HOLD / CLOSE))
    held = answers.index(True) * CLOSE / 2
    assert HOLD <= held <= HOLD + CLOSE
    assert all(answers[answers.index(True):])


def test_where_there_is_one_processor_calls_hold_on(clock, monkeypatch):
    monkeypatch.setattr(callers, "available_threads", lambda: 1)
    who = Callers()
    assert not _close_calls(clock, who)
    assert who.taken[0] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_callers_of_its_own():
    before = callers.callers
    child = os.fork()
    if child == 0:
        os._exit(callers.callers is before)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
