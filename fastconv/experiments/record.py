"""A comparison as a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from fastconv.errors import DataError
from fastconv.experiments.compare import Comparison

COLUMNS = ("seed", "epoch", "training_loss", "test_loss", "test_accuracy", "lr", "seconds", "diverged")


def check_record(path: Path) -> None:
    """Raises DataError where the name of the file does not say its format."""
    if path.suffix not in (".csv", ".json"):
        raise DataError(f"{path}: expected a name that ends in .csv or .json")


def save_record(comparison: Comparison, path: Path) -> None:
    """Writes everything as JSON; or as CSV a row per run and epoch, and one for what a run diverged by.

    Raises as `check_record` does.
    """
    check_record(path)
    if path.suffix == ".json":
        path.write_text(json.dumps(comparison.to_dict(), indent=2, allow_nan=False), encoding="utf-8")
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow((comparison.kind, *COLUMNS))
        for run in comparison.runs:
            for result, loss, accuracy in zip(run.epochs, run.tested("loss"), run.tested("accuracy"), strict=True):
                writer.writerow((run.name, run.seed, result.epoch, result.loss, loss, accuracy, result.lr,
                                 result.seconds, ""))
            if run.diverged is not None:
                writer.writerow((run.name, run.seed, len(run.epochs) + 1, "", "", "", "", "", run.diverged))
