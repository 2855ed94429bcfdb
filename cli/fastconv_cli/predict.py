"""`fastconv predict`."""

from pathlib import Path

import click

from fastconv_cli.options import FILE, json_option, print_document


@click.command()
@click.argument("model_file", metavar="MODEL", type=FILE)
@click.argument("files", metavar="FILES...", type=FILE, nargs=-1, required=True)
@click.option("--invert", is_flag=True,
              help="Swap light and dark: the digits trained on are light on dark, those on paper are not.")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, metavar="N",
              help="How many of the most probable classes to show.")
@json_option
def predict(model_file: Path, files: tuple[Path, ...], invert: bool, top: int, as_json: bool) -> None:
    """Say which class images belong to, and how probable it is.

    MODEL is a file written by `fastconv train` or fastconv.save.

    FILES are pictures (PNG, PGM, JPEG and others, read by the package Pillow), which are converted to the
    network's size and colours; or .npy arrays (H, W), (C, H, W) or (N, C, H, W) of exactly its size, uint8,
    or float32 that is already normalised.
    """
    import fastconv as fc
    from fastconv.probabilities import probabilities_of
    from fastconv_cli.compiling import announce_compiling
    from fastconv_cli.images import read_images

    model = fc.load(model_file)
    predictions, probabilities = [], probabilities_of(model)
    for file in files:
        images = read_images(file, model.input_shape, invert)
        with announce_compiling():
            rows = probabilities(model(images))
        for index, row in enumerate(rows):
            classes = model.classes or [str(label) for label in range(len(row))]
            best = {classes[label]: float(row[label]) for label in (-row).argsort(kind="stable")[:top]}
            predictions.append(
                {"file": str(file), "image": index, "class": next(iter(best)), "probabilities": best}
            )
            if not as_json:
                name = f"{file}[{index}]" if len(images) > 1 else str(file)
                click.echo(f"{name}: " + ", ".join(f"{each} ({share:.1%})" for each, share in best.items()))
    if as_json:
        print_document({"model": str(model_file), "predictions": predictions})
