"""`fastconv lr-find`."""

from __future__ import annotations

from pathlib import Path

import click

from fastconv_cli.names import parse_name
from fastconv_cli.options import (
    POSITIVE,
    batch_size_option,
    check_writable,
    data_option,
    json_option,
    load_data_for,
    model_option,
    plot_option,
    print_document,
    threads_option,
)


@click.command("lr-find")
@data_option
@model_option
@click.option("--optimizer", default="adamw", show_default=True, metavar="NAME", help="Optimizer to find a rate for.")
@batch_size_option()
@click.option("--low", type=POSITIVE, default=1e-5, show_default=True, metavar="RATE", help="The first step's rate.")
@click.option("--high", type=POSITIVE, default=10.0, show_default=True, metavar="RATE", help="The last step's rate.")
@click.option("--steps", type=click.IntRange(min=21), default=300, show_default=True, metavar="N",
              help="Steps from the one to the other.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="Decides the first weights and the order of the images.")
@threads_option
@plot_option("Draw the loss by the rate")
@json_option
def lr_find(folder: Path | None, model: str, optimizer: str, batch_size: int, low: float, high: float, steps: int,
            seed: int, plot: Path | None, as_json: bool) -> None:
    """Suggest a learning rate.

    A network is trained with one that grows in every step, to see where the loss falls and rises.

    The suggestion, for `fastconv train --lr`, is the highest rate of a run, in the middle between the rate where the
    loss falls fastest and the one where it is about to rise (Smith 2017, section 3.3).
    """
    from fastconv.experiments.lr_range import lr_range
    from fastconv.experiments.setting import REGISTRIES, Setting
    from fastconv.plots.lr_range import save_lr_range
    from fastconv.plots.picture import check_plot
    from fastconv_cli.compiling import announce_compiling
    from fastconv_cli.sparkline import Curve

    setting = Setting(model, batch_size=batch_size,
                      optimizer=parse_name(optimizer, REGISTRIES["optimizer"], "--optimizer"))
    if high <= low:
        raise click.UsageError("--high must be above --low.")
    if plot is not None:
        check_writable(plot)
        check_plot(plot)
    train_set, _ = load_data_for(model, folder)
    with announce_compiling():
        test = lr_range(setting, train_set, seed, low, high, steps)
    if plot is not None:
        save_lr_range(test, f"{model}, {optimizer}, batches of {batch_size}", plot)
    if as_json:
        print_document({"model": model, "optimizer": optimizer, "steepest": test.steepest, "lowest": test.lowest,
                        "suggestion": test.suggestion, "rates": test.rates, "losses": test.losses,
                        "smoothed": test.smoothed})
        return
    curve = Curve(60)
    for step, loss in enumerate(test.smoothed):
        curve.add(step / len(test.smoothed), min(loss, test.ceiling))
    click.echo(f"loss  {curve.text()}")
    click.echo(f"      {test.rates[0]:<30.2g}{test.rates[-1]:>30.2g}")
    if test.steepest is None:
        click.echo("The loss hardly falls anywhere: try other rates, or look at the images.")
        return
    click.echo(f"falls fastest at {test.steepest:.2g}, is lowest at {test.lowest:.2g}")
    click.echo(f"Suggestion: --lr {test.suggestion:.2g}")
