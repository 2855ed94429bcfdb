"""Whether several threads call at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from fastconv.engine import callers
from fastconv.engine.callers import CLOSE, GONE, Callers


@pytest.fixture
def clock(monkeypatch):
    """A time that stands still: clock.now."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(callers, "monotonic", lambda: Clock.now)
    monkeypatch.setattr(callers, "available_threads", lambda: 2)
    return Clock


def _in_thread(call: Callable[[], object]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def _close_calls(clock, who: Callers, times: int = 100) -> bool:
    for _ in range(times):
        clock.now += CLOSE / 2
        several = who.several()
    return several


def test_one_thread_is_not_several(clock):
    who = Callers()
    who.several()
    clock.now += 2 * GONE
    assert not _close_calls(clock, who)
    assert who.taken[0] == 0


def test_two_threads_that_call_all_the_time_are_several(clock):
    who = Callers()
    _close_calls(clock, who)
    _in_thread(lambda: _close_calls(clock, who))
    assert _close_calls(clock, who)
    assert who.taken[0] == 1


def test_a_thread_that_has_gone_is_forgotten(clock):
    who = Callers()
    _in_thread(lambda: _close_calls(clock, who))
    assert _close_calls(clock, who)
    clock.now += 2 * GONE
    assert not _close_calls(clock, who)


def test_threads_that_do_something_else_between_calls_are_not_several(clock):
    who, answers = Callers(), []

    def call() -> None:
        clock.now += 2 * CLOSE
        answers.append(who.several())

    for _ in range(100):
        call()
        _in_thread(call)
    assert not any(answers)


def test_where_there_is_one_processor_threads_are_not_several(clock, monkeypatch):
    monkeypatch.setattr(callers, "available_threads", lambda: 1)
    who = Callers()
    _in_thread(lambda: _close_calls(clock, who))
    assert not _close_calls(clock, who)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_callers_of_its_own():
    before = callers.callers
    child = os.fork()
    if child == 0:
        os._exit(callers.callers is before)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
