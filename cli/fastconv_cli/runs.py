"""`fastconv runs`."""

from __future__ import annotations

from pathlib import Path

import click

from fastconv_cli.options import FILE, check_writable, json_option, print_document, print_table


@click.group()
def runs() -> None:
    """List, show and compare runs.

    They are those of `fastconv train`, and of fastconv.Run in programs.
    """


@runs.command("list")
@click.argument("folder", type=FILE, default="runs")
@json_option
def list_runs(folder: Path, as_json: bool) -> None:
    """List the runs in FOLDER.

    It shows how far each is, and its best epoch.
    """
    from fastconv.errors import RunError
    from fastconv.runs.record import UNREADABLE, list_records
    from fastconv_cli.runs_table import render_list

    if not folder.is_dir():
        raise RunError(f"{folder}: found no such folder; `fastconv train` makes it for its first run")
    records = list_records(folder)
    if as_json:
        print_document({"folder": str(folder), "runs": [record.to_dict() for record in records]})
    elif records:
        print_table(render_list(records))
    else:
        click.echo(f"{folder} has no runs.")
    for record in records:
        if record.state == UNREADABLE:
            click.echo(record.message, err=True)


@runs.command()
@click.argument("run")
@click.option("--save", type=FILE, metavar="FILE.csv", help="Write the figures of all epochs as CSV.")
@json_option
def show(run: str, save: Path | None, as_json: bool) -> None:
    """Show a run's configuration, environment and epochs.

    RUN is the folder of a run, or its name in runs.
    """
    from fastconv.durable import write_file
    from fastconv.runs.metrics import to_csv
    from fastconv.runs.record import find_run, read_record
    from fastconv_cli.runs_table import render_run

    record = read_record(find_run(run))
    if save is not None:
        check_writable(save)
        write_file(save, to_csv(record.results).encode())
    if as_json:
        print_document(record.to_dict())
    else:
        print_table(render_run(record))


@runs.command("compare")
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@json_option
def compare_runs(names: tuple[str, ...], as_json: bool) -> None:
    """Set runs side by side.

    It shows what differs in their configurations, and what came of it.

    RUN is the folder of a run, or its name in runs.
    """
    from fastconv.runs.record import differing, find_run, read_record
    from fastconv_cli.runs_table import render_comparison

    records = [read_record(find_run(name)) for name in names]
    if as_json:
        print_document({"differing": differing(records), "runs": [record.to_dict() for record in records]})
    else:
        print_table(render_comparison(records, differing(records)))
