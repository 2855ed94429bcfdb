"""The results of a run's epochs: one JSON object a line, as they come; and as CSV for other programs."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastconv.durable import write_file
from fastconv.errors import CheckpointError
from fastconv.trainer import EpochResult

NAME = "metrics.jsonl"
COLUMNS = ("epoch", "loss", "lr", "seconds", "images_per_second", "validation_loss", "validation_accuracy")


class Metrics:
    """The file of a run that goes on: it begins with the results so far, and grows by one line an epoch."""

    def __init__(self, folder: Path, results: Iterable[EpochResult]) -> None:
        path = folder / NAME
        write_file(path, "".join(map(_line, results)).encode())
        self._file = path.open("ab", buffering=0)

    def append(self, result: EpochResult) -> None:
        """Writes a result for readers; it may still be lost in a power failure."""
        self._file.write(_line(result).encode())

    def sync(self) -> None:
        """Has all results on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read_results(folder: Path) -> list[EpochResult]:
    """The results of a run's epochs, from the first; none where there is no such file.

    A last line that is cut off is left out. Raises CheckpointError that names the line for one that is no result.
    """
    path = folder / NAME
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    results = []
    for number, line in enumerate(lines, 1):
        try:
            results.append(_result(json.loads(line)))
            if results[-1].epoch != number:
                raise ValueError(f"expected epoch {number}, found {results[-1].epoch}")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise CheckpointError(f"{path}, line {number}: not the result of an epoch: {error}") from error
    return results


def to_csv(results: Sequence[EpochResult]) -> str:
    """A row for each epoch under COLUMNS; empty where an epoch was not validated."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        validation = result.validation or {}
        writer.writerow((result.epoch, result.loss, result.lr, result.seconds, result.images_per_second,
                         validation.get("loss", ""), validation.get("accuracy", "")))
    return text.getvalue()


def as_row(result: EpochResult) -> dict[str, Any]:
    """A result for JSON, which has no NaN and no infinity: None stands for them."""
    validation = None if result.validation is None else {
        name: value if math.isfinite(value) else None for name, value in result.validation.items()}
    return {**asdict(result), "validation": validation}


def _line(result: EpochResult) -> str:
    return json.dumps(as_row(result), allow_nan=False) + "\n"


def _result(row: dict[str, Any]) -> EpochResult:
    validation = row["validation"]
    if validation is not None:
        validation = {str(name): math.nan if value is None else float(value) for name, value in validation.items()}
    return EpochResult(int(row["epoch"]), float(row["loss"]), float(row["lr"]), float(row["seconds"]),
                       float(row["images_per_second"]), validation)
