"""The options that several commands share."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from errno import EISDIR
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click

from fastconv_cli.names import parse_name

if TYPE_CHECKING:
    from click.decorators import FC
    from rich.console import RenderableType

    from fastconv.data import Dataset

FILE = click.Path(path_type=Path)


class Positive(click.FloatRange):
    """A finite number above 0."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not finite.", param, ctx)
        return number


POSITIVE = Positive()

#: Columns of a table in a file or a pipe.
PIPED_WIDTH = 150


def use_threads(context: click.Context, parameter: click.Parameter, threads: int | None) -> None:
    """Sets the number of threads, where one was asked for."""
    if threads is not None:
        import fastconv as fc

        fc.set_num_threads(threads)


def check_model(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """The name of a network, if it is known."""
    from fastconv.models import MODELS

    return parse_name(name, MODELS, "--model")


def check_augment(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """The text, if it is one that `data.parse_augmentation` reads."""
    from fastconv.data import parse_augmentation

    try:
        if text is not None:
            parse_augmentation(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error
    return text


def checked(path: Path | None, check: Callable[[Path], None]) -> Path | None:
    """The path, if there is none or `check` accepts it; else BadParameter with the ValueError's words."""
    try:
        if path is not None:
            check(path)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from error
    return path


def check_picture(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """The path, if its name is one of a picture."""
    from fastconv.plots.picture import check_picture_name

    return checked(path, check_picture_name)


data_option = click.option(
    "--data", "folder", type=FILE, metavar="PATH",
    help="Folder with MNIST's, EMNIST's or CIFAR's files, with .npy files, or with a folder of pictures for each "
         "class; a .npz file; or the name of a fetched set.  [default: the digits that come with fastconv]",
)
model_option = click.option(
    "--model", default="lenet5", show_default=True, metavar="NAME", callback=check_model,
    help="Network to train: lenet5, lenet5_classic, resnet8, ...; a wrong name lists them all.",
)
augment_option = click.option(
    "--augment", metavar="CHANGES", callback=check_augment,
    help="Random changes of the training images: digits, elastic, clothes or photos, and numbers between commas, such "
         "as digits,mixup=0.2 or shift=2,scale=0.9:1.1; a wrong name lists them all.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", callback=use_threads, expose_value=False,
    help="Threads to use.  [default: one per CPU]",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output, nothing else there."
)


def batch_size_option(images: str = "Images per optimisation step.") -> Callable[[FC], FC]:
    """--batch-size, with what its images are for."""
    return click.option("--batch-size", type=click.IntRange(min=1), default=128, show_default=True, metavar="N",
                        help=images)


def input_option(otherwise: str = "as it was trained, or 1 28 28") -> Callable[[FC], FC]:
    """--input, with what stands for it where it is not given."""
    return click.option("--input", "input_shape", type=(int, int, int), metavar="C H W",
                        help=f"Channels, height and width of an image.  [default: {otherwise}]")


def plot_option(drawing: str) -> Callable[[FC], FC]:
    """--plot, with what it draws."""
    return click.option("--plot", type=FILE, metavar="FILE.png", callback=check_picture,
                        help=f'{drawing}; needs matplotlib ("fastconv[plots]").')


def load_data(folder: Path | None) -> tuple[Dataset, Dataset]:
    """The training and the test set at `folder`, or the embedded digits."""
    import fastconv as fc

    return fc.data.digits() if folder is None else fc.data.load(folder)


def load_data_for(model: str, folder: Path | None) -> tuple[Dataset, Dataset]:
    """As `load_data`; ShapeError where the network of that name cannot take these images."""
    from fastconv.models import MODELS
    from fastconv.nn.fit import check_fit

    train, test = load_data(folder)
    check_fit(model, MODELS[model](), train.images.shape)
    return train, test


def check_writable(path: Path) -> None:
    """Raises OSError, before long work rather than after, where no file can be written to `path`."""
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "expected a file, found a folder", str(path))
    try:
        TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise OSError(error.errno, f"cannot be written: {error.strerror}", str(path)) from error


def print_document(document: dict[str, object]) -> None:
    """Prints what --json promises."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))


def print_table(table: RenderableType) -> None:
    """Prints it as wide as the terminal, or as a file can hold."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)
