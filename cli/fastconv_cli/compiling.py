"""Tells that kernels are being compiled, when they really are: at the first use on a machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from numba.core import event


class Announcement(event.Listener):
    """Prints a line on standard error when Numba first compiles something its cache does not have."""

    def __init__(self) -> None:
        self.made = False

    def on_start(self, event: Any) -> None:
        if not self.made:
            self.made = True
            click.echo("Preparing kernels for this machine (compiled once, then cached)...", err=True)

    def on_end(self, event: Any) -> None:
        """Nothing: the work that follows shows its own progress."""


@contextmanager
def announce_compiling() -> Iterator[None]:
    """Inside this context, the first compilation is announced."""
    with event.install_listener("numba:compile", Announcement()):
        yield
