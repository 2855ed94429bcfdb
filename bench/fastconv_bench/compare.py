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
        float(report["machine"]["peak"])
        for row in report["workloads"]:
            str(row["workload"])
            float(row["times"][FASTCONV]["best"]) + float(row["times"][FASTCONV]["spread"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"{path}: not a report saved by fastconv bench: {error!r}") from error
    return dict(report)


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
