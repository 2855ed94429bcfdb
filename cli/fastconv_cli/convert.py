"""`fastconv convert`."""

from dataclasses import asdict
from pathlib import Path

import click

from fastconv_cli.options import FILE, check_writable, input_option, json_option, print_document


@click.command()
@click.argument("source", metavar="IN", type=FILE)
@click.argument("target", metavar="OUT", type=FILE)
@click.option("--model", "name", metavar="NAME",
              help="The network (lenet5, resnet8, …) whose parameters IN holds, where it holds nothing else: "
                   "PyTorch's state dict as safetensors.")
@input_option("as the file says")
@json_option
def convert(source: Path, target: Path, name: str | None, input_shape: tuple[int, int, int] | None,
            as_json: bool) -> None:
    """Convert a network between safetensors and ONNX.

    The network in the file IN is written to the file OUT.

    Names that end with .onnx are ONNX files, which ONNX Runtime and others run; names that end with .safetensors are
    fastconv's own.
    """
    from fastconv.conversion import convert as convert_file
    from fastconv.nn.summary import summarize

    check_writable(target)
    network = convert_file(source, target, name, input_shape)
    parameters = network.parameter_count
    shape = input_shape or network.input_shape
    if as_json:
        layers = [] if shape is None else [asdict(layer) for layer in summarize(network, shape)]
        print_document({"source": str(source), "target": str(target), "parameters": parameters,
                        "input_shape": shape, "layers": layers})
    else:
        click.echo(f"{target}: {len(list(network.leaves()))} layers, {parameters:,} parameters")
