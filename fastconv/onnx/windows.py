"""Windows of convolutions and poolings, along any number of axes, from ONNX's attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fastconv.engine.operators import Window
from fastconv.errors import OnnxError, UnsupportedError
from fastconv.onnx.signature import only
from fastconv.onnx.tensors import check_size

Extents = Sequence[int]


@dataclass(frozen=True)
class Windows:
    """Windows along each axis. Beyond `pads`, before and after an image, the last may reach `overhang` further."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    overhang: tuple[int, ...]

    def __post_init__(self) -> None:
        axes, each = len(self.overhang), (self.kernel, self.strides, self.dilations)
        if {*map(len, each), len(self.pads)} != {axes} or not axes:
            raise OnnxError(f"expected kernel_shape, strides, dilations and pads for {axes} axes, found {self}")
        if min(map(min, each)) < 1 or min(map(min, self.pads)) < 0:
            raise OnnxError(f"expected positive extents, found {self}")

    @property
    def along_two(self) -> Window:
        """The windows of images, or of rows of pixels. Raises UnsupportedError for more axes than two."""
        axes = len(self.kernel)
        if axes > 2:
            raise UnsupportedError(f"windows along {axes} axes are not supported")
        (top, bottom), (left, right) = ((0, 0), (0, 0), *self.pads)[-2:]
        kernel, strides, dilations = ((1, 1, *each)[-2:] for each in (self.kernel, self.strides, self.dilations))
        return Window((kernel[0], kernel[1]), (strides[0], strides[1]), (top, bottom, left, right),
                      (dilations[0], dilations[1]))


def windows(size: Extents, kernel: Extents, strides: Extents | None, dilations: Extents | None, pads: Extents | None,
            auto_pad: str, ceil_mode: int = 0) -> Windows:
    """The windows for images of `size`. Raises OnnxError where a value is missing, too small, or none fits."""
    only("auto_pad", auto_pad, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    axes = len(size)
    pads = pads if pads is not None and auto_pad == "NOTSET" else (0,) * (2 * axes)
    strides, dilations = strides or (1,) * axes, dilations or (1,) * axes
    both = list(zip(pads[:axes], pads[axes:], strict=False))
    plain = Windows(tuple(kernel), tuple(strides), tuple(dilations), tuple(both), (0,) * axes)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if auto_pad.startswith("SAME"):
        both = [_same(*each, upper=auto_pad == "SAME_UPPER") for each in zip(size, spans, strides, strict=True)]
    overhang = [_overhang(*each) if ceil_mode and not auto_pad.startswith("SAME") else 0
                for each in zip(size, spans, strides, both, strict=True)]
    padded = [sum(each) for each in zip(size, *zip(*both, strict=True), overhang, strict=True)]
    if any(extent < span for extent, span in zip(padded, spans, strict=True)):
        raise OnnxError(f"a window {tuple(spans)} does not fit into an image {tuple(size)} with padding {tuple(pads)}")
    check_size(*padded)
    return replace(plain, pads=tuple(both), overhang=tuple(overhang))


def _same(size: int, span: int, stride: int, upper: bool) -> tuple[int, int]:
    """The padding that makes ⌈size / stride⌉ windows, the odd one at the end (upper) or at the beginning."""
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    less, more = total // 2, total - total // 2
    return (less, more) if upper else (more, less)


def _overhang(size: int, span: int, stride: int, pads: tuple[int, int]) -> int:
    """How far the last window reaches beyond the padding, if the number of windows is rounded up.

    A window that begins in the padding at the end is none.
    """
    before, after = pads
    count = -(-(size + before + after - span) // stride) + 1
    if (count - 1) * stride >= size + before:
        count -= 1
    return max((count - 1) * stride + span - (size + before + after), 0)
