"""`fastconv compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fastconv_cli.names import parse_name, parse_names
from fastconv_cli.options import (
    FILE,
    POSITIVE,
    augment_option,
    batch_size_option,
    check_writable,
    checked,
    data_option,
    json_option,
    load_data_for,
    model_option,
    plot_option,
    print_document,
    threads_option,
)


def check_save(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """The path, if its name says what to write there."""
    from fastconv.experiments.record import check_record

    return checked(path, check_record)


@click.command()
@click.option("--optimizers", metavar="NAMES", help="Compare optimizers: names between commas, or all.")
@click.option("--activations", metavar="NAMES", help="Compare activations: names between commas, or all.")
@click.option("--schedules", metavar="NAMES", help="Compare schedules of the learning rate: names, or all.")
@click.option("--optimizer", metavar="NAME", help="The optimizer where others are compared.  [default: adamw]")
@click.option("--activation", metavar="NAME",
              help="The activation where others are compared.  [default: the model's own]")
@click.option("--schedule", metavar="NAME", help="The schedule where others are compared.  [default: constant]")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, metavar="N",
              help="Runs of each, from seeds 0, 1, …; each seed's first weights and batches are the same for all.")
@data_option
@model_option
@click.option("--epochs", type=click.IntRange(min=1), default=8, show_default=True, metavar="N",
              help="Times the training images are gone through.")
@batch_size_option()
@click.option("--lr", type=POSITIVE, metavar="RATE",
              help="Learning rate, the highest one of a schedule.  [default: each optimizer's own]")
@augment_option
@threads_option
@plot_option("Draw the loss curves")
@click.option("--save", type=FILE, metavar="FILE.csv|FILE.json", callback=check_save,
              help="Write the runs: a row for each epoch, or everything as JSON.")
@json_option
def compare(
    optimizers: str | None, activations: str | None, schedules: str | None, optimizer: str | None,
    activation: str | None, schedule: str | None, seeds: int, folder: Path | None, model: str, epochs: int,
    batch_size: int, lr: float | None, augment: str | None, plot: Path | None, save: Path | None, as_json: bool,
) -> None:
    """Compare optimizers, activations or schedules by training.

    Each way of training is run with several seeds.

    Exactly one of --optimizers, --activations and --schedules says what is compared; everything else stays the same,
    except that each optimizer has its own learning rate unless --lr is given.

    Interrupted with Ctrl-C, it shows and saves the runs that are finished.
    """
    from rich.console import Console

    from fastconv.experiments.compare import Comparison, settings_of, train_all
    from fastconv.experiments.record import save_record
    from fastconv.experiments.setting import REGISTRIES, Setting
    from fastconv.plots.curves import save_curves
    from fastconv.plots.picture import check_plot
    from fastconv_cli.compare_progress import CompareProgress
    from fastconv_cli.compare_table import render
    from fastconv_cli.compiling import announce_compiling

    asked = {"optimizer": optimizers, "activation": activations, "schedule": schedules}
    kinds = [kind for kind, names in asked.items() if names is not None]
    if len(kinds) != 1:
        raise click.UsageError("Give exactly one of --optimizers, --activations and --schedules.")
    kind = kinds[0]
    fixed = {"optimizer": optimizer, "activation": activation, "schedule": schedule}
    if fixed[kind] is not None:
        raise click.UsageError(f"--{kind} and --{kind}s exclude each other.")
    names = parse_names(asked[kind] or "", REGISTRIES[kind], f"--{kind}s")
    given: dict[str, Any] = {each: parse_name(name, REGISTRIES[each], f"--{each}")
                             for each, name in fixed.items() if name is not None}
    base = Setting(model, lr=lr, epochs=epochs, batch_size=batch_size, augment=augment, **given)
    settings = settings_of(kind, names, base)
    for path in (save, plot):
        if path is not None:
            check_writable(path)
    if plot is not None:
        check_plot(plot)
    train_set, test_set = load_data_for(model, folder)
    progress = CompareProgress(Console(stderr=as_json), len(names) * seeds, epochs, len(train_set))
    interrupted = None
    try:
        with announce_compiling(), progress:
            train_all(settings, range(seeds), train_set, test_set, progress)
    except KeyboardInterrupt as interruption:
        interrupted = interruption
    comparison = Comparison(kind, base, len(train_set), len(test_set), tuple(progress.finished))
    if comparison.runs:
        if save is not None:
            save_record(comparison, save)
        if plot is not None:
            save_curves(comparison, plot)
        if as_json:
            print_document(comparison.to_dict())
        else:
            Console().print(render(comparison))
    if interrupted is not None:
        raise interrupted
    if all(each.diverged is not None for each in comparison.runs):
        raise click.ClickException("Every run diverged: try a smaller --lr, or look for NaN in the images.")
