"""`fastconv search`."""

from __future__ import annotations

from pathlib import Path

import click

from fastconv_cli.names import parse_name, parse_names
from fastconv_cli.options import (
    FILE,
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

DEFAULT_RANGES = ("lr=1e-4:1e-1", "weight_decay=1e-6:1e-1")


def check_storage_name(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """The path, if its name says what kind of storage it is."""
    from fastconv.experiments.search import check_storage

    return checked(path, check_storage)


@click.command()
@click.option("--optimizer", "--optimizers", "optimizers", default="adamw", show_default=True, metavar="NAMES",
              help="A search for each of these optimizers: names between commas, or all.")
@click.option("--range", "texts", multiple=True, default=DEFAULT_RANGES, show_default=True, metavar="NAME=LOW:HIGH",
              help="A hyper-parameter, on a log scale (momentum: of its distance to 1): lr, batch_size or an argument "
                   "of the optimizer. To be repeated.")
@click.option("--trials", type=click.IntRange(min=1), metavar="N",
              help="Points to draw at random, those that a storage already has included.  [default: 30]")
@click.option("--grid", type=click.IntRange(min=2), metavar="N",
              help="Instead of random points, all combinations of N values of each range.")
@click.option("--storage", type=FILE, metavar="FILE", callback=check_storage_name,
              help="Keep the trials in a file, .db for SQLite or .journal for one that also network drives can hold. "
                   "The same command continues the search; several at once share it.")
@data_option
@model_option
@click.option("--schedule", default="constant", show_default=True, metavar="NAME",
              help="How the learning rate goes over a run.")
@click.option("--epochs", type=click.IntRange(min=1), default=5, show_default=True, metavar="N",
              help="Times the training images are gone through.")
@batch_size_option("Images per optimisation step, where no range says otherwise.")
@augment_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="Decides the points, the held-out images, the first weights and the order of the images.")
@threads_option
@plot_option("Draw a heat map of a --grid over two ranges")
@json_option
def search(
    optimizers: str, texts: tuple[str, ...], trials: int | None, grid: int | None, storage: Path | None,
    folder: Path | None, model: str, schedule: str, epochs: int, batch_size: int, augment: str | None, seed: int,
    plot: Path | None, as_json: bool,
) -> None:
    """Search for good hyper-parameters.

    It needs Optuna ("fastconv[search]").

    A sixth of the training images, the same share of each class, is held out to choose by. Trials worse than the
    median are given up early, except in a grid. In the end the best setting is trained on all training images and
    measured, once, on the test images.

    \b
    Learning rate against weight decay, for L2 regularisation and for decoupled weight decay:
      fastconv search --optimizers adam,adamw --grid 10 --storage study.db --plot heat.png

    Interrupted with Ctrl-C, it shows the trials that are finished.
    """
    from rich.console import Console

    from fastconv.experiments.search import Final, Search, check_optuna, to_dict, with_parameters
    from fastconv.experiments.setting import REGISTRIES, Setting
    from fastconv.experiments.space import Range, grid_plan, random_plan
    from fastconv.plots.heat_map import check_heat_map, save_heat_map
    from fastconv.plots.picture import check_plot
    from fastconv_cli.compiling import announce_compiling
    from fastconv_cli.search_progress import SearchProgress
    from fastconv_cli.search_table import render

    if trials is not None and grid is not None:
        raise click.UsageError("--trials and --grid exclude each other.")
    names = parse_names(optimizers, REGISTRIES["optimizer"], "--optimizers")
    try:
        ranges = [Range.parse(text) for text in texts]
        plan = random_plan(ranges, trials or 30, seed) if grid is None else grid_plan(ranges, grid)
        if plot is not None:
            check_heat_map(plan)
        bases = [Setting(model, optimizer=name, schedule=parse_name(schedule, REGISTRIES["schedule"], "--schedule"),
                         epochs=epochs, batch_size=batch_size, augment=augment)
                 for name in names]
        for base in bases:
            with_parameters(base, plan.points[0])
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    check_optuna()
    for path in (storage, plot):
        if path is not None:
            check_writable(path)
    if plot is not None:
        check_plot(plot)
    train_set, test_set = load_data_for(model, folder)
    searches = {base.optimizer: Search(base, plan, train_set, seed, storage) for base in bases}
    status, finals = Console(stderr=as_json), dict[str, Final]()
    interrupted = None
    try:
        for name, each in searches.items():
            with announce_compiling(), SearchProgress(status, name, each) as progress:
                each.run(progress)
            best = each.best()
            if best is not None:
                finals[name] = each.retrain(best, test_set)
    except KeyboardInterrupt as interruption:
        interrupted = interruption
    if plot is not None:
        first = next(iter(searches.values()))
        heading = f"{model}, {schedule}, {epochs} epoch{'s' * (epochs > 1)}, {len(first.rest):,} images"
        if augment is not None:
            heading += f", augment {augment}"
        tried = {name: each.trials() for name, each in searches.items()}
        save_heat_map(plan, tried, len(first.held_out), heading, plot)
    if as_json:
        print_document({name: to_dict(each, finals.get(name)) for name, each in searches.items()})
    else:
        for name, each in searches.items():
            Console().print(render(each, finals.get(name), len(test_set)))
    if interrupted is not None:
        raise interrupted
    if not any(each.best() for each in searches.values()):
        raise click.ClickException("Every trial diverged: look for NaN in the images, or search smaller learning rates "
                                   "with --range lr=LOW:HIGH.")
