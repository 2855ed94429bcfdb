"""A new report held against an old one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastconv.errors import DataError
from fastconv_bench.report import Report
from fastconv_bench.workload import FASTCONV

#: A change smaller than this is never called one, however quiet the machine was.
LEAST_CHANGE = 0.05

#: Times, spreads and peaks beyond this are nonsense.
LARGEST = 1e30


@dataclass(frozen=True)
class Change:
    """A workload's time now, relative to then.

    Times count in what the machine's peak could have done meanwhile, so that a machine that runs slower today does
    not make everything look slower.
    """

    workload: str
    ratio: float
    noise: float

    @property
    def verdict(self) -> str:
        """ "slower" or "faster" where the change is beyond the noise, else nothing."""
        if self.ratio > 1 + self.noise:
            return "slower"
        return "faster" if self.ratio < 1 / (1 + self.noise) else ""


def read(path: Path) -> dict[str, Any]:
    """A report saved by `fastconv bench --save`. Raises DataError, naming the file, for anything else."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        _check(report["machine"]["peak"] > 0, "machine", report["machine"]["peak"])
        for row in report["workloads"]:
            _check(isinstance(row["workload"], str), "workload", row["workload"])
            best, spread = (row["times"][FASTCONV][name] for name in ("best", "spread"))
            _check(best > 0, "time", best)
            _check(spread >= 0, "spread", spread)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise DataError(f"{path}: not a report saved by fastconv bench: {reason}") from error
    return dict(report)


def _check(holds: bool, what: str, value: object) -> None:
    """Raises ValueError unless the condition holds and `value` is text or a number that a float can be."""
    finite = isinstance(value, str) or (isinstance(value, int | float) and abs(value) < LARGEST)
    if not holds or not finite:
        raise ValueError(f"its {what} is {str(value)[:40]}")


def compare(report: Report, old: dict[str, Any]) -> list[Change]:
    """The change of every workload that both reports have."""
    before = {row["workload"]: row["times"][FASTCONV] for row in old["workloads"]}
    speed = report.machine.peak / old["machine"]["peak"]
    changes = []
    for row in report.rows:
        if row.workload in before:
            now, then = row.times[FASTCONV], before[row.workload]
            noise = max(LEAST_CHANGE, 2 * (now.spread + then["spread"]))
            changes.append(Change(row.workload, now.best / then["best"] * speed, noise))
    return changes
