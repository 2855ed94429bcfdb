"""Files of compiled kernels; tests/test_cache.py has what processes make of them."""

import pytest

from fastconv.kernels import cache
from fastconv.kernels.cache import Entry, KernelCache

ENTRY = Entry("module.function", "x86-64-v3", "target", "signature", "stamp")


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Two folders, as the package's and the user's."""
    both = [tmp_path / "package", tmp_path / "user"]
    monkeypatch.setattr(cache, "folders", lambda: both)
    monkeypatch.setattr(cache, "PACKAGE_FOLDER", both[0])
    return both


def test_a_name_tells_the_entry():
    assert Entry.of_name(ENTRY.name) == ENTRY


@pytest.mark.parametrize("name", [
    "function-133.py311.1.nbc", "function-133.py311.nbi", f"{ENTRY.name}.0123abcd", ".nbc"])
def test_other_files_are_no_entries(name):
    assert Entry.of_name(name) is None


def test_what_is_written_is_read_back(folders):
    assert ENTRY.read() is None
    assert ENTRY.write(b"code")
    assert ENTRY.read() == b"code"
    assert [entry for entry, _ in cache.entries(folders[0])] == [ENTRY]
    assert list(cache.entries(folders[1])) == []


def test_a_damaged_file_is_passed_over_for_a_sound_one_in_the_next_folder(folders):
    assert ENTRY.write(b"code")
    folders[1].mkdir()
    (folders[0] / ENTRY.name).rename(folders[1] / ENTRY.name)
    (folders[0] / ENTRY.name).write_bytes(cache.MAGIC + bytes(40))
    assert ENTRY.read() == b"code"


def test_what_the_first_folder_cannot_take_goes_to_the_next(folders):
    folders[0].write_text("a file, so that it can hold none")
    assert ENTRY.write(b"code")
    assert [entry for entry, _ in cache.entries(folders[1])] == [ENTRY]


def test_the_packages_folder_forgets_kernels_of_older_sources_and_the_users_does_not(folders):
    older = Entry("module.function", "x86-64-v3", "target", "signature", "older")
    for folder in folders:
        folder.mkdir()
        (folder / older.name).write_bytes(b"")
    assert ENTRY.write(b"code")
    assert [entry for entry, _ in cache.entries(folders[0])] == [ENTRY]
    folders[0].joinpath(ENTRY.name).unlink()
    folders[0].rmdir()
    folders[0].write_text("")
    assert ENTRY.write(b"code")
    assert {entry for entry, _ in cache.entries(folders[1])} == {ENTRY, older}


def test_a_function_that_captures_something_or_has_no_file_is_not_kept():
    value = 3
    assert KernelCache(lambda: value).entry("()") is None
    names: dict = {}
    exec("def without_file(): pass", names)
    assert KernelCache(names["without_file"]).entry("()") is None
    assert KernelCache(cache.target).entry("()") is not None


def test_signatures_and_functions_have_entries_of_their_own():
    entries = {KernelCache(function).entry(signature) for function in (cache.target, cache.is_writable, cache.entries)
               for signature in ("(int64)", "(int32)")}
    assert len(entries) == 6
