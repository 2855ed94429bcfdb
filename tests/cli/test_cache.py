import importlib
import json

import pytest

from fastconv.kernels import cache

KEPT = cache.folders()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache of the test's own, for all but what every command loads."""
    importlib.import_module("fastconv.cache")
    monkeypatch.setattr(cache, "folders", lambda: [tmp_path / "kernels"])
    return tmp_path / "kernels"


def entry(cpu, target):
    return cache.Entry("module.function", cpu, target, "signature", "stamp")


def test_info_shows_the_kernels_of_each_processor(run, folder):
    here = cache.target()
    for each in (entry(*here), entry("haswell", "other")):
        assert each.write(b"code")
    (folder / "something else").write_text("not a kernel")
    document = json.loads(run("cache", "info", "--json").stdout)
    assert document["cpu"] == here[0]
    (found,) = document["folders"]
    size = (folder / entry(*here).name).stat().st_size
    assert (found["path"], found["writable"]) == (str(folder), True)
    assert sorted(found["kernels"], key=lambda each: each["usable"]) == [
        {"cpu": "haswell", "count": 1, "bytes": size, "usable": False},
        {"cpu": here[0], "count": 1, "bytes": size, "usable": True}]
    text = run("cache", "info").stdout
    assert "haswell: 1 kernels, 0.0 MB, for another processor, Python or Numba" in text
    assert f"{folder}  (new kernels go here)" in text


def test_info_of_a_folder_that_cannot_be_written_says_so(run, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "folders", lambda: [tmp_path / "file" / "kernels"])
    assert "(cannot be written)\n  empty" in run("cache", "info").stdout


def test_clear_deletes_the_kernels_of_all_processors_and_nothing_else(run, folder):
    for each in (entry(*cache.target()), entry("haswell", "other")):
        assert each.write(b"code")
    (folder / "something else").write_text("not a kernel")
    assert run("cache", "clear").stdout == "2 files deleted\n"
    assert [path.name for path in folder.iterdir()] == ["something else"]
    assert json.loads(run("cache", "clear", "--json").stdout) == {"deleted": 0}


def test_warm_counts_what_it_had_to_compile(run, model_file, monkeypatch, folder):
    monkeypatch.setattr(cache, "folders", lambda: [folder, *KEPT])  # most kernels are there already
    assert run("cache", "warm", model_file).exit_code == 0
    document = json.loads(run("cache", "warm", model_file, "--train", "--json").stdout)
    assert document["compiled"] >= 0
    again = json.loads(run("cache", "warm", model_file, "--train", "--json").stdout)
    assert again["compiled"] == 0


def test_warm_fails_in_one_line_where_nothing_can_be_kept(run, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "folders", lambda: [tmp_path / "file" / "kernels"])
    result = run("cache", "warm", "lenet5")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no folder for compiled kernels can be written (")
    assert result.stderr.count("\n") == 1


def test_warm_of_a_network_that_is_not_there_is_wrong_usage(run, tmp_path):
    result = run("cache", "warm", tmp_path / "missing.safetensors")
    assert result.exit_code == 2
    assert "missing.safetensors' is neither a file nor one of lenet5" in result.stderr
