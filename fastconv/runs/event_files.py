"""TensorBoard's event files, by the package tensorboardX."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from fastconv.errors import RunError
from fastconv.trainer import Callback, EpochResult, Plan, Progress

FOLDER = "events"


class EventFiles(Callback):
    """Writes each epoch's figures to events/ in a folder, for `tensorboard --logdir`, while its context lasts.

    A run that is continued hides what was written after its checkpoint, as it comes again.
    Raises RunError where tensorboardX is missing.
    """

    def __init__(self, folder: Path) -> None:
        check_event_files()
        self._folder = folder / FOLDER
        self._writer: Any = None

    def __enter__(self) -> EventFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()

    def on_fit_start(self, plan: Plan, progress: Progress) -> None:
        from tensorboardX import SummaryWriter

        # Names of files have the second, which two sessions may share.
        self._writer = SummaryWriter(str(self._folder), flush_secs=5, filename_suffix=f".{secrets.token_hex(4)}",
                                     purge_step=progress.epoch if progress.results else None)

    def on_epoch_end(self, result: EpochResult) -> None:
        values = {"loss/training": result.loss, "lr": result.lr, "images_per_second": result.images_per_second}
        if result.validation is not None:
            values |= {f"{name}/validation": value for name, value in result.validation.items()}
        for name, value in values.items():
            self._writer.add_scalar(name, value, result.epoch)


def check_event_files() -> None:
    """Raises RunError where no event files could be written."""
    if find_spec("tensorboardX") is None:
        raise RunError('event files need tensorboardX: pip install "fastconv[tensorboard]"')
