"""Ctrl-C that lets the step under way end."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from fastconv.trainer import Callback, EpochResult


class Interruption(Callback):
    """Inside this context, the first Ctrl-C ends a training between two steps; the second one works as ever.

    asked: whether there was one. Outside the main thread Ctrl-C is left as it is.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._restore()

    def on_batch_end(self, epoch: int, images: int, loss: float) -> bool:
        return self.asked

    def on_epoch_end(self, result: EpochResult) -> bool:
        return self.asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
