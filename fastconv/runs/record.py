"""Runs as their folders tell of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastconv.callbacks import best_of, default_monitor
from fastconv.errors import CheckpointError, RunError
from fastconv.runs.lock import is_locked
from fastconv.runs.metrics import as_row, read_results
from fastconv.runs.run import CONFIGURATION, ENVIRONMENT, OUTCOME, read_toml
from fastconv.trainer import EpochResult

#: Where runs are, unless somebody says otherwise.
RUNS = Path("runs")

RUNNING, INTERRUPTED, UNREADABLE = "running", "interrupted", "unreadable"


@dataclass(frozen=True)
class Record:
    """A run: what is to be done, with what, and what has come of it.

    state: running, finished, stopped early, diverged, interrupted or unreadable.  message: what it diverged by, or what
    cannot be read.
    """

    folder: Path
    configuration: Mapping[str, Any]
    environment: Mapping[str, Any]
    results: tuple[EpochResult, ...]
    state: str
    message: str | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def seconds(self) -> float:
        """Of training alone."""
        return sum(result.seconds for result in self.results)

    @property
    def best(self) -> EpochResult | None:
        """The best epoch so far, by what the run is judged by; None before the first."""
        validated = all(result.validation is not None for result in self.results)
        return best_of(self.results, self.configuration.get("monitor", default_monitor(validated)))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"run": str(self.folder), "state": self.state, "message": self.message,
                "configuration": dict(self.configuration), "environment": dict(self.environment),
                "best": None if self.best is None else as_row(self.best),
                "epochs": [as_row(result) for result in self.results]}


def read_record(folder: Path) -> Record:
    """The run in a folder; RunError or CheckpointError, naming the file, where there is none or it is damaged."""
    if not (folder / CONFIGURATION).is_file():
        raise RunError(f"{folder}: is not the folder of a run: it has no {CONFIGURATION}")
    outcome: dict[str, Any] = {"state": INTERRUPTED}
    if is_locked(folder):
        outcome = {"state": RUNNING}
    elif (folder / OUTCOME).is_file():
        outcome |= read_toml(folder / OUTCOME)
    surroundings = read_toml(folder / ENVIRONMENT) if (folder / ENVIRONMENT).is_file() else {}
    return Record(folder, read_toml(folder / CONFIGURATION), surroundings, tuple(read_results(folder)),
                  str(outcome["state"]), outcome.get("message"))


def list_records(folder: Path = RUNS) -> list[Record]:
    """The runs in a folder, by name, those that are damaged too."""
    records = []
    for each in find_runs(folder):
        try:
            records.append(read_record(each))
        except (RunError, CheckpointError) as error:
            records.append(Record(each, {}, {}, (), UNREADABLE, str(error)))
    return records


def find_runs(folder: Path = RUNS) -> list[Path]:
    """The folders of runs in a folder, by name; none where it is missing."""
    return sorted(path.parent for path in folder.glob(f"*/{CONFIGURATION}"))


def find_run(name: str) -> Path:
    """The folder of the run with that path or, in `runs`, that name; RunError where there is none."""
    for folder in (Path(name), RUNS / name):
        if (folder / CONFIGURATION).is_file():
            return folder
    known = [path.name for path in find_runs()]
    there = f"; {RUNS}/ has {', '.join(known[-5:])}" if known else ""
    raise RunError(f"{name}: is not the folder of a run: it has no {CONFIGURATION}{there}")


def new_folder(model: str) -> Path:
    """Makes a folder for a new run, which no other process is given: runs/MODEL-DATE-TIME."""
    base, number = f"{model}-{datetime.now():%Y%m%d-%H%M%S}", 1
    while True:
        folder = RUNS / (base if number == 1 else f"{base}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def differing(records: Sequence[Record]) -> dict[str, list[Any]]:
    """What the runs' configurations differ in, and what it is in each; None where it is not given."""
    names = dict.fromkeys(name for record in records for name in record.configuration)
    values = {name: [record.configuration.get(name) for record in records] for name in names}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}
