"""Two trainings that save to one file."""

from __future__ import annotations

from pathlib import Path

import click

import fastconv as fc


class Overwriting(fc.Callback):
    """Warns once where the training is about to overwrite what something else has written since it began."""

    def __init__(self, output: Path) -> None:
        self.output, self.warned, self.images = output, False, 0
        self.known: object = None

    def on_fit_start(self, plan: fc.Plan, progress: fc.Progress) -> None:
        self.images, self.known = plan.images, self._found()

    def on_batch_end(self, epoch: int, images: int, loss: float) -> None:
        if images == self.images and not self.warned and self._found() not in (None, self.known):
            click.echo(f"{self.output}: overwrites a file that another training has written meanwhile; --output names "
                       "another one", err=True)
            self.warned = True

    def on_epoch_end(self, result: fc.EpochResult) -> None:
        self.known = self._found()

    def _found(self) -> tuple[int, int] | None:
        """What tells the file from every other one of that name."""
        try:
            found = self.output.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
