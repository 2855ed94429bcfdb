"""Tells that kernels are being compiled, when they really are: at the first use on a machine."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from numba.core import event

from fastconv.kernels.cache import CacheWarning, why_nothing_is_kept, writable_folder


class Announcement(event.Listener):
    """Prints a line on standard error when Numba first compiles something its cache does not have."""

    def __init__(self) -> None:
        self.made = False

    def on_start(self, event: Any) -> None:
        if not self.made:
            self.made = True
            kept = writable_folder() is not None
            how = "compiled once, then cached" if kept else f"anew in each process: {why_nothing_is_kept()}"
            click.echo(f"Preparing kernels for this machine ({how})...", err=True)

    def on_end(self, event: Any) -> None:
        """Nothing: the work that follows shows its own progress."""


@contextmanager
def announce_compiling() -> Iterator[None]:
    """Inside this context, the first compilation is announced."""
    with warnings.catch_warnings(), event.install_listener("numba:compile", Announcement()):
        warnings.simplefilter("ignore", CacheWarning)  # the announcement says it
        yield
