"""`fastconv evaluate`."""

import math
from pathlib import Path

import click

from fastconv_cli.options import FILE, data_option, json_option, load_data, print_document, threads_option


@click.command()
@click.argument("model_file", metavar="MODEL", type=FILE)
@data_option
@threads_option
@json_option
def evaluate(model_file: Path, folder: Path | None, as_json: bool) -> None:
    """Measure a saved network on the test images.

    MODEL is a file written by `fastconv train` or fastconv.save.
    """
    import fastconv as fc
    from fastconv.errors import CheckpointError
    from fastconv.nn.fit import check_fit
    from fastconv_cli.compiling import announce_compiling

    model = fc.load(model_file)
    _, test_set = load_data(folder)
    check_fit(str(model_file), model, test_set.images.shape, "name its images with --data")
    with announce_compiling():
        metrics = fc.Trainer(model, fc.optim.SGD(lr=1.0), loss=fc.nn.CrossEntropyLoss()).evaluate(test_set)
    if not math.isfinite(metrics["loss"]):
        raise CheckpointError(f"{model_file}: its loss on the test images is {metrics['loss']}: its weights are not "
                              "numbers, or far too large; train it again with a smaller --lr")
    if as_json:
        print_document({"model": str(model_file), "images": len(test_set), **metrics})
    else:
        measured = f"accuracy {metrics['accuracy']:.2%}, loss {metrics['loss']:.4f}"
        click.echo(f"Test {measured} on {len(test_set):,} images")
