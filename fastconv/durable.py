"""Files that are complete whenever they are there under their name, whatever happens to the process or the machine."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes a file of that content, or leaves what was there before.

    The content is on the disk before the file gets its name, and the name is too when this returns. Raises OSError,
    naming the file, where that fails.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def remove_leftovers(folder: Path, name: str) -> None:
    """Removes what `write_file` of that name has left in a folder where its process was killed."""
    for leftover in folder.glob(f".{name}.{'[0-9a-f]' * 8}"):
        leftover.unlink()


def _sync_folder(folder: Path) -> None:
    """Has a folder's names written to the disk; only POSIX systems can open a folder for that."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
