"""The few rules that sizes follow: pairs, padding, and the extent of a window's output."""

from __future__ import annotations

from typing import Literal

IntPair = int | tuple[int, int]
Padding = IntPair | tuple[int, int, int, int] | Literal["same", "valid"]


def integer(name: str, value: int, least: int = 1) -> int:
    """`value`, an integer of at least `least`. Raises TypeError for anything else, ValueError for one too small."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value


def pair(name: str, value: IntPair, least: int = 1) -> tuple[int, int]:
    """`value` as (height, width), both at least `least`.

    Raises TypeError for anything but an integer or two of them, ValueError for one that is too small.
    """
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or not all(isinstance(each, int) and not isinstance(each, bool) for each in both):
        raise TypeError(f"{name} must be an integer or a pair of integers, got {value!r}")
    if min(both) < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return both


def conv_padding(padding: Padding, kernel_size: tuple[int, int], stride: tuple[int, int],
                 dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """Zeros (top, bottom, left, right) around each image; given as these four, as (height, width), or as one for all.

    "same" keeps the size at stride 1, with the odd zero below and to the right, as PyTorch does.
    """
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f'padding "same" needs stride 1, got stride {stride}')
        vertical, horizontal = (d * (k - 1) for d, k in zip(dilation, kernel_size, strict=True))
        return vertical // 2, vertical - vertical // 2, horizontal // 2, horizontal - horizontal // 2
    if isinstance(padding, str):
        raise ValueError(f'padding must be an integer, a pair, four integers, "same" or "valid", got {padding!r}')
    if isinstance(padding, tuple | list) and len(padding) == 4:
        top, bottom, left, right = (integer("padding", each, least=0) for each in padding)
        return top, bottom, left, right
    height, width = pair("padding", padding, least=0)
    return height, height, width, width


def pool_padding(padding: IntPair, kernel_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Zeros (top, bottom, left, right) around each image, at most half a window, so that none holds zeros only."""
    height, width = pair("padding", padding, least=0)
    if height > kernel_size[0] // 2 or width > kernel_size[1] // 2:
        raise ValueError(f"padding must be at most half of kernel_size {kernel_size}, got {padding!r}")
    return height, height, width, width


def output_size(size: tuple[int, int], kernel_size: tuple[int, int], stride: tuple[int, int],
                padding: tuple[int, int, int, int], dilation: tuple[int, int] = (1, 1),
                ceil_mode: bool = False) -> tuple[int, int]:
    """(height, width) of what a convolution or a pooling makes of an image of `size`; 0 or less where nothing fits.

    ceil_mode: a last window may reach beyond the padding, if it begins in the image or in the padding before it.
    """
    height, width = (_outputs(size[i], kernel_size[i], stride[i], padding[2 * i], padding[2 * i + 1], dilation[i],
                              ceil_mode) for i in (0, 1))
    return height, width


def _outputs(size: int, kernel_size: int, stride: int, before: int, after: int, dilation: int, ceil_mode: bool) -> int:
    room = before + size + after - dilation * (kernel_size - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    outputs = -(-room // stride) + 1
    return outputs - 1 if (outputs - 1) * stride >= size + before else outputs


def transposed_padding(padding: IntPair, output_padding: IntPair, stride: tuple[int, int],
                       dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """Zeros (top, bottom, left, right) around the output of a transposed convolution for the convolution whose input's
    gradient it is, so that this makes an image of the transposed one's input size. Output padding takes from those
    below and to the right; they may become negative.
    """
    height, width = pair("padding", padding, least=0)
    below, right = pair("output_padding", output_padding, least=0)
    if below >= max(stride[0], dilation[0]) or right >= max(stride[1], dilation[1]):
        raise ValueError(f"output_padding must be smaller than stride {stride} or dilation {dilation}, "
                         f"got {output_padding!r}")
    return height, height - below, width, width - right


def transposed_size(size: tuple[int, int], kernel_size: tuple[int, int], stride: tuple[int, int],
                    padding: tuple[int, int, int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of what a transposed convolution makes of an image of `size`; 0 or less where nothing remains.

    padding: as `transposed_padding` has it.
    """
    height, width = ((size[i] - 1) * stride[i] + dilation[i] * (kernel_size[i] - 1) + 1 - padding[2 * i]
                     - padding[2 * i + 1] for i in (0, 1))
    return height, width
