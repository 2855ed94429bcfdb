"""How a search shows its progress: a bar on a terminal, and one line per trial."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from fastconv.experiments.search import Search, TrialFollower
from fastconv.experiments.trial import COMPLETE, DIVERGED, Trial


class SearchProgress(TrialFollower):
    """Prints a line per trial on `console`; where that is a terminal, also a bar over all points of the plan."""

    def __init__(self, console: Console, name: str, search: Search) -> None:
        self.name, self.search = name, search
        self.points = len(search.plan.points)
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(), console=console, transient=True, refresh_per_second=5,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(name, total=self.points, completed=len(search.trials()))

    def __enter__(self) -> SearchProgress:
        self.bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.bar.stop()

    def on_trial_end(self, trial: Trial) -> None:
        finished = len(self.search.trials())
        self.bar.update(self.task, completed=finished)
        line = f"{self.name} {finished}/{self.points}  {in_words(trial)}"
        if trial.accuracies:
            line += f"  held-out accuracy {trial.accuracies[-1]:.2%}"
        if trial.state == DIVERGED:
            line += f"  diverged in epoch {len(trial.accuracies) + 1}"
        elif trial.state != COMPLETE:
            line += f"  given up after epoch {len(trial.accuracies)}"
        self.bar.console.print(Text(line), soft_wrap=True)


def in_words(trial: Trial) -> str:
    """Its parameters: lr 0.0123, batch_size 64."""
    return ", ".join(f"{name} {value:.3g}" for name, value in trial.parameters.items())
