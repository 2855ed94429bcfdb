"""The team of threads: all of it at work on each job, whole again after any failure, and sound after a fork."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

import fastconv as fc
from fastconv.engine import team as teams
from fastconv.engine.team import Team
from tests.processes import in_child

PATIENCE_SECONDS = 60


def assert_whole(team: Team, threads: int) -> None:
    """Asserts that the team runs a job once on each worker, all of them at once, each on a thread of its own."""
    together = threading.Barrier(threads, timeout=PATIENCE_SECONDS)
    places: list[tuple[int, int]] = []

    def job(worker: int) -> None:
        together.wait()
        places.append((worker, threading.get_ident()))

    team.run(job, threads)
    assert sorted(worker for worker, _ in places) == list(range(threads))
    assert len({thread for _, thread in places}) == threads
    assert (0, threading.get_ident()) in places


@pytest.fixture
def num_threads():
    """Sets the number of threads for one test."""
    before = fc.get_num_threads()
    yield fc.set_num_threads
    fc.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_job_runs_on_all_workers_at_once_and_worker_0_is_the_caller(threads):
    assert_whole(Team(), threads)


def test_jobs_may_need_more_or_fewer_workers_than_the_last():
    team = Team()
    for threads in (2, 4, 1, 3):
        assert_whole(team, threads)


def test_the_same_threads_serve_every_job():
    team, threads = Team(), set()
    for _ in range(20):
        together = threading.Barrier(3, timeout=PATIENCE_SECONDS)
        team.run(lambda worker, together=together: (together.wait(), threads.add(threading.get_ident())), 3)
    assert len(threads) == 3


@pytest.mark.parametrize("failing", [{0}, {1}, {2}, {1, 2}, {0, 1, 2}], ids=str)
def test_an_error_reaches_the_caller_and_the_team_stays_whole(failing):
    team = Team()
    together = threading.Barrier(3, timeout=PATIENCE_SECONDS)

    def job(worker: int) -> None:
        together.wait()
        if worker in failing:
            raise ZeroDivisionError(f"worker {worker}")

    with pytest.raises(ZeroDivisionError, match="worker"):
        team.run(job, 3)
    for _ in range(3):
        assert_whole(team, 3)


def test_a_job_inside_a_job_runs_on_its_caller_alone():
    team, inner = Team(), []
    team.run(lambda worker: team.run(inner.append, 3) if worker == 0 else None, 2)
    assert inner == [0]


def test_a_second_thread_that_finds_the_team_busy_works_alone():
    team, inner = Team(), []
    started, release = threading.Event(), threading.Event()

    def job(worker: int) -> None:
        started.set()
        assert release.wait(PATIENCE_SECONDS)

    first = threading.Thread(target=team.run, args=(job, 2))
    first.start()
    assert started.wait(PATIENCE_SECONDS)
    team.run(inner.append, 3)
    assert inner == [0]
    release.set()
    first.join()
    assert_whole(team, 3)


def interruption(during_wait: bool) -> Callable[[int, threading.Event], None]:
    """What each of three workers does, so that a Ctrl-C reaches the caller in its own work or while it waits."""
    caller = threading.get_ident()

    def job(worker: int, interrupted: threading.Event) -> None:
        if worker == 0 and not during_wait:
            interrupted.set()
            raise KeyboardInterrupt
        if worker == 1 and during_wait:
            signal.pthread_kill(caller, signal.SIGINT)
        if worker != 0:
            assert interrupted.wait(PATIENCE_SECONDS)

    return job


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signal can be sent to one thread")
@pytest.mark.parametrize("during_wait", [False, True], ids=["in its own work", "while it waits"])
def test_an_interrupted_caller_waits_for_all_helpers_and_the_team_stays_whole(during_wait):
    team, interrupted, finished = Team(), threading.Event(), []
    assert_whole(team, 3)
    job = interruption(during_wait)

    def slow_job(worker: int) -> None:
        job(worker, interrupted)
        sum(range(worker * 1_000_000))  # a caller that does not wait would be back before this
        finished.append(worker)

    def on_interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGINT, on_interrupt)
    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(PATIENCE_SECONDS)  # helpers run when the caller waits for them, not before
    try:
        with pytest.raises(KeyboardInterrupt):
            team.run(slow_job, 3)
        assert set(finished) >= {1, 2}
    finally:
        sys.setswitchinterval(switch_interval)
        signal.signal(signal.SIGINT, handler)
    for _ in range(3):
        assert_whole(team, 3)


def outputs(model: fc.nn.Layer, threads: int) -> bytes:
    """What a model makes of some images, computed with a number of threads."""
    fc.set_num_threads(threads)
    return model(np.random.default_rng(0).random((100, 1, 28, 28), np.float32)).tobytes()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_model_used_before_gives_the_same_bits_in_a_child_process(method, num_threads):
    model = fc.models.lenet5()
    expected = outputs(model, 3)
    assert in_child(method, outputs, model, 3) == expected
    assert outputs(model, 3) == expected


def test_a_child_forked_while_the_team_is_busy_has_a_team_of_its_own(num_threads):
    model = fc.models.lenet5()
    expected = outputs(model, 3)
    started, release = threading.Event(), threading.Event()

    def job(worker: int) -> None:
        started.set()
        assert release.wait(PATIENCE_SECONDS)

    busy = threading.Thread(target=teams.team.run, args=(job, 2))
    busy.start()
    try:
        assert started.wait(PATIENCE_SECONDS)
        assert in_child("fork", outputs, model, 3) == expected
    finally:
        release.set()
        busy.join()


def available(monkeypatch: pytest.MonkeyPatch, cpus: int, quota: str | None) -> int:
    """The threads of a process that may use some CPUs, in a container whose cpu.max holds `quota`."""

    def open_quota(path: str, *_: object) -> io.StringIO:
        if quota is None:
            raise FileNotFoundError(path)
        return io.StringIO(quota)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cpus)), raising=False)
    monkeypatch.setattr(teams, "open", open_quota, raising=False)
    return teams.available_threads()


@pytest.mark.parametrize(
    ("quota", "threads"),
    [
        pytest.param("max 100000\n", 8, id="no limit"),
        pytest.param("200000 100000\n", 2, id="two CPUs"),
        pytest.param("250000 100000\n", 3, id="two and a half CPUs"),
        pytest.param("10000 100000\n", 1, id="a tenth of a CPU"),
        pytest.param("6400000 100000\n", 8, id="more CPUs than there are"),
        pytest.param(None, 8, id="no control group"),
        pytest.param("", 8, id="an empty file"),
        pytest.param("many 100000\n", 8, id="no number"),
    ],
)
def test_a_containers_quota_limits_the_threads(monkeypatch, quota, threads):
    assert available(monkeypatch, 8, quota) == threads


def test_a_process_kept_to_some_cpus_has_as_many_threads(monkeypatch):
    assert available(monkeypatch, 3, None) == 3


def test_without_an_affinity_mask_all_cpus_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    monkeypatch.setattr(teams, "_container_quota", lambda: None)
    assert teams.available_threads() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert teams.available_threads() == 1


def test_the_number_of_threads_is_what_was_set(num_threads):
    num_threads(7)
    assert fc.get_num_threads() == 7


@pytest.mark.parametrize("threads", [0, -1])
def test_fewer_threads_than_one_are_refused(threads, num_threads):
    before = fc.get_num_threads()
    with pytest.raises(ValueError, match=f"at least 1, got {threads}"):
        num_threads(threads)
    assert fc.get_num_threads() == before


@pytest.mark.parametrize("threads", [1.0, "2", None, True], ids=repr)
def test_a_number_of_threads_that_is_no_integer_is_refused(threads, num_threads):
    before = fc.get_num_threads()
    with pytest.raises(TypeError, match="must be an integer, got"):
        num_threads(threads)
    assert fc.get_num_threads() == before
