"""A comparison as a table for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fastconv.experiments.compare import BEST, TIED, Comparison, Spread, Standing

REMARKS = {BEST: "best", TIED: "≈ best", "": ""}


def render(comparison: Comparison) -> Group:
    """The standings, and what can and cannot be read from them."""
    standings = comparison.standings()
    table = Table(title=", ".join(_title(comparison)), box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(comparison.kind, no_wrap=True)
    for name in (*(["lr"] if _has_own_rates(comparison) else []), "accuracy, %", "test loss", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", min_width=len("diverged"))
    for each in standings:
        table.add_row(each.name, *([f"{each.lr:g}"] if _has_own_rates(comparison) else []), _percent(each.accuracy),
                      _loss(each.loss), _seconds(each.seconds), _remark(each),
                      style="bold" if each.verdict == BEST else "")
    return Group(table, *(Text(note) for note in _notes(comparison, standings)))


def _title(comparison: Comparison) -> Iterator[str]:
    base = comparison.base
    yield base.model
    for kind in ("activation", "optimizer", "schedule"):
        name = getattr(base, kind)
        if kind != comparison.kind and name is not None:
            yield name
    if not _has_own_rates(comparison):
        yield f"lr {comparison.runs[0].lr:g}"
    yield f"{base.epochs} epoch{'s' * (base.epochs > 1)}"
    yield f"batches of {base.batch_size}"
    yield f"{comparison.train_images:,} images"
    if base.augment is not None:
        yield f"augment {base.augment}"


def _has_own_rates(comparison: Comparison) -> bool:
    """Whether each entry has a learning rate of its own."""
    return comparison.kind == "optimizer" and comparison.base.lr is None


def _remark(standing: Standing) -> str:
    if standing.diverged:
        return f"{standing.diverged} of {standing.seeds} diverged"
    return REMARKS[standing.verdict]


def _percent(spread: Spread | None) -> str:
    return _with_deviation(spread, lambda value: f"{100 * value:.2f}")


def _loss(spread: Spread | None) -> str:
    return _with_deviation(spread, lambda value: f"{value:.3f}")


def _seconds(spread: Spread | None) -> str:
    return _with_deviation(spread, lambda value: f"{value:.2f}")


def _with_deviation(spread: Spread | None, number: Callable[[float], str]) -> str:
    if spread is None:
        return "–"
    deviation = "" if spread.deviation is None else f" ± {number(spread.deviation)}"
    return f"{number(spread.mean)}{deviation}"


def _notes(comparison: Comparison, standings: list[Standing]) -> Iterator[str]:
    seeds = max(standing.seeds for standing in standings)
    yield (f"Mean ± standard deviation over {seeds} seed{'s' * (seeds > 1)}, on the test images after the last "
           "epoch; seconds are those of training alone.")
    if seeds == 1:
        yield "One seed says nothing about the spread, so none is called the best."
    if any(standing.verdict == TIED for standing in standings):
        yield ("≈ best: the difference is within the spread of the seeds, its best one being at least as accurate as "
               "the worst one of the best; other seeds may turn the order.")
    if any(standing.diverged for standing in standings):
        yield ("Entries with diverged runs stand last, whatever the others of their runs reached; "
               "the figures are of the runs that did not diverge.")
    if _has_own_rates(comparison):
        yield "Each optimizer has its own default learning rate, which suits some better than others."
    accuracy = standings[0].accuracy
    if accuracy is not None:
        error = math.sqrt(accuracy.mean * (1 - accuracy.mean) / comparison.test_images)
        yield (f"{comparison.test_images:,} test images know an accuracy of {accuracy.mean:.1%} "
               f"to ±{100 * error:.2f} % (standard error), whatever the seeds agree on.")
