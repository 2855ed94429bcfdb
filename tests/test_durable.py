import os

import pytest

from fastconv.durable import remove_leftovers, write_file


def test_a_file_is_replaced_as_a_whole(tmp_path):
    for content in (b"one", b"another", b""):
        write_file(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_whatever_fails_the_file_is_as_it_was_and_the_error_names_it(tmp_path, monkeypatch, name):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    write_file(tmp_path / "file", b"before")
    with monkeypatch.context() as patched:
        patched.setattr(os, name, fail)
        with pytest.raises(OSError, match=r"No space left on device: .*file'"):
            write_file(tmp_path / "file", b"after")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"before")]


def test_content_and_name_are_on_the_disk_in_this_order(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("sync"), sync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("name"), replace(*names)))
    write_file(tmp_path / "file", b"content")
    assert done == ["sync", "name", "sync"][:3 if os.name == "posix" else 2]


def test_only_what_a_killed_process_left_is_removed(tmp_path):
    for name in (".file.0123abcd", ".file.txt", ".other.0123abcd", "file"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, "file")
    assert {path.name for path in tmp_path.iterdir()} == {".file.txt", ".other.0123abcd", "file"}
