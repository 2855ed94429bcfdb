"""How many threads work at once: by default no more than the process may use CPUs, or as many as were set."""

from __future__ import annotations

import io
import os

import pytest

import fastconv as fc
from fastconv.engine import threads


def available(monkeypatch: pytest.MonkeyPatch, cpus: int, quota: str | None) -> int:
    """The threads of a process that may use some CPUs, in a container whose cpu.max holds `quota`."""

    def open_quota(path: str, *_: object) -> io.StringIO:
        if quota is None:
            raise FileNotFoundError(path)
        return io.StringIO(quota)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cpus)), raising=False)
    monkeypatch.setattr(threads, "open", open_quota, raising=False)
    return threads.available_threads()


@pytest.mark.parametrize(
    ("quota", "expected"),
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
def test_a_containers_quota_limits_the_threads(monkeypatch, quota, expected):
    assert available(monkeypatch, 8, quota) == expected


@pytest.mark.parametrize(("quota", "expected"), [("150000\n", 2), ("-1\n", 8)], ids=["one and a half CPUs", "no limit"])
def test_a_quota_of_control_groups_of_version_1_limits_the_threads(monkeypatch, quota, expected):
    files = {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota, "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}

    def open_quota(path: str, *_: object) -> io.StringIO:
        if path not in files:
            raise FileNotFoundError(path)
        return io.StringIO(files[path])

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "open", open_quota, raising=False)
    assert threads.available_threads() == expected


def test_a_process_kept_to_some_cpus_has_as_many_threads(monkeypatch):
    assert available(monkeypatch, 3, None) == 3


def test_without_an_affinity_mask_all_cpus_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    monkeypatch.setattr(threads, "_container_quota", lambda: None)
    assert threads.available_threads() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads.available_threads() == 1


def test_at_first_there_are_as_many_threads_as_are_available(monkeypatch):
    monkeypatch.setattr(threads, "_threads", None)
    assert available(monkeypatch, 6, "400000 100000") == 4
    assert fc.get_num_threads() == 4


def test_the_number_of_threads_is_what_was_set(num_threads):
    num_threads(7)
    assert fc.get_num_threads() == 7


@pytest.mark.parametrize("number", [0, -1])
def test_fewer_threads_than_one_are_refused(number, num_threads):
    before = fc.get_num_threads()
    with pytest.raises(ValueError, match=f"at least 1, got {number}"):
        num_threads(number)
    assert fc.get_num_threads() == before


@pytest.mark.parametrize("number", [1.0, "2", None, True], ids=repr)
def test_a_number_of_threads_that_is_no_integer_is_refused(number, num_threads):
    before = fc.get_num_threads()
    with pytest.raises(TypeError, match="must be an integer, got"):
        num_threads(number)
    assert fc.get_num_threads() == before
