"""How a comparison shows its progress: a bar on a terminal, and one line per run."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from fastconv.experiments.compare import Follower, Run
from fastconv_cli.progress import ImagesPerSecond


class CompareProgress(Follower):
    """Prints a line per run on `console`; where that is a terminal, also a bar over all of them.

    finished: the runs so far.
    """

    def __init__(self, console: Console, runs: int, epochs: int, images: int) -> None:
        self.runs, self.epochs, self.images = runs, epochs, images
        self.finished: list[Run] = []
        self.run = ""
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), ImagesPerSecond(), TimeRemainingColumn(),
            console=console, transient=True, refresh_per_second=5, disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=runs * epochs * images)

    def __enter__(self) -> CompareProgress:
        self.bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.bar.stop()

    def on_run_start(self, name: str, seed: int) -> None:
        self.run = f"run {len(self.finished) + 1}/{self.runs}  {name}, seed {seed}"

    def on_batch_end(self, epoch: int, images: int, loss: float) -> None:
        done = (len(self.finished) * self.epochs + epoch - 1) * self.images + images
        self.bar.update(self.task, completed=done, description=f"{self.run}, epoch {epoch}/{self.epochs}")

    def on_run_end(self, run: Run) -> None:
        self.finished.append(run)
        done = len(self.finished)
        self.bar.update(self.task, completed=done * self.epochs * self.images)
        line = f"{done}/{self.runs}  {run.name}, seed {run.seed}"
        if run.diverged is None:
            line += (f"  loss {run.epochs[-1].loss:.4f}  test accuracy {run.tested('accuracy')[-1]:.2%}"
                     f"  {run.seconds:.1f} s")
        else:
            line += f"  diverged: {run.diverged}"
        self.bar.console.print(Text(line), soft_wrap=True)
