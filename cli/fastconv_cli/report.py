"""`fastconv report`."""

from pathlib import Path

import click

from fastconv_cli.options import FILE, check_writable, data_option, load_data, threads_option

#: What a run's folder calls its best model.
BEST = "best.safetensors"


@click.command()
@click.argument("model_file", metavar="MODEL", type=FILE)
@data_option
@click.option("--history", "history_file", type=FILE, metavar="FILE",
              help="How the training went: what `fastconv train --json` printed, a line of JSON for each epoch, or a "
                   "folder with metrics.jsonl.")
@threads_option
@click.option("-o", "--output", type=FILE, metavar="FILE.html", default=Path("report.html"), show_default=True,
              help='The page; needs matplotlib ("fastconv[plots]").')
def report(model_file: Path, folder: Path | None, history_file: Path | None, output: Path) -> None:
    """Write one page about a network: how good it is, where it errs, and what it looks at.

    MODEL is a file written by `fastconv train` or fastconv.save, or the folder of a run: then its best model, and its
    history. The page opens without a network connection.
    """
    import fastconv as fc
    from fastconv.report.build import report as build
    from fastconv.report.history import read_history
    from fastconv_cli.compiling import announce_compiling

    check_writable(output)
    name = model_file.stem
    if model_file.is_dir():
        history_file, model_file = history_file or model_file, model_file / BEST
    history = [] if history_file is None else read_history(history_file)
    model = fc.load(model_file)
    _, test_set = load_data(folder)
    source = f"{len(test_set):,} images of {'the digits that come with fastconv' if folder is None else folder.name}"
    with announce_compiling():
        page = build(model, test_set, name, source, history)
    output.write_text(page, encoding="utf-8")
    click.echo(f"Report saved in {output}")
