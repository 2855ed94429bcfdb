"""Where compiled kernels are kept: one checked file for each kernel, signature and processor.

Numba's own cache is not used. It does not read a folder that it cannot write, so that what an image of a container
brings along is compiled again; two processes that fill it at once can each leave the other's code under a name; and it
fails on damaged files. Here a file's name says all that the code depends on, so no two programs ever want one name for
different things; a file appears only when it is complete; and one whose checksum is wrong counts as missing.

`folders` are looked through in order. New kernels go into the first that can be written.
"""

from __future__ import annotations

import hashlib
import inspect
import pickle
import re
import secrets
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numba
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

SUFFIX = ".nbc"
MAGIC = b"fastconv kernel 1\n"
DIGEST_SIZE = hashlib.sha256().digest_size

ROOT = Path(__file__).parents[2]
PACKAGE_FOLDER = Path(__file__).parent / "__pycache__"

#: A module's imports of others of this package; what is imported may be a module itself.
_IMPORT = re.compile(r"^from (fastconv[.\w]*) import (\([^)]*\)|.*)$", re.MULTILINE)


class CacheWarning(UserWarning):
    """Compiled kernels cannot be kept."""


def folders() -> list[Path]:
    """NUMBA_CACHE_DIR alone if it is set; otherwise the package's folder, then the user's folder for caches."""
    if numba.config.CACHE_DIR:
        return [Path(numba.config.CACHE_DIR) / "fastconv"]
    return [PACKAGE_FOLDER, Path(AppDirs(appname="numba", appauthor=False).user_cache_dir) / "fastconv"]


def is_writable(folder: Path) -> bool:
    """Whether kernels can be kept in a folder, which is made where it is missing."""
    trial = folder / f"trial.{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError:
        return False
    return True


def writable_folder() -> Path | None:
    """Where new kernels are kept; None where nowhere."""
    return next((folder for folder in folders() if is_writable(folder)), None)


def why_nothing_is_kept() -> str:
    """One line for people."""
    return (f"no folder for compiled kernels can be written ({', '.join(map(str, folders()))}); "
            "set NUMBA_CACHE_DIR to one that can")


@dataclass(frozen=True)
class Entry:
    """One compiled kernel, by all that its code depends on.

    target: of the processor, Python and Numba.  signature: of the arguments' types.  stamp: of the source files.
    """

    function: str
    cpu: str
    target: str
    signature: str
    stamp: str

    @property
    def name(self) -> str:
        return f"{self.function}.{self.cpu}.{self.target}.{self.signature}.{self.stamp}{SUFFIX}"

    @classmethod
    def of_name(cls, name: str) -> Entry | None:
        """The entry whose file has a name; None for one that is not of this cache."""
        parts = name.removesuffix(SUFFIX).rsplit(".", 4)
        return cls(*parts) if name.endswith(SUFFIX) and len(parts) == 5 else None

    def read(self) -> bytes | None:
        """The entry's content, from the first folder that has it undamaged."""
        for folder in folders():
            with suppress(OSError):
                content = (folder / self.name).read_bytes()
                digest, payload = content[len(MAGIC):][:DIGEST_SIZE], content[len(MAGIC) + DIGEST_SIZE:]
                if content.startswith(MAGIC) and hashlib.sha256(payload).digest() == digest:
                    return payload
        return None

    def write(self, payload: bytes) -> bool:
        """Keeps the content in the first folder that can be written; False where there is none."""
        return any(self._write_to(folder, payload) for folder in folders())

    def _write_to(self, folder: Path, payload: bytes) -> bool:
        temporary = folder / f"{self.name}.{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(MAGIC + hashlib.sha256(payload).digest() + payload)
            temporary.replace(folder / self.name)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            return False
        if folder == PACKAGE_FOLDER:  # no other version of the sources lives there
            self._remove_older(folder)
        return True

    def _remove_older(self, folder: Path) -> None:
        for path in folder.glob(f"{self.function}.{self.cpu}.{self.target}.{self.signature}.*{SUFFIX}"):
            if path.name != self.name:
                with suppress(OSError):
                    path.unlink()


def entries(folder: Path) -> Iterator[tuple[Entry, int]]:
    """What a folder holds, with its bytes."""
    with suppress(OSError):
        for path in folder.iterdir():
            entry = Entry.of_name(path.name)
            if entry is not None:
                with suppress(OSError):
                    yield entry, path.stat().st_size


def target() -> tuple[str, str]:
    """The processor that kernels are compiled for, by its name, and by a digest of all that matters."""
    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    return cpu or "generic", _digest(triple, cpu, features, sys.implementation.cache_tag, numba.__version__)[:8]


class KernelCache(_Cache):
    """The cache of one function, as Numba asks for it."""

    def __init__(self, function):
        self._function = function

    @property
    def cache_path(self):
        return str(folders()[0])

    def entry(self, signature):
        """Where the function is kept for arguments of a signature.

        None for a function that has no source file, or whose code depends on what it captures.
        """
        function = self._function
        path = Path(inspect.getfile(function))
        if function.__closure__ or not path.is_file():
            return None
        return Entry(f"{path.stem}.{function.__qualname__.replace('<locals>', '_')}", *target(),
                     _digest(function.__module__, str(signature))[:16], _stamp(path)[:8])

    def load_overload(self, sig, target_context):
        # Of `target_context.refresh()`, which Numba's own cache calls, code that is there already needs only the
        # runtime. The rest imports all that code may be compiled from, with SciPy where that is installed: 0.3 s.
        rtsys.initialize(target_context)
        entry = self.entry(sig)
        payload = None if entry is None else entry.read()
        return None if payload is None else CompileResult._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, sig, data):
        entry = self.entry(sig)
        if entry is not None and not data.library.has_dynamic_globals and not entry.write(dumps(data._reduce())):
            _warn_once()

    def enable(self):
        """Always enabled."""

    def disable(self):
        """Always enabled."""

    def flush(self):
        """Nothing is held back."""


@cache
def _warn_once():
    warnings.warn(f"compiled for this process only: {why_nothing_is_kept()}", CacheWarning, stacklevel=2)


def _digest(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _stamp(path):
    """A digest of a source file and of all that it imports from this package."""
    sources, waiting = {}, [path]
    while waiting:
        path = waiting.pop()
        if path not in sources and path.is_file():
            sources[path] = _source(path)
            for package, names in _IMPORT.findall(sources[path]):
                for module in (package, *(f"{package}.{name}" for name in re.findall(r"\w+", names))):
                    waiting.append(ROOT.joinpath(*module.split(".")).with_suffix(".py"))
    return _digest(*sorted(sources.values()))


@cache
def _source(path):
    return path.read_text(encoding="utf-8")
