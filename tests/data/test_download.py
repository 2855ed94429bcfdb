"""Fetching from a server on this machine that can be as unreliable as any."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from fastconv.data import fetch
from fastconv.data.sources import SETS, Download
from fastconv.errors import DataError

CONTENT = np.random.default_rng(0).bytes(700_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `files`; cuts an answer off after `cut` bytes, and ignores ranges where `ranges` is False."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cut: int | None = None
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        name, wanted = self.path[1:], self.headers.get("Range")
        self.server.asked.append((name, wanted))
        if name not in self.server.files:
            self.send_error(404)
            return
        content, start = self.server.files[name], 0
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][:self.server.cut])

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def offer(server, monkeypatch):
    """Offers a data set "toy" of one file."""

    def make(content=CONTENT, md5=None, name="images", members=(), mirrors=("",)):
        server.files[name] = content
        urls = [(mirror or server.url) + name for mirror in mirrors]
        download = Download(name, md5 or hashlib.md5(content).hexdigest(), urls, members)
        monkeypatch.setitem(SETS, "toy", [download])

    return make


def test_a_file_is_downloaded_once_and_its_progress_is_told(server, offer, tmp_path):
    offer()
    told = []
    folder = fetch("toy", tmp_path / "new" / "toy", lambda *news: told.append(news))
    assert folder == tmp_path / "new" / "toy"
    assert (folder / "images").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["images"]
    assert told[0] == ("images", 0, len(CONTENT))
    assert told[-1] == ("images", len(CONTENT), len(CONTENT))
    fetch("toy", folder)
    assert len(server.asked) == 1


def test_the_cache_is_used_unless_told_otherwise(offer, tmp_path, monkeypatch):
    offer()
    monkeypatch.setenv("FASTCONV_CACHE", str(tmp_path / "cache"))
    assert fetch("toy") == tmp_path / "cache" / "toy"


def test_what_was_cut_off_goes_on_where_it_ended(server, offer, tmp_path):
    offer()
    server.cut = 300_000
    with pytest.raises(DataError, match="the connection ended after 300000 of 700000 bytes; try again"):
        fetch("toy", tmp_path)
    assert not (tmp_path / "images").exists()
    with pytest.raises(DataError, match="600000 of 700000"):
        fetch("toy", tmp_path)
    server.cut = None
    fetch("toy", tmp_path)
    assert (tmp_path / "images").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=300000-", "bytes=600000-"]


def test_a_server_without_ranges_sends_the_whole_file_again(server, offer, tmp_path):
    offer()
    server.ranges = False
    (tmp_path / ".images.part").write_bytes(b"x" * 800_000)
    fetch("toy", tmp_path)
    assert (tmp_path / "images").read_bytes() == CONTENT


def test_a_part_of_another_file_is_given_up(offer, tmp_path):
    offer()
    for wrong in (b"x" * 1000, b"x" * 800_000):
        (tmp_path / ".images.part").write_bytes(wrong)
        with pytest.raises(DataError, match=r"checksum .* what was received is gone"):
            fetch("toy", tmp_path)
        assert not list(tmp_path.iterdir())


def test_a_part_that_is_whole_already_is_taken(server, offer, tmp_path):
    offer()
    (tmp_path / ".images.part").write_bytes(CONTENT)
    fetch("toy", tmp_path)
    assert (tmp_path / "images").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_and_names_both(offer, tmp_path):
    offer(md5="0" * 32)
    with pytest.raises(DataError, match=f"expected the MD5 checksum {'0' * 32}, got {MD5}"):
        fetch("toy", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_next_mirror_is_tried_and_all_failures_are_told(server, offer, tmp_path):
    offer(mirrors=("http://127.0.0.1:9/", ""))
    fetch("toy", tmp_path / "a")
    offer(mirrors=("http://127.0.0.1:9/", ""))
    server.files.clear()
    with pytest.raises(DataError, match=r"refused.*the server answers 404 Not Found.*Is this computer online\?"):
        fetch("toy", tmp_path / "b")


def archive(kind, members):
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as zipped:
            for name, content in members.items():
                zipped.writestr(name, content)
    else:
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize(("kind", "name"), [("zip", "set.zip"), ("tar", "set.tar.gz")])
def test_of_an_archive_only_the_files_known_are_unpacked_into_the_folder(offer, server, tmp_path, kind, name):
    content = archive(kind, {"inner/a.bin": b"a", "../../b.bin": b"b", "/etc/evil": b"evil", "inner/readme": b"text"})
    offer(content, name=name, members=("a.bin", "b.bin"))
    fetch("toy", tmp_path / "set")
    assert {path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()} == {"a.bin": b"a", "b.bin": b"b"}
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    fetch("toy", tmp_path / "set")
    assert len(server.asked) == 1


@pytest.mark.parametrize(("kind", "name"), [("zip", "set.zip"), ("tar", "set.tar.gz")])
def test_an_archive_that_is_none_or_lacks_a_file_is_named(offer, tmp_path, kind, name):
    offer(archive(kind, {"a.bin": b"a"}), name=name, members=("a.bin", "b.bin"))
    with pytest.raises(DataError, match=f"{name}: expected to find b.bin in it"):
        fetch("toy", tmp_path)
    offer(b"no archive", name=name, members=("a.bin", "b.bin"))
    with pytest.raises(DataError, match=f"{name}: cannot be unpacked"):
        fetch("toy", tmp_path)


def test_unknown_names_are_refused():
    with pytest.raises(DataError, match="unknown data set 'imagenet': expected one of mnist, fashion-mnist"):
        fetch("imagenet")


def test_every_known_file_has_a_checksum_and_a_place():
    for downloads in SETS.values():
        for download in downloads:
            assert len(bytes.fromhex(download.md5)) == 16
            assert all(url.startswith("http") and url.endswith(download.name) for url in download.urls)
