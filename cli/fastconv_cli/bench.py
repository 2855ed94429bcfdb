"""`fastconv bench`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fastconv_cli.options import (
    FILE,
    check_writable,
    json_option,
    plot_option,
    print_document,
    print_table,
    threads_option,
)


@click.command()
@click.option("--quick", is_flag=True, help="Shorter measurements: under a minute in all, less exact.")
@click.option("--save", type=FILE, metavar="FILE.json", help="Also write the report to a file.")
@click.option("--compare", "old", type=FILE, metavar="OLD.json",
              help="Mark what has become slower or faster than in a saved report.")
@plot_option("Also draw the workloads under the machine's peak")
@threads_option
@json_option
def bench(quick: bool, save: Path | None, old: Path | None, plot: Path | None, as_json: bool) -> None:
    """Measure fastconv on this machine.

    It is measured beside plain NumPy and, where installed, PyTorch and ONNX Runtime.
    """
    from rich.console import Console

    import fastconv as fc
    from fastconv.plots.picture import check_plot
    from fastconv_bench.compare import compare, read
    from fastconv_bench.plot import save_plot
    from fastconv_bench.report import run
    from fastconv_bench.table import render, render_changes

    before = None if old is None else read(old)
    for path in (save, plot):
        if path is not None:
            check_writable(path)
    if plot is not None:
        check_plot(plot)
    with Console(stderr=True).status("starting") as shown:
        report = run(quick, fc.get_num_threads(), lambda line: shown.update(line))
    document = report.to_dict()
    changes = None if before is None else compare(report, before)
    if changes is not None:
        document["changes"] = [{"workload": change.workload, "ratio": change.ratio, "verdict": change.verdict}
                               for change in changes]
    if save is not None:
        save.write_text(json.dumps(document, indent=2), encoding="utf-8")
    if plot is not None:
        save_plot(report, plot)
    if as_json:
        print_document(document)
        return
    print_table(render(report))
    if changes is not None:
        print_table(render_changes(changes))
