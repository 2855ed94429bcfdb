"""The options that several commands share."""

from __future__ import annotations

import json
from errno import EISDIR
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fastconv.data import Dataset

FILE = click.Path(path_type=Path)


def use_threads(context: click.Context, parameter: click.Parameter, threads: int | None) -> None:
    """Sets the number of threads, where one was asked for."""
    if threads is not None:
        import fastconv as fc

        fc.set_num_threads(threads)


data_option = click.option(
    "--data", "folder", type=FILE, metavar="PATH",
    help="Folder with MNIST's, EMNIST's or CIFAR's files, with .npy files, or with a folder of pictures for each "
         "class; a .npz file; or the name of a fetched set.  [default: the digits that come with fastconv]",
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", callback=use_threads, expose_value=False,
    help="Threads to use.  [default: one per CPU]",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output, nothing else there."
)


def load_data(folder: Path | None) -> tuple[Dataset, Dataset]:
    """The training and the test set at `folder`, or the embedded digits."""
    import fastconv as fc

    return fc.data.digits() if folder is None else fc.data.load(folder)


def check_writable(path: Path) -> None:
    """Raises OSError, before long work rather than after, where no file can be written to `path`."""
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "expected a file, found a folder", str(path))
    try:
        TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise OSError(error.errno, f"cannot be written: {error.strerror}", str(path)) from error


def print_document(document: dict[str, object]) -> None:
    """Prints what --json promises."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))
