"""Reading how a training run went."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastconv.errors import DataError
from fastconv.runs import metrics
from fastconv.trainer import EpochResult

#: Bytes: room for some hundred thousand epochs, and a bound on what any other file can cost.
LARGEST = 1 << 26


def read_history(path: Path) -> list[EpochResult]:
    """The epochs in a file: what `fastconv train --json` printed, or a line of JSON for each; or in a run's folder.

    Each needs "epoch" and "loss"; "lr", "seconds", "images_per_second" and "validation" may be missing.
    Raises DataError, naming the file and what is wrong.
    """
    path = path / metrics.NAME if path.is_dir() else path
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path}: longer than {LARGEST:,} bytes, which is no history")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as a history: {error}") from error
    try:
        entries = _entries(text)
        return [_epoch(entry) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise DataError(f"{path}: expected what `fastconv train --json` prints, or a JSON object for each epoch: "
                        f"{reason}") from error


def _entries(text: str) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(text)
    except ValueError:
        document = _lines(text)
    if isinstance(document, dict):
        document = document.get("epochs", [document])
    if not document:
        raise ValueError("there is no epoch")
    return list(document)


def _lines(text: str) -> list[Any]:
    """The document in each line; a last one that is cut off is left out: a run is writing it, or was killed then."""
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    documents = [json.loads(line) for line in lines[:-1]]
    try:
        documents += [json.loads(line) for line in lines[-1:]]
    except ValueError:
        if not documents or lines[-1].endswith("\n"):
            raise
    return documents


def _epoch(entry: Mapping[str, Any]) -> EpochResult:
    validation = entry.get("validation")
    lr, seconds, rate = (_number(entry.get(name)) for name in ("lr", "seconds", "images_per_second"))
    metrics = None if validation is None else {str(name): _number(value) for name, value in validation.items()}
    return EpochResult(int(entry["epoch"]), _number(entry["loss"]), lr, seconds, rate, metrics)


def _number(value: Any) -> float:
    """JSON has no NaN and no infinity: null stands for them."""
    return math.nan if value is None else float(value)
