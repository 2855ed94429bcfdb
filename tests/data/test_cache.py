import sys
from pathlib import Path

import pytest

from fastconv.data.cache import cache_folder


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("FASTCONV_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/someone"))


@pytest.mark.parametrize(("platform", "folder"), [
    ("linux", "/home/someone/.cache/fastconv"), ("darwin", "/home/someone/Library/Caches/fastconv"),
    ("win32", "/home/someone/AppData/Local/fastconv/Cache"),
])
def test_each_system_has_its_folder_for_caches(monkeypatch, platform, folder):
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path(folder)


def test_environment_variables_come_first(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/fastconv")
    monkeypatch.setenv("FASTCONV_CACHE", "/mine")
    assert cache_folder() == Path("/mine")
