"""A search's trials as a table for people."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fastconv.experiments.search import Final, Search
from fastconv.experiments.trial import COMPLETE, DIVERGED, PRUNED

#: Trials that the table shows.
SHOWN = 10


def render(search: Search, final: Final | None, test_images: int) -> Group:
    """The best trials, what came of the others, and what the best setting reached in the end."""
    base, epochs = search.base, search.base.epochs
    complete = [trial for trial in search.trials() if trial.state == COMPLETE]
    complete.sort(key=lambda trial: -trial.accuracies[-1])
    augment = "" if base.augment is None else f", augment {base.augment}"
    table = Table(
        title=f"{base.model}, {base.optimizer}, {base.schedule}, {epochs} epoch{'s' * (epochs > 1)}{augment}",
        box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("trial", justify="right")
    for each in search.plan.ranges:
        table.add_column(each.name, justify="right")
    table.add_column("held-out accuracy", justify="right")
    for number, trial in enumerate(complete[:SHOWN]):
        values = (f"{trial.parameters[each.name]:.3g}" for each in search.plan.ranges)
        table.add_row(str(trial.number), *values, f"{trial.accuracies[-1]:.2%}", style="" if number else "bold")
    return Group(table, *(Text(note) for note in _notes(search, final, test_images)), Text())


def _notes(search: Search, final: Final | None, test_images: int) -> Iterator[str]:
    trials = search.trials()
    counts = {state: sum(trial.state == state for trial in trials) for state in (COMPLETE, PRUNED, DIVERGED)}
    told = f"{len(trials)} of {len(search.plan.points)} trials finished: {counts[COMPLETE]} complete"
    if search.plan.prunes:
        told += f", {counts[PRUNED]} given up early"
    yield f"{told}, {counts[DIVERGED]} diverged."
    best = search.best()
    if best is not None:
        accuracy, images = best.accuracies[-1], len(search.held_out)
        error = math.sqrt(accuracy * (1 - accuracy) / images)
        yield (f"{images:,} held-out images know an accuracy of {accuracy:.1%} to ±{100 * error:.2f} % (standard "
               "error), and the best of many trials is flattered by having been chosen.")
    if final is not None:
        begin = f"The best setting, trained on all {len(search.train):,} images"
        yield (f"{begin}: test accuracy {final.accuracy:.2%}, loss {final.loss:.4f} on {test_images:,} images."
               if final.diverged is None else f"{begin}, diverged: {final.diverged}")
