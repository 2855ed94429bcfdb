"""`fastconv report`."""

from pathlib import Path

import click

from fastconv_cli.options import FILE, check_writable, data_option, load_data, threads_option


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
    """Write one page about a network.

    It shows how good the network is, where it errs, and what it looks at.

    MODEL is a file written by `fastconv train` or fastconv.save, or the folder of a run: then its best model, its
    history, and the data it was trained for. The page opens without a network connection.
    """
    import fastconv as fc
    from fastconv.nn.fit import check_fit
    from fastconv.report.build import report as build
    from fastconv.report.history import read_history
    from fastconv.serialization import BEST
    from fastconv_cli.compiling import announce_compiling

    check_writable(output)
    name = model_file.stem
    if model_file.is_dir():
        folder = folder or _data_of(model_file)
        history_file, model_file = history_file or model_file, model_file / BEST
    history = [] if history_file is None else read_history(history_file)
    model = fc.load(model_file)
    _, test_set = load_data(folder)
    check_fit(str(model_file), model, test_set.images.shape, "name its images with --data")
    source = f"{len(test_set):,} images of {'the digits that come with fastconv' if folder is None else folder.name}"
    with announce_compiling():
        page = build(model, test_set, name, source, history)
    output.write_text(page, encoding="utf-8")
    click.echo(f"Report saved in {output}")


def _data_of(run: Path) -> Path | None:
    from fastconv.data.sources import SETS
    from fastconv.errors import RunError
    from fastconv.runs.run import CONFIGURATION, read_toml

    data = read_toml(run / CONFIGURATION).get("data") if (run / CONFIGURATION).is_file() else None
    if data is None:
        return None
    if data not in SETS and not Path(data).exists():
        raise RunError(f"{run}: this run's data are gone: {data}; name them with --data")
    return Path(data)
