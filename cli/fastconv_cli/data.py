"""`fastconv data`."""

from __future__ import annotations

from pathlib import Path

import click

from fastconv_cli.options import FILE, json_option, print_document


@click.group()
def data() -> None:
    """Public data sets."""


@data.command()
@click.argument("name")
@click.option("--folder", type=FILE, metavar="DIR",
              help="Where to put it.  [default: a folder for caches, or FASTCONV_CACHE]")
@json_option
def fetch(name: str, folder: Path | None, as_json: bool) -> None:
    """Download a data set, for `fastconv train --data NAME`.

    NAME is mnist, fashion-mnist, kmnist, emnist, cifar10 or cifar100. Every file is checked; what is there already is
    not downloaded again, and what was cut off goes on where it ended.
    """
    from rich.console import Console

    import fastconv as fc
    from fastconv.data.sources import SETS
    from fastconv_cli.progress import DownloadProgress

    if name not in SETS:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(SETS)}.", param_hint="'NAME'")
    with DownloadProgress(Console(stderr=True)) as progress:
        place = fc.data.fetch(name, folder, progress)
    if as_json:
        print_document({"name": name, "folder": str(place)})
    else:
        click.echo(f"{name} is in {place}")
