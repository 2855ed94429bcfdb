"""The team of threads: shared by jobs that follow each other, refused to none, sound after interrupts and forks."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from functools import partial

import numpy as np
import pytest

import fastconv as fc
from fastconv.engine import team as teams
from fastconv.engine.team import Team, keep_off_this_cpu
from tests.jobs import PATIENCE_SECONDS, Job, meeting
from tests.processes import in_child


def assert_shared(team: Team, workers: int) -> set[int]:
    """Asserts that all workers come to a job, each on a thread of its own, the first on the caller's; returns these.

    A helper may be late for a job and is then not waited for; so there are more jobs until all come to one.
    """
    places: dict[int, int] = {}
    for _ in range(PATIENCE_SECONDS):
        meet = meeting(workers, seconds=1)

        def work_together(worker: int, unit: int, meet=meet) -> None:
            with contextlib.suppress(threading.BrokenBarrierError):
                meet()
                places[worker] = threading.get_ident()

        Job(workers, workers, work_together).run(partial(team.run, workers=workers))
        if places:
            break
    assert sorted(places) == list(range(workers))
    assert len(set(places.values())) == workers
    assert places[0] == threading.get_ident()
    return set(places.values())


def assert_alone(team: Team, workers: int) -> None:
    """Asserts that the caller does a whole job by itself."""
    places: list[tuple[int, int, int]] = []
    job = Job(workers, 3, lambda worker, unit: places.append((worker, unit, threading.get_ident())))
    job.run(partial(team.run, workers=workers))
    assert places == [(0, unit, threading.get_ident()) for unit in range(3)]


@contextlib.contextmanager
def kept_busy(team: Team):
    """A context in which another thread uses the team."""
    started, release = threading.Event(), threading.Event()

    def occupy(worker: int, unit: int) -> None:
        started.set()
        assert release.wait(PATIENCE_SECONDS)

    user = threading.Thread(target=Job(2, 1, occupy).run, args=(partial(team.run, workers=2),))
    user.start()
    try:
        assert started.wait(PATIENCE_SECONDS)
        yield
    finally:
        release.set()
        user.join()


def test_jobs_are_shared_by_all_workers_whether_more_or_fewer_than_for_the_last():
    team = Team()
    for workers in (2, 4, 1, 3):
        assert_shared(team, workers)


def test_the_same_threads_serve_every_job_whether_they_watch_or_sleep():
    team = Team()
    threads = assert_shared(team, 3)
    for pause in (0, 1_000_000, 0):
        sum(range(pause))  # the long one is many times their patience
        assert assert_shared(team, 3) == threads


def test_one_worker_starts_no_thread():
    before = threading.active_count()
    assert_alone(Team(), 1)
    assert threading.active_count() == before


def test_every_unit_is_done_once_by_however_many_workers():
    team, units = Team(), 50
    counts = np.zeros(units, np.int64)
    guard = threading.Lock()

    def count(worker: int, unit: int) -> None:
        with guard:
            counts[unit] += 1

    job = Job(4, units, count)
    for done in range(1, 101):
        job.run(partial(team.run, workers=1 + done % 4))
        assert (counts == done).all()


def test_a_job_inside_a_job_is_done_by_its_caller_alone():
    team = Team()
    Job(3, 3, lambda worker, unit: assert_alone(team, 3)).run(partial(team.run, workers=3))
    assert_shared(team, 3)


def test_a_thread_that_finds_the_team_busy_works_alone():
    team = Team()
    with kept_busy(team):
        assert_alone(team, 3)
    assert_shared(team, 3)


def test_where_no_thread_can_be_started_the_caller_works_alone(monkeypatch):
    team = Team()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert_alone(team, 3)
    monkeypatch.undo()
    assert_shared(team, 3)


@pytest.mark.skipif(os.name == "nt", reason="C functions have to be looked up elsewhere")
def test_a_team_whose_job_was_interrupted_is_free_for_the_next():
    team = Team()
    job = Job(2, 1, lambda worker, unit: None)
    for calls in job.calls:
        calls[0] = ctypes.cast(getattr(ctypes.CDLL(None), "raise"), ctypes.c_void_p).value, signal.SIGINT, 0
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            job.run(partial(team.run, workers=2))
    finally:
        signal.signal(signal.SIGINT, handler)
    assert_shared(team, 3)


@pytest.fixture
def kept_num_threads():
    """The number of threads, as it was before the test."""
    before = fc.get_num_threads()
    yield
    fc.set_num_threads(before)


def outputs(model: fc.nn.Layer, threads: int) -> bytes:
    """What a model makes of some images, computed with a number of threads."""
    fc.set_num_threads(threads)
    return model(np.random.default_rng(0).random((100, 1, 28, 28), np.float32)).tobytes()


@pytest.mark.usefixtures("kept_num_threads")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_model_used_before_gives_the_same_bits_in_a_child_process(method):
    model = fc.models.lenet5()
    expected = outputs(model, 3)
    assert in_child(method, outputs, model, 3) == expected
    assert outputs(model, 3) == expected


@pytest.mark.usefixtures("kept_num_threads")
def test_a_child_forked_while_the_team_is_busy_has_a_team_of_its_own():
    model = fc.models.lenet5()
    expected = outputs(model, 3)
    with kept_busy(teams.team):
        assert in_child("fork", outputs, model, 3) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a thread be kept off a CPU")
def test_a_thread_is_kept_off_the_cpu_of_its_waker_unless_there_is_no_other():
    allowed, done = os.sched_getaffinity(0), threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        keep_off_this_cpu(thread)
        left = os.sched_getaffinity(thread.native_id)
        assert left < allowed and len(left) == len(allowed) - 1 if len(allowed) > 1 else left == allowed
    finally:
        done.set()
        thread.join()
