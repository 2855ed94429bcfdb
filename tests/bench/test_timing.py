"""Timing in turns, by a clock that only the contenders move."""

from __future__ import annotations

import math
from collections import Counter
from types import SimpleNamespace

import pytest

from fastconv_bench import timing
from fastconv_bench.timing import LEAST_TURNS, Times, interleaved

#: The calls of each contender before it is timed: one that compiles, and two that tell how long a call takes.
WARM_UP = 3

LONG = 1.0  # seconds: a call that is a turn by itself
SHORT = 2.0**-14  # a call that is repeated for a sample
REPEATS = round(timing.SAMPLE_SECONDS / SHORT)
SAMPLES = math.ceil(timing.TURN_SECONDS / (REPEATS * SHORT))  # of a turn


class Race:
    """Contenders that take as long as they were told; the last duration is that of all further calls."""

    def __init__(self) -> None:
        self.now, self.calls, self.pauses = 0.0, [], []

    def contender(self, name, *durations):
        left = list(durations)

        def call():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call

    def run(self, seconds, **durations):
        """The times of contenders, and the calls made to time them, in order."""
        contenders = {name: self.contender(name, *each) for name, each in durations.items()}
        measured = interleaved(contenders, seconds)
        return measured, self.calls[WARM_UP * len(contenders):]


@pytest.fixture
def race(monkeypatch):
    race = Race()
    monkeypatch.setattr(timing, "time", SimpleNamespace(
        perf_counter=lambda: race.now, process_time=lambda: 0.0, sleep=race.pauses.append))
    return race


def test_contenders_take_turns_in_the_order_given(race):
    _, calls = race.run(5 * LONG, first=[LONG], second=[LONG], third=[LONG])
    assert calls == ["first", "second", "third"] * 5


def test_each_contender_is_warmed_up_before_any_is_timed(race):
    race.run(LONG, first=[LONG], second=[LONG])
    assert race.calls[:2 * WARM_UP] == ["first"] * WARM_UP + ["second"] * WARM_UP


def test_even_the_slowest_gets_the_least_turns(race):
    _, calls = race.run(0.5, slow=[LONG])
    assert calls == ["slow"] * LEAST_TURNS


def test_a_slow_contender_gets_fewer_turns_than_a_fast_one_for_the_same_time(race):
    _, calls = race.run(8.0, slow=[2.0], fast=[0.5])
    assert Counter(calls) == {"slow": 4, "fast": 16}
    assert calls[:8] == ["slow", "fast"] * 4


def test_a_short_call_is_repeated_until_a_sample_and_then_a_turn_is_long_enough(race):
    measured, calls = race.run(2 * LONG, short=[SHORT], long=[LONG])
    turn = ["short"] * (1 + SAMPLES * REPEATS)
    assert calls[:2 * len(turn) + 2] == [*turn, "long"] * 2
    assert measured["short"] == Times(SHORT, SHORT, 0.0)


def test_a_slow_first_call_counts_for_nothing(race):
    measured, calls = race.run(4 * LONG, compiled=[1000 * LONG, LONG])
    assert calls == ["compiled"] * 4
    assert measured["compiled"] == Times(LONG, LONG, 0.0)


def test_the_faster_of_two_calls_decides_how_often_one_is_repeated(race):
    _, calls = race.run(timing.TURN_SECONDS, disturbed=[LONG, LONG, SHORT])
    assert len(calls) == LEAST_TURNS * (1 + SAMPLES * REPEATS)


def test_a_pause_comes_before_every_turn(race):
    _, calls = race.run(5 * LONG, first=[LONG], second=[LONG])
    assert race.pauses == [timing.PAUSE_SECONDS] * len(calls)


@pytest.mark.parametrize(("busy", "pauses"), [(0, 1), (3, 4), (10**6, timing.LONGEST_PAUSES)])
def test_waiting_ends_when_threads_no_longer_use_a_core_or_it_has_been_long_enough(monkeypatch, busy, pauses):
    slept = []

    def used():
        return timing.PAUSE_SECONDS * min(len(slept), busy)

    monkeypatch.setattr(timing, "time", SimpleNamespace(
        perf_counter=lambda: timing.PAUSE_SECONDS * len(slept), process_time=used, sleep=slept.append))
    timing.wait_until_idle()
    assert slept == [timing.PAUSE_SECONDS] * pauses


def test_times_are_the_fastest_the_median_and_how_far_the_first_quartile_lies_above_the_fastest(race):
    measured, _ = race.run(21.0, only=[LONG, LONG, LONG, 4.0, 2.0, 3.0, 12.0])
    assert measured == {"only": Times(best=2.0, median=3.5, spread=0.5)}


def test_times_of_more_work_are_longer_and_spread_as_before():
    assert Times(best=0.5, median=0.75, spread=0.25).scaled(8) == Times(best=4.0, median=6.0, spread=0.25)
