"""How long work shows its progress: a live view on a terminal, and one line per epoch."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
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
from fastconv_cli.sparkline import ASCII_LEVELS, LEVELS, Curve


class ImagesPerSecond(ProgressColumn):
    """The speed of the last seconds."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} images/s")


class TrainingProgress(fc.Callback):
    """Prints a line per epoch on `console`; where that is a terminal, it also has a live view below them.

    The view has a bar with the speed and the remaining time, the loss, on a logarithmic scale, and the accuracy.
    """

    def __init__(self, console: Console, judged: str = "test") -> None:
        """judged: what the images of the validation are called."""
        self.console, self.judged = console, judged
        self.bar = Progress(TextColumn("{task.description}"), BarColumn(), ImagesPerSecond(), TimeRemainingColumn(),
                            console=console, disable=not console.is_terminal)
        self.task = self.bar.add_task("")
        self.plan = fc.Plan(1, 1, 1, 0)
        width = max(10, min(60, console.width - 25))
        self.loss, self.accuracy = Curve(width, logarithmic=True), Curve(width)
        self.view = Live(get_renderable=self._view, console=console, transient=True, refresh_per_second=5)

    def __enter__(self) -> TrainingProgress:
        if self.console.is_terminal:
            self.view.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.view.stop()

    def on_fit_start(self, plan: fc.Plan, progress: fc.Progress) -> None:
        self.plan = plan
        if progress != fc.Progress():
            done = f", batch {progress.batches} of {plan.batches}" if progress.batches else ""
            self._print(f"going on after epoch {len(progress.results)}/{plan.epochs}{done}")
        for result in progress.results:
            self._draw(result)
        images = len(progress.results) * plan.images + min(progress.batches * plan.batch_size, plan.images)
        self.bar.reset(self.task, total=plan.epochs * plan.images, completed=images,
                       description=f"epoch {min(progress.epoch, plan.epochs)}/{plan.epochs}")

    def on_batch_end(self, epoch: int, images: int, loss: float) -> None:
        before = (epoch - 1) * self.plan.images
        batch_start = before + (images - 1) // self.plan.batch_size * self.plan.batch_size
        self.loss.add(batch_start / (self.plan.epochs * self.plan.images), loss)
        self.bar.update(self.task, completed=before + images, description=f"epoch {epoch}/{self.plan.epochs}")

    def on_epoch_end(self, result: EpochResult) -> None:
        line = f"epoch {result.epoch}/{self.plan.epochs}  loss {result.loss:.4f}"
        if result.validation is not None:
            line += f"  {self.judged} accuracy {result.validation['accuracy']:.2%}"
            self.accuracy.add((result.epoch - 0.5) / self.plan.epochs, result.validation["accuracy"])
        line += f"  {result.images_per_second:,.0f} images/s  {result.seconds:.1f} s"
        self._print(line)

    def _draw(self, result: EpochResult) -> None:
        """Puts an epoch of a run that goes on into the curves."""
        place = (result.epoch - 0.5) / self.plan.epochs
        self.loss.add(place, result.loss)
        if result.validation is not None:
            self.accuracy.add(place, result.validation["accuracy"])

    def _print(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)

    def _view(self) -> Group:
        levels = ASCII_LEVELS if self.console.options.ascii_only else LEVELS
        lines = [f"{name}  {curve.text(levels)}  {curve.last:{form}}"
                 for name, curve, form in (("loss    ", self.loss, ".4f"), ("accuracy", self.accuracy, ".2%"))
                 if curve.last is not None]
        return Group(self.bar, *(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))


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
