"""Downloading the public data sets: checked, resumed, and never half there."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from fastconv.data.cache import cache_folder
from fastconv.data.sources import SETS, Download
from fastconv.errors import DataError

CHUNK = 1 << 18
PATIENCE_SECONDS = 30.0

#: Called with a file's name, the bytes of it that are there, and how many it has (None where the server does not say).
Progress = Callable[[str, int, int | None], None]


def fetch(name: str, folder: str | os.PathLike[str] | None = None, progress: Progress | None = None) -> Path:
    """Downloads what is not there yet of a data set and returns its folder, for `load`.

    name: "mnist", "fashion-mnist", "kmnist", "emnist", "cifar10" or "cifar100".
    folder: where to put it; in `cache_folder()`, under its name, where not given.

    A file appears under its name only when it is complete and has the checksum its publishers state. A download that
    was cut off goes on where it ended. Raises DataError that says for each mirror what went wrong; OSError where the
    folder cannot be written.
    """
    if name not in SETS:
        raise DataError(f"unknown data set {name!r}: expected one of {', '.join(SETS)}")
    place = cache_folder() / name if folder is None else Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for download in SETS[name]:
        if not all((place / each).is_file() for each in download.results):
            _fetch(download, place, progress or (lambda name, done, total: None))
    return place


def _fetch(download: Download, place: Path, progress: Progress) -> None:
    """Tries the mirrors in turn."""
    partial, failures = place / f".{download.name}.part", []
    for url in download.urls:
        try:
            _receive(url, partial, download.name, progress)
            found = _md5(partial)
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            failures.append(f"{url}: {_reason(error)}")
            continue
        if found != download.md5:
            partial.unlink()
            failures.append(f"{url}: expected the MD5 checksum {download.md5}, got {found}; what was received is gone")
            continue
        if download.members:
            try:
                _unpack(partial, download, place)
            finally:
                partial.unlink()
        else:
            partial.replace(place / download.name)
        return
    raise DataError(f"{download.name} cannot be downloaded: {'; '.join(failures)}. Is this computer online? "
                    f"{', '.join(download.results[:4])} can also be copied to {place} by hand")


def _receive(url: str, partial: Path, name: str, progress: Progress) -> None:
    """Leaves the whole file at `partial`, beginning where an earlier attempt ended."""
    done = partial.stat().st_size if partial.exists() else 0
    request = Request(url, headers={"User-Agent": "fastconv", **({"Range": f"bytes={done}-"} if done else {})})
    try:
        with urlopen(request, timeout=PATIENCE_SECONDS) as response:
            if response.status != 206:  # not the part that was asked for: the whole file
                done = 0
            length = response.headers.get("Content-Length")
            total = done + int(length) if length and length.isdigit() else None
            with partial.open("r+b" if done else "wb") as file:
                file.seek(done)
                progress(name, done, total)
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    done += len(chunk)
                    progress(name, done, total)
            if total is not None and done < total:
                raise ConnectionError(f"the connection ended after {done} of {total} bytes; try again to go on there")
    except HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send
            raise


def _reason(error: Exception) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, HTTPError):
        return f"the server answers {error.code} {error.reason}"
    reason = error.reason if isinstance(error, URLError) else error
    return str(reason) or type(error).__name__


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unpack(archive: Path, download: Download, place: Path) -> None:
    """Writes the members wanted, found by the last part of their names, into the folder; nothing else is unpacked."""
    wanted = set(download.members)
    try:
        for name, stream in _members(archive, download.name):
            if name in wanted:
                temporary = place / f".{name}.part"
                with temporary.open("wb") as file:
                    shutil.copyfileobj(stream, file, CHUNK)
                temporary.replace(place / name)
                wanted.discard(name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise DataError(f"{download.name}: cannot be unpacked: {error}") from error
    if wanted:
        raise DataError(f"{download.name}: expected to find {', '.join(sorted(wanted))} in it")


def _members(archive: Path, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The files in an archive: the last part of each name, and its content."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    with zipped.open(info) as stream:
                        yield info.filename.rpartition("/")[2], stream
    else:
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None:
                    with content:
                        yield member.name.rpartition("/")[2], content
