"""`fastconv bench`."""

import click

from fastconv_cli.options import json_option, print_document, threads_option


@click.command()
@click.option("--quick", is_flag=True, help="Fewer and shorter measurements: about a minute, less exact.")
@threads_option
@json_option
def bench(quick: bool, as_json: bool) -> None:
    """Measure fastconv on this machine, beside plain NumPy."""
    from fastconv_bench.report import run
    from fastconv_bench.table import render
    from rich.console import Console

    import fastconv as fc

    def progress(line: str) -> None:
        click.echo(line, err=True)

    report = run(quick=quick, threads=fc.get_num_threads(), progress=progress)
    if as_json:
        print_document(report.to_dict())
    else:
        Console().print(render(report))
