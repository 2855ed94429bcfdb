"""Threads that work through a job together: every unit once, phases in order, nobody left behind."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest
from numba import cfunc

from fastconv.engine.team import Table
from fastconv.kernels import work
from fastconv.kernels.abi import pointer
from tests.jobs import Job, meeting


class Crew:
    """A leader and helpers that never go to sleep, so that each is certain to come to a job that waits for it."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._control = Table(work.CONTROL_SIZE)
        self._control.words[work.GATE] = work.CLOSED
        self._over = threading.Event()
        self._helpers = [threading.Thread(target=self._help, args=(number,)) for number in range(1, workers)]

    def _help(self, number: int) -> None:
        while not self._over.is_set():
            work.help_out(self._control.address, number)

    def __enter__(self) -> Crew:
        for helper in self._helpers:
            helper.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        for helper in self._helpers:
            helper.join()

    def do(self, table: Table) -> None:
        work.lead(self._control.address, self.workers, table.address)


def alone(table: Table) -> None:
    work.work_alone(table.address)


def test_one_thread_does_all_units_of_each_phase_in_order():
    done: list[tuple[str, int, int]] = []
    Job(1, 3, lambda *place: done.append(("first", *place)), lambda *place: done.append(("second", *place))).run(alone)
    assert done == [(phase, 0, unit) for phase in ("first", "second") for unit in range(3)]


def test_a_job_without_units_or_without_phases_ends():
    with Crew(3) as crew:
        Job(3, 0, lambda worker, unit: pytest.fail("there is nothing to do")).run(crew.do)
        Job(3, 1).run(crew.do)


def test_all_workers_take_part_at_once_each_on_a_thread_of_its_own_and_the_leader_is_worker_0():
    meet, places = meeting(4), {}

    def phase(worker: int, unit: int) -> None:
        meet()
        places[worker] = threading.get_ident()

    with Crew(4) as crew:
        Job(4, 4, phase).run(crew.do)
    assert sorted(places) == [0, 1, 2, 3]
    assert len(set(places.values())) == 4
    assert places[0] == threading.get_ident()


def test_helpers_beyond_the_workers_of_a_job_stay_out():
    meet, seen = meeting(2), set()

    def phase(worker: int, unit: int) -> None:
        meet()
        seen.add(worker)

    with Crew(4) as crew:
        crew.workers = 2
        for _ in range(20):
            Job(2, 2, phase).run(crew.do)
    assert seen == {0, 1}


def test_each_unit_is_done_once_in_job_after_job():
    units = 50
    counts = np.zeros((2, units), np.int64)
    guard = threading.Lock()

    def count(phase: int, unit: int) -> None:
        with guard:
            counts[phase, unit] += 1

    job = Job(4, units, lambda worker, unit: count(0, unit), lambda worker, unit: count(1, unit))
    with Crew(4) as crew:
        for jobs in range(1, 101):
            job.run(crew.do)
            assert (counts == jobs).all()


def test_a_job_begins_with_the_phase_asked_for_and_counts_those_before_it_as_finished():
    done: list[tuple[str, int]] = []
    job = Job(1, 2, *(lambda worker, unit, name=name: done.append((name, unit)) for name in ("one", "two", "three")))
    job.table.words[work.FIRST] = 1
    job.run(alone)
    assert done == [("two", 0), ("two", 1), ("three", 0), ("three", 1)]


def test_a_phase_begins_when_the_one_it_needs_is_finished_by_all():
    meet, finished, seen = meeting(3), [], []

    def first(worker: int, unit: int) -> None:
        meet()
        sum(range(unit * 300_000))  # one thread is done long before the others
        finished.append(unit)

    with Crew(3) as crew:
        Job(3, 3, first, lambda worker, unit: seen.append(len(finished))).run(crew.do)
    assert seen == [3, 3, 3]


def test_a_stopped_job_begins_no_further_phase_and_the_next_one_is_done_again_by_all():
    meet, begun = meeting(3), []

    def stop(worker: int, unit: int) -> None:
        meet()
        job.stop[0] = 1

    job = Job(3, 3, stop, lambda worker, unit: begun.append(unit))
    with Crew(3) as crew:
        job.run(crew.do)
        assert begun == []
        job.stop[0] = 0
        meet_again = meeting(3)
        Job(3, 3, lambda worker, unit: meet_again()).run(crew.do)


@cfunc("void(int64, int64)")
def until_set(word, unit):
    """A kernel that waits, without the GIL, for the word at an address."""
    while work._get(pointer(np.int64, word), 0) == 0:
        work._pause()


def test_the_leader_returns_when_the_helper_inside_has_finished():
    entered, finished = np.zeros(1, np.int64), []

    def slow(worker: int, unit: int) -> None:
        entered[0] = 1
        sum(range(2_000_000))  # a leader that does not wait would be back before this
        finished.append(worker)

    job = Job(2, 2, slow)
    job.calls[0][0] = until_set.address, entered.ctypes.data, 0
    with Crew(2) as crew:
        job.run(crew.do)
        assert finished == [1]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signal can be sent to one thread")
def test_an_interrupted_leader_returns_when_the_helper_inside_has_finished():
    entered, finished, leader = np.zeros(1, np.int64), [], threading.get_ident()

    def interrupt(worker: int, unit: int) -> None:
        entered[0] = 1
        signal.pthread_kill(leader, signal.SIGINT)
        sum(range(2_000_000))
        finished.append(worker)

    job = Job(2, 2, interrupt)
    job.calls[0][0] = until_set.address, entered.ctypes.data, 0
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Crew(2) as crew:
            with pytest.raises(KeyboardInterrupt):
                job.run(crew.do)
            assert finished == [1]
    finally:
        signal.signal(signal.SIGINT, handler)
