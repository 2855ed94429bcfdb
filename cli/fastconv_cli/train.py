"""`fastconv train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from fastconv_cli.names import parse_augment, parse_name
from fastconv_cli.options import (
    FILE,
    check_writable,
    data_option,
    json_option,
    load_data,
    print_document,
    threads_option,
)


@click.command()
@data_option
@click.option("--model", "model_name", default="lenet5", show_default=True, metavar="NAME",
              help="Network to train: lenet5, or lenet5_classic with the tanh and average pooling of 1998.")
@click.option("--epochs", type=click.IntRange(min=1), default=8, show_default=True, metavar="N",
              help="Times the training images are gone through.")
@click.option("--batch-size", type=click.IntRange(min=1), default=128, show_default=True, metavar="N",
              help="Images per optimisation step.")
@click.option("--optimizer", "optimizer_name", default="adamw", show_default=True, metavar="NAME",
              help="The rule that changes the weights: sgd, nesterov, rmsprop, adam, ...; a wrong name lists them all.")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), metavar="RATE",
              help="Highest learning rate of the run.  [default: one that suits the optimizer]")
@click.option("--schedule", "schedule_name", default="one-cycle", show_default=True, metavar="NAME",
              help="How the learning rate goes over the run: constant, cosine, step, ...; a wrong name lists them all.")
@click.option("--augment", "augment_text", metavar="CHANGES",
              help="Random changes of the training images: digits, elastic, clothes or photos, and numbers between "
                   "commas, such as digits,mixup=0.2 or shift=2,scale=0.9:1.1; a wrong name lists them all.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="Decides the first weights, the order of the images and their changes: same seed, same result.")
@threads_option
@click.option("--output", type=FILE, metavar="FILE",
              help="Where the model is saved after every epoch.  [default: NAME.safetensors]")
@json_option
def train(
    folder: Path | None, model_name: str, epochs: int, batch_size: int, optimizer_name: str, lr: float | None,
    schedule_name: str, augment_text: str | None, seed: int, output: Path | None, as_json: bool,
) -> None:
    """Train a network on handwritten digits, or on the images of --data, and save it.

    After every epoch the network is measured on the test images and saved, so an interrupted run loses
    at most one epoch.
    """
    from rich.console import Console

    import fastconv as fc
    from fastconv.models import MODELS
    from fastconv.optim import OPTIMIZERS, SCHEDULES
    from fastconv_cli.compiling import announce_compiling
    from fastconv_cli.progress import TrainingProgress

    parse_name(model_name, MODELS, "--model")
    parse_name(optimizer_name, OPTIMIZERS, "--optimizer")
    parse_name(schedule_name, SCHEDULES, "--schedule")
    augment = parse_augment(augment_text, "--augment")
    output = output or Path(f"{model_name}.safetensors")
    check_writable(output)
    train_set, test_set = load_data(folder)
    model = MODELS[model_name](num_classes=len(train_set.classes))
    model.init(seed=seed)
    optimizer = OPTIMIZERS[optimizer_name](**({} if lr is None else {"lr": lr}))
    schedule = SCHEDULES[schedule_name](optimizer.lr)
    trainer = fc.Trainer(model, optimizer, loss=fc.nn.CrossEntropyLoss())
    progress = TrainingProgress(Console(stderr=as_json), epochs, len(train_set))
    with announce_compiling(), progress:
        history = trainer.fit(
            train_set, epochs=epochs, batch_size=batch_size, validation=test_set, schedule=schedule,
            seed=seed, checkpoint=output, callbacks=[progress], augment=augment,
        )
    test = history[-1].validation or {}
    if as_json:
        document = {"model": model_name, "output": str(output), "threads": fc.get_num_threads(),
                    "epochs": [asdict(result) for result in history], "test": test}
        print_document(document)
    else:
        click.echo(f"Test accuracy {test['accuracy']:.2%} on {len(test_set):,} images.")
        click.echo(f"Model saved in {output}")
