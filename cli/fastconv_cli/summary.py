"""`fastconv summary`."""

from dataclasses import asdict

import click

from fastconv_cli.networks import DIGIT, network_of
from fastconv_cli.options import input_option, json_option, print_document


@click.command()
@click.argument("model", metavar="[MODEL]", default="lenet5")
@input_option()
@json_option
def summary(model: str, input_shape: tuple[int, int, int] | None, as_json: bool) -> None:
    """Show a network's layers, shapes and parameters.

    Multiply-adds are those of one image.

    MODEL is the name of a network (lenet5, resnet8, mobilenet_v1, …) or a saved file; lenet5 where it is not given.
    """
    from rich.console import Console
    from rich.table import Table

    from fastconv.nn.summary import summarize

    network = network_of(model)
    shape = input_shape or network.input_shape or DIGIT
    layers = summarize(network, shape)
    parameters = sum(layer.parameters for layer in layers)
    multiply_adds = sum(layer.multiply_adds for layer in layers)
    if as_json:
        document = {"model": model, "input_shape": shape, "layers": [asdict(layer) for layer in layers],
                    "parameters": parameters, "multiply_adds": multiply_adds}
        print_document(document)
        return
    table = Table(title=f"{model}, images {in_words(shape)}", show_footer=True)
    table.add_column("name", footer="total", no_wrap=True)
    table.add_column("layer", overflow="fold")
    table.add_column("output")
    table.add_column("parameters", footer=f"{parameters:,}", justify="right")
    table.add_column("multiply-adds", footer=f"{multiply_adds:,}", justify="right")
    for layer in layers:
        table.add_row(layer.name, layer.layer, in_words(layer.output_shape), f"{layer.parameters:,}",
                      f"{layer.multiply_adds:,}")
    Console().print(table)


def in_words(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 1×28×28."""
    return "×".join(str(extent) for extent in shape)
