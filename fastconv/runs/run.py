"""A training whose folder lets it go on after whatever ended it."""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from fastconv.callbacks import Best, default_monitor
from fastconv.durable import remove_leftovers, write_file
from fastconv.errors import CheckpointError, DivergenceError, RunError
from fastconv.runs.checkpoint import Checkpoint, make_checkpoint, read_checkpoint
from fastconv.runs.environment import environment
from fastconv.runs.lock import Lock
from fastconv.runs.metrics import Metrics, read_results
from fastconv.runs.toml import to_toml
from fastconv.serialization import BEST, to_bytes
from fastconv.trainer import Callback, EpochResult, Plan, Progress, Trainer

CONFIGURATION, ENVIRONMENT, OUTCOME = "run.toml", "environment.toml", "outcome.toml"
LAST = "last.safetensors"

#: Seconds between two checkpoints inside an epoch.
INTERVAL = 10.0

#: Checkpoints are so many times rarer than what the last one took: 5 % of the time at most.
RARITY = 20.0


class Run(Callback):
    """Records a training in a folder, and continues the one that is there.

    The same program, started again, goes on where it was killed, and ends with the same bits:

        with fc.Run("runs/mine", trainer) as run:
            trainer.fit(train, epochs=8, callbacks=[run], start=run.progress)

    configuration: what run.toml says beside epochs, batch_size and seed, for people and for `fastconv runs`; by default
    what the trainer says of itself.
    monitor: what the best epoch is chosen by, one of `callbacks.MONITORS`; by default the validation's accuracy, and
    the loss where there is no validation.
    seconds: between two checkpoints inside an epoch, beside those after every epoch. By default ten; and checkpoints,
    those after epochs too, become rarer where they would take more than a twentieth of the time.

    progress: how far the training in the folder has come. The model and the trainer are brought to where it was.
    Raises RunError where another process is training in the folder, and CheckpointError or ShapeError where what is in
    it cannot be read or does not fit the trainer. OSError from a checkpoint leaves the one before it.
    """

    def __init__(self, folder: str | os.PathLike[str], trainer: Trainer,
                 configuration: Mapping[str, Any] | None = None, monitor: str | None = None,
                 seconds: float | None = None) -> None:
        self.folder, self.trainer, self.progress = Path(folder), trainer, Progress()
        self._configuration = _described(trainer) if configuration is None else configuration
        self._monitor, self._seconds = monitor, seconds
        self._plan: Plan | None = None
        self._best_content: bytes | None = None
        self._saved: Progress | None = None
        self._saved_at, self._cost = time.monotonic(), 0.0
        self._best: Best | None = None
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self.folder)
        try:
            self._load()
            self._metrics = Metrics(self.folder, self.progress.results)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        try:
            if self._plan is not None and error is None:
                if self.trainer.progress != self._saved:
                    self.checkpoint()
                complete = len(self.trainer.progress.results) == self._plan.epochs
                self._end("finished" if complete else "stopped early")
            elif isinstance(error, DivergenceError):
                self._end("diverged", str(error))
        finally:
            self._metrics.close()
            self._lock.release()

    def on_fit_start(self, plan: Plan, progress: Progress) -> None:
        if progress != self.progress:
            raise RunError(f"{self.folder}: holds a training after {_place(self.progress)}; continue it with "
                           "fit(..., start=run.progress), or use another folder")
        if self._saved is not None and self._plan != plan:
            raise RunError(f"{self.folder}: was begun as {self._plan}, got {plan}; continue it with the same, "
                           "or use another folder")
        self._plan = plan
        self._describe(plan)
        with suppress(FileNotFoundError):
            (self.folder / OUTCOME).unlink()
        for result in progress.results:
            self._judge(result)
        self._saved_at = time.monotonic()

    def on_batch_end(self, epoch: int, images: int, loss: float) -> None:
        if self._due(INTERVAL if self._seconds is None else self._seconds):
            self.checkpoint()

    def on_epoch_end(self, result: EpochResult) -> None:
        self._metrics.append(result)
        if self._judge(result):
            self._best_content = to_bytes(self.trainer.model)
        if self._due(0.0):
            self.checkpoint()

    def checkpoint(self) -> None:
        """Has all that is known by now on the disk: the metrics, the best model, and what is needed to go on.

        Raises OSError, and leaves the checkpoint before, where it cannot be written.
        """
        assert self._plan is not None, "a checkpoint is one of a fit"
        begun = time.monotonic()
        self._metrics.sync()
        if self._best_content is not None:
            write_file(self.folder / BEST, self._best_content)
            self._best_content = None
        progress = self.trainer.progress
        make_checkpoint(self._plan, progress, self.trainer.model.state_dict(), self.trainer.state_dict()).save(
            self.folder / LAST)
        self._saved, self._saved_at = progress, time.monotonic()
        self._cost = self._saved_at - begun

    def _load(self) -> None:
        for name in (CONFIGURATION, ENVIRONMENT, OUTCOME, BEST, LAST):
            remove_leftovers(self.folder, name)
        path = self.folder / LAST
        if not path.exists():
            return
        checkpoint = read_checkpoint(path)
        self.progress = self._saved = _progress(checkpoint, read_results(self.folder), self.folder)
        self.trainer.load_state_dict(checkpoint.trainer)
        self.trainer.model.load_state_dict(checkpoint.model)
        self._plan = checkpoint.plan

    def _describe(self, plan: Plan) -> None:
        """Writes the configuration and the environment of a new run; RunError where the folder has another one."""
        path = self.folder / CONFIGURATION
        text = to_toml({**self._configuration, "epochs": plan.epochs, "batch_size": plan.batch_size, "seed": plan.seed})
        if path.exists():
            before, now = read_toml(path), tomllib.loads(text)
            for name in sorted(before.keys() | now.keys()):
                if before.get(name) != now.get(name):
                    raise RunError(f"{path}: {name} was {before.get(name)!r} when the run was begun, got "
                                   f"{now.get(name)!r}; continue it with the same, or use another folder")
            return
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        write_file(self.folder / ENVIRONMENT, to_toml({"started": started, **environment()}).encode())
        write_file(path, text.encode())

    def _judge(self, result: EpochResult) -> bool:
        """Whether it is the best epoch so far."""
        if self._best is None:
            self._best = Best(self._monitor or default_monitor(result.validation is not None))
        return self._best.update(result)

    def _due(self, seconds: float) -> bool:
        since = time.monotonic() - self._saved_at
        return since >= seconds and (self._seconds is not None or since >= RARITY * self._cost)

    def _end(self, state: str, message: str | None = None) -> None:
        write_file(self.folder / OUTCOME, to_toml({"state": state, "message": message}).encode())


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a file; RunError, naming it, where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: not TOML: {error}") from error


def _progress(checkpoint: Checkpoint, results: list[EpochResult], folder: Path) -> Progress:
    """How far the training of a checkpoint had come; results after it, which will come again, are left out."""
    if len(results) < checkpoint.epochs:
        raise CheckpointError(f"{folder}: its checkpoint is one after {checkpoint.epochs} epochs, its metrics know "
                              f"{len(results)}")
    return Progress(tuple(results[:checkpoint.epochs]), checkpoint.batches, checkpoint.loss, checkpoint.seconds)


def _described(trainer: Trainer) -> dict[str, str]:
    return {"model": type(trainer.model).__name__, "optimizer": repr(trainer.optimizer),
            "loss": type(trainer.loss).__name__}


def _place(progress: Progress) -> str:
    return f"epoch {len(progress.results)}, batch {progress.batches}"
