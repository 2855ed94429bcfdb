"""Runs as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fastconv.runs.record import Record
from fastconv.trainer import EpochResult
from fastconv_cli.sparkline import sparkline

#: Characters of a curve in a table.
CURVE = 20


def render_list(records: Sequence[Record]) -> Table:
    """A row for each run."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("run", no_wrap=True)
    for name in ("state", "model", "optimizer"):
        table.add_column(name)
    for name in ("epochs", "best, %", "loss", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("loss by epoch", no_wrap=True)
    for record in records:
        best, results = record.best, record.results
        table.add_row(record.name, record.state, str(record.configuration.get("model", "")),
                      str(record.configuration.get("optimizer", "")).partition("(")[0],
                      f"{len(results)}/{record.configuration.get('epochs', '?')}", _accuracy(best),
                      f"{results[-1].loss:.4f}" if results else "–", f"{record.seconds:.1f}", _curve(results))
    return table


def render_run(record: Record) -> Group:
    """All there is to know of a run."""
    parts: list[Any] = [Text(f"{record.folder}: {record.state}{f', {record.message}' if record.message else ''}")]
    for name, values in (("configuration", record.configuration), ("made with", record.environment)):
        parts.append(Text(f"{name}: " + ", ".join(f"{key} {value}" for key, value in values.items())))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("epoch", "loss", "validation loss", "accuracy, %", "lr", "images/s", "seconds"):
        table.add_column(name, justify="right")
    for result in record.results:
        validation = result.validation
        table.add_row(str(result.epoch), f"{result.loss:.4f}",
                      "–" if validation is None else f"{validation['loss']:.4f}", _accuracy(result),
                      f"{result.lr:.2g}", f"{result.images_per_second:,.0f}", f"{result.seconds:.2f}",
                      style="bold" if result is record.best else "")
    return Group(*parts, table)


def render_comparison(records: Sequence[Record], differing: Mapping[str, Sequence[Any]]) -> Table:
    """A column for each run."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for record in records:
        table.add_column(record.name, justify="right")
    for name, values in differing.items():
        table.add_row(name, *("–" if value is None else str(value) for value in values))
    if differing:
        table.add_section()
    rows = {
        "state": [record.state for record in records],
        "epochs": [str(len(record.results)) for record in records],
        "best epoch": [str(record.best.epoch) if record.best else "–" for record in records],
        "best accuracy, %": [_accuracy(record.best) for record in records],
        "last accuracy, %": [_accuracy(record.results[-1] if record.results else None) for record in records],
        "last loss": [f"{record.results[-1].loss:.4f}" if record.results else "–" for record in records],
        "seconds": [f"{record.seconds:.1f}" for record in records],
        "loss by epoch": [_curve(record.results) for record in records],
    }
    for name, values in rows.items():
        table.add_row(name, *values)
    return table


def _accuracy(result: EpochResult | None) -> str:
    return "–" if result is None or result.validation is None else f"{100 * result.validation['accuracy']:.2f}"


def _curve(results: Sequence[EpochResult]) -> str:
    if not results:
        return ""
    chosen = results if len(results) <= CURVE else [
        results[round(place * (len(results) - 1) / (CURVE - 1))] for place in range(CURVE)]
    return sparkline([result.loss for result in chosen])
