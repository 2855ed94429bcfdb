"""`fastconv cache`."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fastconv_cli.networks import DIGIT, network_of
from fastconv_cli.options import input_option, json_option, print_document

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1e6


@click.group()
def cache() -> None:
    """Show, compile or delete the compiled kernels.

    They are kept beside the package; where that cannot be written, in the user's folder for caches; or, if it is set,
    in the folder that NUMBA_CACHE_DIR names.
    """


@cache.command()
@json_option
def info(as_json: bool) -> None:
    """Show where kernels are kept, how many, and for which processors."""
    import fastconv.cache as library
    from fastconv.kernels.cache import target

    folders = library.info()
    cpu = target()[0]
    if as_json:
        print_document({"cpu": cpu, "folders": [asdict(folder) | {"path": str(folder.path)} for folder in folders]})
        return
    click.echo(f"This machine: {cpu}")
    kept = next((folder for folder in folders if folder.writable), None)
    for folder in folders:
        note = "new kernels go here" if folder is kept else "writable" if folder.writable else "cannot be written"
        click.echo(f"{folder.path}  ({note})")
        for each in folder.kernels:
            other = "" if each.usable else ", for another processor, Python or Numba"
            click.echo(f"  {each.cpu}: {each.count} kernels, {each.bytes / MEGABYTE:.1f} MB{other}")
        if not folder.kernels:
            click.echo("  empty")


@cache.command()
@click.argument("model")
@input_option()
@click.option("--train", is_flag=True, help="Also what training with AdamW needs.")
@json_option
def warm(model: str, input_shape: tuple[int, int, int] | None, train: bool, as_json: bool) -> None:
    """Compile all that a network needs, ahead of time.

    MODEL is the name of a network (lenet5, resnet8, ...) or a saved file.
    """
    import fastconv.cache as library
    from fastconv.kernels.cache import why_nothing_is_kept, writable_folder
    from fastconv_cli.compiling import announce_compiling

    network = network_of(model)
    folder = writable_folder()
    if folder is None:
        raise click.ClickException(why_nothing_is_kept())
    start, before = time.perf_counter(), count(folder)
    with announce_compiling():
        library.warm(network, input_shape or network.input_shape or DIGIT, train=train)
    seconds, compiled = time.perf_counter() - start, count(folder) - before
    if as_json:
        print_document({"model": model, "folder": str(folder), "compiled": compiled, "seconds": seconds})
    else:
        click.echo(f"{model} is ready: {compiled} kernels compiled in {seconds:.1f} s, kept in {folder}")


@cache.command()
@json_option
def clear(as_json: bool) -> None:
    """Delete all kernels that are kept."""
    import fastconv.cache as library

    deleted = library.clear()
    if as_json:
        print_document({"deleted": deleted})
    else:
        click.echo(f"{deleted} files deleted")


def count(folder: Path) -> int:
    """The kernels in a folder."""
    from fastconv.kernels.cache import entries

    return sum(1 for _ in entries(folder))
