"""The report as a table for people."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from fastconv_bench.compare import Change
from fastconv_bench.report import Report, Row
from fastconv_bench.workload import PEERS

#: A narrow terminal folds the names of workloads down to this width before it loses a figure.
WORKLOAD_WIDTH = 24

NOTES = (
    "Times are the fastest of many samples, taken in turns with those of the others. × says how many times longer "
    "they take.",
    "Layers run as they do inside a model, on packed activations, with weights packed anew; training starts from "
    "uint8 images.",
    "% of limit: of the measured multiply-add peak or of the memory's bandwidth, whichever limits the work; caches can "
    "beat the second, and Winograd's fewer multiplications the first.",
)


def render(report: Report) -> Group:
    """The machine, the table and what its columns mean."""
    limits = report.machine
    heading = (f"fastconv {report.version}, {limits.cpu}, {limits.threads} thread{'s' * (limits.threads > 1)}: "
               f"multiply-add peak {limits.peak / 1e9:,.0f} GFLOP/s ({limits.peak_one_core / 1e9:,.0f} on one core), "
               f"memory {limits.bandwidth / 1e9:,.0f} GB/s")
    took_part = [peer for peer in PEERS if any(peer in row.times for row in report.rows)]
    table = Table()
    table.add_column("workload", min_width=min(WORKLOAD_WIDTH, max(len(row.workload) for row in report.rows)))
    for name in ("time", "images/s", "rate", "% of limit", *took_part):
        table.add_column(name.replace(" ", "\n", 1) if name in took_part else name, justify="right", no_wrap=True)
    for row in report.rows:
        ratios = [row.ratio(peer) for peer in took_part]
        table.add_row(row.workload, _time(row.seconds), f"{row.images_per_second:,.0f}" if row.images > 1 else "",
                      _rate(row), f"{row.share_of_limit(limits):.0%}",
                      *("" if ratio is None else f"{ratio:,.1f}×" for ratio in ratios))
    return Group(Text(heading), table, *(Text(note) for note in NOTES))


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if seconds < 0.01 else f"{seconds * 1e3:,.1f} ms"


def _rate(row: Row) -> str:
    if row.flop:
        return f"{row.flop / row.seconds / 1e9:,.0f} GFLOP/s"
    return f"{row.bytes / row.seconds / 1e9:,.0f} GB/s"


def render_changes(changes: list[Change]) -> Group:
    """What has become slower or faster beyond the noise."""
    table = Table()
    for name in ("workload", "time, relative to the old report", "noise", ""):
        table.add_column(name)
    marked = [change for change in changes if change.verdict]
    for change in marked:
        table.add_row(change.workload, f"{change.ratio:.2f}", f"±{change.noise:.0%}", change.verdict)
    unchanged = len(changes) - len(marked)
    return Group(*([table] if marked else []), Text(f"{unchanged} of {len(changes)} workloads unchanged."))
