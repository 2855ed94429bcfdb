"""`fastconv train`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from fastconv_cli.names import parse_name
from fastconv_cli.options import (
    FILE,
    POSITIVE,
    augment_option,
    batch_size_option,
    check_writable,
    data_option,
    json_option,
    model_option,
    print_document,
    threads_option,
)


@click.command()
@click.argument("file", metavar="[RUN.toml]", type=FILE, required=False)
@data_option
@model_option
@click.option("--epochs", type=click.IntRange(min=1), default=8, show_default=True, metavar="N",
              help="Times the training images are gone through.")
@batch_size_option()
@click.option("--optimizer", default="adamw", show_default=True, metavar="NAME",
              help="The rule that changes the weights: sgd, nesterov, rmsprop, adam, ...; a wrong name lists them all.")
@click.option("--lr", type=POSITIVE, metavar="RATE",
              help="Highest learning rate of the run.  [default: one that suits the optimizer]")
@click.option("--schedule", default="one-cycle", show_default=True, metavar="NAME",
              help="How the learning rate goes over the run: constant, cosine, step, ...; a wrong name lists them all.")
@click.option("--clip-grad-norm", type=POSITIVE, metavar="NORM",
              help="Scale gradients down to this norm, all together.")
@click.option("--hold-out", type=click.FloatRange(0, 1, max_open=True), default=0.0, metavar="SHARE",
              help="Judge epochs by this share of the training images, and use the test images once, at the end.")
@click.option("--patience", type=click.IntRange(min=1), metavar="N",
              help="End the run after N epochs that were no better than the best one before them.")
@augment_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="Decides the first weights, the order of the images and their changes: same seed, same result.")
@threads_option
@click.option("--output", type=FILE, metavar="FILE",
              help="Where the model is saved after every epoch.  [default: NAME.safetensors]")
@click.option("--run", type=FILE, metavar="DIR", help="Folder that records the run.  [default: runs/MODEL-DATE-TIME]")
@click.option("--resume", "resumed", metavar="RUN",
              help="Continue the run in a folder, or of that name in runs, to what it would have come to.")
@click.option("--tensorboard", is_flag=True,
              help='Write event files too; needs tensorboardX ("fastconv[tensorboard]").')
@json_option
def train(file: Path | None, run: Path | None, resumed: str | None, as_json: bool, **settings: Any) -> None:
    """Train a network and save it.

    It learns handwritten digits, or the images of --data.

    RUN.toml describes the run by these options' names, with _ for -, such as epochs = 20; options change what it says.

    After every epoch the network is measured on the test images and saved. The folder of the run has what is needed to
    go on after whatever ended it, with the same bits: --resume. `fastconv runs` lists, shows and compares runs.
    """
    from rich.console import Console

    import fastconv as fc
    from fastconv.optim import OPTIMIZERS, SCHEDULES
    from fastconv.runs.configuration import Configuration, read_configuration
    from fastconv.runs.environment import differences, environment
    from fastconv.runs.metrics import as_row
    from fastconv.runs.record import find_run, read_record
    from fastconv.runs.run import CONFIGURATION
    from fastconv.runs.train import begin, resume
    from fastconv_cli.compiling import announce_compiling
    from fastconv_cli.overwriting import Overwriting
    from fastconv_cli.progress import TrainingProgress

    context = click.get_current_context()
    given = {name: value for name, value in settings.items()
             if context.get_parameter_source(name) is not ParameterSource.DEFAULT}
    if resumed is not None:
        if given or file is not None or run is not None:
            raise click.UsageError("--resume continues a run as it was begun: it takes no other description of it.")
        folder = find_run(resumed)
        configuration = read_configuration(folder / CONFIGURATION)
        changed = differences(read_record(folder).environment, environment())
        if changed:
            click.echo(f"The last bits may differ: {', '.join(changed)}.", err=True)
    else:
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            parse_name(settings[name], known, f"--{name}")
        if "folder" in given:
            given["data"] = given.pop("folder")
        given = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
        described = {} if file is None else read_configuration(file).to_table()
        configuration = Configuration.from_table(described | given).resolved()
        check_writable(Path(configuration.output or ""))
    progress = TrainingProgress(Console(stderr=as_json), "held-out" if configuration.hold_out else "test")
    with announce_compiling(), progress:
        followers = [progress, Overwriting(Path(configuration.output or ""))]
        trained = begin(run, configuration, followers) if resumed is None else resume(folder, followers)
    if as_json:
        print_document({
            "model": trained.configuration.model, "run": str(trained.folder), "output": trained.configuration.output,
            "threads": fc.get_num_threads(), "epochs": [as_row(result) for result in trained.results],
            "best": None if trained.best is None else trained.best.epoch,
            "test": {name: value if math.isfinite(value) else None for name, value in trained.test.items()}})
    else:
        click.echo(f"Test accuracy {trained.test['accuracy']:.2%} on {trained.test_images:,} images.")
        click.echo(f"Model saved in {shown(Path(trained.configuration.output or ''))}")
        best = "no best epoch, all are NaN" if trained.best is None else f"best epoch {trained.best.epoch}"
        click.echo(f"Run in {trained.folder}, {best}")
    if not math.isfinite(trained.test["loss"]):
        click.echo(f"Warning: the loss on the test images is {trained.test['loss']}, the model is of no use; train it "
                   "with a smaller --lr.", err=True)


def shown(path: Path) -> Path:
    """The path as people know it: from the current folder, where it is in there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
