"""Whether a network can take certain images, told to people who did not choose its layers."""

from __future__ import annotations

from fastconv.errors import ShapeError
from fastconv.nn.convolution import Conv2d
from fastconv.nn.layer import Layer, Shape, final_shape


def check_fit(name: str, model: Layer, images: Shape,
              way_out: str = "name another network with --model, or other images with --data") -> None:
    """Raises ShapeError, saying what the model called `name` takes, unless it can take images (N, C, H, W)."""
    try:
        final_shape(model, images)
    except ShapeError as error:
        raise ShapeError(f"{name} takes {_taken(model, images[1])}, the images are {_in_words(images[1:])}: {way_out} "
                         f"({error})") from error


def _taken(model: Layer, channels: int) -> str:
    first = next((leaf for _, leaf in model.leaves()), None)
    if model.input_shape is not None:
        return f"images {_in_words(model.input_shape)}"
    if isinstance(first, Conv2d) and first.in_channels != channels:
        return f"images with {first.in_channels} channel{'s' * (first.in_channels > 1)}"
    return "images of another size"


def _in_words(shape: Shape) -> str:
    return "×".join(map(str, shape))
