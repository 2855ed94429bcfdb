import multiprocessing
import sys

import pytest

from fastconv.errors import RunError
from fastconv.runs.lock import Lock, is_locked


def hold(folder, sender):
    """Holds the folder until its process is killed."""
    Lock(folder)
    sender.send("held")
    sender.recv()


def test_a_folder_is_held_once_and_free_again_when_released(tmp_path):
    lock = Lock(tmp_path)
    assert is_locked(tmp_path)
    with pytest.raises(RunError, match=f"{tmp_path.name}: another process is training in this run"):
        Lock(tmp_path)
    lock.release()
    assert not is_locked(tmp_path)
    Lock(tmp_path).release()


def test_a_folder_without_a_lock_file_is_free(tmp_path):
    assert not is_locked(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_process_that_is_killed_holds_nothing(tmp_path):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() == "held"
    assert is_locked(tmp_path)
    with pytest.raises(RunError):
        Lock(tmp_path)
    process.kill()
    process.join()
    Lock(tmp_path).release()
