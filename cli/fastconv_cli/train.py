"""`fastconv train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastconv_cli.options import (
    FILE,
    check_writable,
    data_option,
    json_option,
    load_data,
    print_document,
    threads_option,
)

if TYPE_CHECKING:
    from fastconv.optim import Optimizer

LEARNING_RATES = {"sgd": 0.1, "adam": 6e-3, "adamw": 6e-3}
RATES_IN_WORDS = ", ".join(f"{rate:g} for {name}" for name, rate in LEARNING_RATES.items())


@click.command()
@data_option
@click.option("--model", "model_name", default="lenet5", show_default=True, metavar="NAME",
              help="Network to train: lenet5, or lenet5_classic with the tanh and average pooling of 1998.")
@click.option("--epochs", type=click.IntRange(min=1), default=8, show_default=True, metavar="N",
              help="Times the training images are gone through.")
@click.option("--batch-size", type=click.IntRange(min=1), default=128, show_default=True, metavar="N",
              help="Images per optimisation step.")
@click.option("--optimizer", "optimizer_name", type=click.Choice(list(LEARNING_RATES)), default="adamw",
              show_default=True, help="sgd has a Nesterov momentum of 0.9.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), metavar="RATE",
              help=f"Learning rate; with one-cycle the highest one.  [default: {RATES_IN_WORDS}]")
@click.option("--schedule", "schedule_name", type=click.Choice(["constant", "one-cycle"]),
              default="one-cycle", show_default=True, help="How the learning rate goes over the run.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="Decides the first weights and the order of the images: same seed, same result.")
@threads_option
@click.option("--output", type=FILE, metavar="FILE",
              help="Where the model is saved after every epoch.  [default: NAME.safetensors]")
@json_option
def train(
    folder: Path | None, model_name: str, epochs: int, batch_size: int, optimizer_name: str, lr: float | None,
    schedule_name: str, seed: int, output: Path | None, as_json: bool,
) -> None:
    """Train a network on handwritten digits, or on the images of --data, and save it.

    After every epoch the network is measured on the test images and saved, so an interrupted run loses
    at most one epoch.
    """
    from rich.console import Console

    import fastconv as fc
    from fastconv.models import MODELS
    from fastconv_cli.compiling import announce_compiling
    from fastconv_cli.progress import TrainingProgress

    if model_name not in MODELS:
        raise click.BadParameter(f"{model_name!r} is not one of {', '.join(MODELS)}.", param_hint="'--model'")
    output = output or Path(f"{model_name}.safetensors")
    check_writable(output)
    train_set, test_set = load_data(folder)
    model = MODELS[model_name](num_classes=len(train_set.classes))
    model.init(seed=seed)
    lr = lr or LEARNING_RATES[optimizer_name]
    schedule = fc.optim.Constant() if schedule_name == "constant" else fc.optim.OneCycle(max_lr=lr)
    trainer = fc.Trainer(model, make_optimizer(optimizer_name, lr), loss=fc.nn.CrossEntropyLoss())
    progress = TrainingProgress(Console(stderr=as_json), epochs, len(train_set))
    with announce_compiling(), progress:
        history = trainer.fit(
            train_set, epochs=epochs, batch_size=batch_size, validation=test_set, schedule=schedule,
            seed=seed, checkpoint=output, callbacks=[progress],
        )
    test = history[-1].validation or {}
    if as_json:
        document = {"model": model_name, "output": str(output), "threads": fc.get_num_threads(),
                    "epochs": [asdict(result) for result in history], "test": test}
        print_document(document)
    else:
        click.echo(f"Test accuracy {test['accuracy']:.2%} on {len(test_set):,} images.")
        click.echo(f"Model saved in {output}")


def make_optimizer(name: str, lr: float) -> Optimizer:
    """The optimizer called `name` on the command line."""
    from fastconv import optim

    match name:
        case "sgd":
            return optim.SGD(lr=lr, momentum=0.9, nesterov=True)
        case "adam":
            return optim.Adam(lr=lr)
        case _:
            return optim.AdamW(lr=lr)
