"""How long work shows its progress: a bar on a terminal, and one line per epoch."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

import fastconv as fc
from fastconv.trainer import EpochResult


class ImagesPerSecond(ProgressColumn):
    """The speed of the last seconds."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} images/s")


class TrainingProgress(fc.Callback):
    """Prints a line per epoch on `console`; where that is a terminal, also a bar with the remaining time."""

    def __init__(self, console: Console, epochs: int, images: int) -> None:
        self.epochs = epochs
        self.images = images
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), ImagesPerSecond(), TimeRemainingColumn(),
            console=console, transient=True, refresh_per_second=5, disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(f"epoch 1/{epochs}", total=epochs * images)

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.bar.stop()

    def on_batch_end(self, epoch: int, images: int, loss: float) -> None:
        done = (epoch - 1) * self.images + images
        self.bar.update(self.task, completed=done, description=f"epoch {epoch}/{self.epochs}")

    def on_epoch_end(self, result: EpochResult) -> None:
        line = f"epoch {result.epoch}/{self.epochs}  loss {result.loss:.4f}"
        if result.validation is not None:
            line += f"  test accuracy {result.validation['accuracy']:.2%}"
        line += f"  {result.images_per_second:,.0f} images/s  {result.seconds:.1f} s"
        self.bar.console.print(Text(line), soft_wrap=True)


class DownloadProgress:
    """Called with what `fastconv.data.fetch` tells: a bar for each file, where `console` is a terminal."""

    def __init__(self, console: Console) -> None:
        self.bar = Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
                            console=console, transient=True, disable=not console.is_terminal)
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> DownloadProgress:
        self.bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.bar.stop()

    def __call__(self, name: str, done: int, total: int | None) -> None:
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(name)
        self.bar.update(self.tasks[name], completed=done, total=total)
