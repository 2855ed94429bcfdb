"""Pools of sessions: one user at a time for each, as few as possible, and none that failed."""

from __future__ import annotations

import copy
import itertools
import pickle
import threading

import pytest

from fastconv.engine.pool import Pool


class Session:
    """A session with no work to do."""


def take(pool: Pool, key: object = "key") -> Session:
    """A session that is idle again."""
    with pool.session(key, Session) as session:
        return session


def test_a_session_is_used_again_under_its_key_and_no_other():
    pool = Pool()
    first = take(pool, "one")
    assert take(pool, "one") is first
    assert take(pool, "other") is not first


def test_users_at_the_same_time_get_a_session_each():
    pool = Pool()
    with pool.session("key", Session) as one, pool.session("key", Session) as other:
        assert one is not other
    with pool.session("key", Session) as one_again, pool.session("key", Session) as other_again:
        assert {id(one), id(other)} == {id(one_again), id(other_again)}


def test_threads_never_share_a_session():
    pool, rounds, threads = Pool(), 200, 8
    numbers = itertools.count()
    together = threading.Barrier(threads, timeout=60)
    users: dict[int, int] = {}
    shared: list[int] = []

    def use() -> None:
        together.wait()
        for _ in range(rounds):
            with pool.session("key", lambda: next(numbers)) as session:
                users[session] = threading.get_ident()
                pool.session("other", Session)
                if users[session] != threading.get_ident():
                    shared.append(session)

    workers = [threading.Thread(target=use) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert shared == []
    assert next(numbers) <= threads


def test_a_session_that_failed_is_forgotten():
    pool = Pool()
    with pytest.raises(ZeroDivisionError), pool.session("key", Session) as failed:
        raise ZeroDivisionError
    assert take(pool) is not failed


def test_a_session_that_cannot_be_made_leaves_the_pool_as_it_was():
    pool = Pool()
    with pytest.raises(ZeroDivisionError), pool.session("key", lambda: 1 // 0):
        pytest.fail("there is no session")
    first = take(pool)
    assert take(pool) is first


def test_a_cleared_pool_makes_new_sessions():
    pool = Pool()
    before = take(pool)
    pool.clear()
    assert take(pool) is not before


def test_a_session_in_use_while_the_pool_is_cleared_does_not_come_back():
    pool = Pool()
    with pool.session("key", Session) as old:
        pool.clear()
    assert take(pool) is not old


def test_beyond_the_most_keys_the_oldest_is_forgotten():
    pool = Pool(most_keys=2)
    first, second, third = (take(pool, key) for key in (1, 2, 3))
    assert take(pool, 3) is third
    assert take(pool, 2) is second
    assert take(pool, 1) is not first


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda pool: pickle.loads(pickle.dumps(pool))],
                         ids=["copy", "deepcopy", "pickle"])
def test_a_copy_of_a_pool_is_empty_and_apart_and_keeps_its_limit(duplicate):
    pool = Pool(most_keys=1)
    session = take(pool)
    other = duplicate(pool)
    assert take(other) is not session
    take(other, "second key")
    assert take(pool) is session
