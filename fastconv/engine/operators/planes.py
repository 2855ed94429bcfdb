"""Operators on one image by itself, for inference: vectors of 16 neighbouring pixels of a plane (`kernels.planes`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import At, Buffer, Fixed
from fastconv.engine.operators import channels, depthwise, upsampling
from fastconv.engine.operators.activation import Formula
from fastconv.engine.operators.tiling import Lines, Progression, tile_cost
from fastconv.engine.operators.window import Window
from fastconv.engine.parameter import Derived, Parameter
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, PackedWeight, Weight, channels_inner
from fastconv.kernels import activation as activations
from fastconv.kernels import multiplication, planes_correlate
from fastconv.kernels import planes as kernels
from fastconv.kernels.abi import IMAGES, Kernel
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES, Packed, groups_of, vector_plane, whole_lanes
from fastconv.simd.block import ONE_VECTOR, Block
from fastconv.simd.blocking import CORRELATE_ROWS, TILE_COLS

#: Vectors of outputs in a linear layer's tile: as many sums as the multiply-add units need in flight.
LINEAR_COLS = 8

#: What things cost beside a convolution's multiply-add of a vector, 0.2 ns: a depthwise one's, of which most loads are
#: split between cache lines; a linear layer's, which loads weights; a pixel vector of a window; a row of a phase.
DEPTHWISE_COST, LINEAR_COST, POOL_COST, SPLIT_COST = 5, 5, 5, 25

#: Channels from which on two rows of results at a time are faster than one.
LEAST_PAIR_CHANNELS = 16


def _vector_place(channels: int, height: int, width: int, row: int | None = None) -> Packed:
    """As Packed.alone, with a plane of whole vectors for single pixels too."""
    place = Packed.alone(channels, height, width, row)
    return replace(place, plane=max(place.plane, vector_plane(LANES)))


def new(place: Packed) -> Tensor:
    """A tensor that vectors may overrun."""
    return Tensor(place, Buffer(4 * place.floats + kernels.SLACK), needs_grad=False)


def _cuts(builder: Builder, channels: int) -> tuple[int, ...]:
    """Where so many channels are cut into a part for each thread: between blocks of a convolution's targets."""
    starts = [run.start + run.size * block for run in runs(channels, CORRELATE_ROWS) for block in range(run.blocks)]
    shares = [channels * part / builder.threads for part in range(1, builder.threads)]
    return (0, *(min([*starts, channels], key=lambda start: abs(start - share)) for share in shares), channels)


def _by_channel(builder: Builder, kernel: Kernel, block: Block, inputs: Sequence[Tensor], y: Tensor,
                fields: Callable[[int, int], dict[str, Any]]) -> Call:
    """A call whose results in some channels need nothing but the inputs in these.

    fields: those of the channels from a first one on, so many.
    """
    y.cuts = _cuts(builder, y.place.channels)
    parts = [fields(first, end - first) for first, end in pairwise(y.cuts)]
    return builder.divided(kernel, block, parts, follows=all(x.cuts == y.cuts for x in inputs))


def _from(start: Buffer | Fixed, count: int) -> At:
    """The place so many floats behind a start."""
    return At(start, 4 * count)


def image(builder: Builder, shape: tuple[int, int, int], dtype: Any, scale: np.ndarray, shift: np.ndarray) -> Tensor:
    """One of the batch's images (C, H, W) times scale plus shift, both (C,)."""
    x = new(Packed.alone(*shape))
    kernel = kernels.image_uint8 if dtype == np.uint8 else kernels.image_float32
    builder.call(kernel, batch=builder.batch, slot=IMAGES, scale=Fixed(scale), shift=Fixed(shift), x=x.buffer,
                 **x.place.fields())
    return x


def result(builder: Builder, x: Tensor) -> None:
    """Writes x to the batch's results, NCHW float32."""
    builder.call(kernels.result, x=x.buffer, batch=builder.batch, **x.place.flat().fields())


@dataclass(frozen=True)
class Seen:
    """What windows see: of each tap where it lies from a result's place, and masks [tap, vector] of results.

    plane: floats from one channel of x to the next.  place: of the results.
    """

    x: Tensor
    plane: int
    offsets: np.ndarray
    masks: np.ndarray
    place: Packed

    def fields(self, first: int = 0) -> dict[str, Any]:
        """All as fields of a kernel's arguments, of the channels from `first` on."""
        return {"x": _from(self.x.buffer, first * self.plane), "x_plane": self.plane, "y_plane": self.place.plane,
                "offsets": Fixed(self.offsets), "masks": Fixed(self.masks), "taps": len(self.offsets),
                "vectors": self.vectors}

    @property
    def vectors(self) -> int:
        """Vectors from the first result of a plane to the last."""
        return int(self.masks.shape[1])


def windows(builder: Builder, x: Tensor, window: Window, targets: int) -> Seen:
    """What the windows see of x, for `targets` channels of results."""
    size, phases = window.output_size(x.place.size), [(0, 0)]
    if window.stride != (1, 1):
        used = [sorted({tap % window.stride[axis] for tap in _taps(window, axis)}) for axis in (0, 1)]
        phases = [(row, col) for row in used[0] for col in used[1]]
        x, plane, row = _split(builder, x, window.stride, phases, size[1])
    else:
        if x.place.row < size[1]:
            x = _placed(builder, x, Packed.alone(*x.place.shape, size[1]))
        plane, row = x.place.plane, x.place.row
    place = _vector_place(targets, *size, row)
    starts = {phase: number * plane for number, phase in enumerate(phases)}
    offsets = [starts[row_tap % window.stride[0], col_tap % window.stride[1]]
               + row_tap // window.stride[0] * row + col_tap // window.stride[1]
               for row_tap in _taps(window, 0) for col_tap in _taps(window, 1)]
    inside = [_inside(window, axis, x.place.size[axis], size[axis]) for axis in (0, 1)]
    seen = np.zeros((len(offsets), size[0], row), bool)
    seen[:, :, :size[1]] = np.einsum("ah,bw->abhw", *inside).reshape(-1, *size)
    seen = seen.reshape(len(offsets), -1)[:, :(size[0] - 1) * row + size[1]]
    vectors = np.zeros((len(offsets), groups_of(seen.shape[1]), LANES), bool)
    vectors.reshape(len(offsets), -1)[:, :seen.shape[1]] = seen
    masks = np.packbits(vectors, axis=-1, bitorder="little").view(np.uint16)[..., 0]
    builder.margin = max(builder.margin, 4 * (max(map(abs, offsets)) + vectors.shape[1] * LANES))
    return Seen(x, plane * len(phases), np.array(offsets, np.int64), np.ascontiguousarray(masks), place)


def _taps(window: Window, axis: int) -> list[int]:
    """How far each tap lies from the pixel at which the window would begin without padding."""
    return [k * window.dilation[axis] - window.padding[2 * axis] for k in range(window.kernel[axis])]


def _inside(window: Window, axis: int, size: int, outputs: int) -> np.ndarray:
    """[tap, result]: whether the tap sees a pixel."""
    pixels = np.add.outer(_taps(window, axis), window.stride[axis] * np.arange(outputs))
    return (pixels >= 0) & (pixels < size)


def _split(builder: Builder, x: Tensor, stride: tuple[int, int], phases: Sequence[tuple[int, int]],
           least_row: int) -> tuple[Tensor, int, int]:
    """The phases of a stride, each in a plane of its own, the floats of a plane and those of a row."""
    rows, row = -(-x.place.height // stride[0]), max(-(-x.place.width // stride[1]), least_row)
    plane = vector_plane((rows - 1) * row + whole_lanes(row))
    y = Tensor(x.place, Buffer(4 * x.place.channels * len(phases) * plane + kernels.SLACK), needs_grad=False)
    builder.work += SPLIT_COST * x.place.channels * len(phases) * rows
    _by_channel(builder, kernels.split, ONE_VECTOR, [x], y, lambda first, count: {
        "x": _from(x.buffer, first * x.place.plane), "y": _from(y.buffer, first * len(phases) * plane),
        "phases": Fixed(np.array(phases, np.int64)), "phase_count": len(phases), "channels": count,
        "height": x.place.height, "width": x.place.width, "x_row": x.place.row, "x_plane": x.place.plane, "y_row": row,
        "y_plane": plane, "stride_height": stride[0], "stride_width": stride[1]})
    return y, plane, row


def conv2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window) -> Tensor:
    """The convolution of x."""
    seen = windows(builder, x, window, weight.groups * weight.targets)
    y, taps, vectors = new(seen.place), len(seen.offsets), seen.vectors
    products = weight.size * vectors
    if depthwise.serves(weight, window):
        builder.work += DEPTHWISE_COST * products
        values, taps_of = _values(bias, y.place.channels), Fixed(weight.parameter.array)
        y.correlations = [_by_channel(
            builder, planes_correlate.depthwise, Block(*window.kernel), [seen.x], y, lambda first, count: {
                "y": _from(y.buffer, first * y.place.plane), "weight": _from(taps_of, first * taps),
                "bias": _from(values, first), "channels": count, "lower": -np.inf, **seen.fields(first)})]
        return y
    builder.work += products
    weight.forward = PackedWeight(weight.size, CORRELATE_ROWS)
    y.cuts, y.correlations = _cuts(builder, weight.targets), []
    for run in runs(weight.targets, weight.forward.block_rows):
        cols = min(range(1, TILE_COLS[run.size] + 1), key=lambda cols: _cost(taps, vectors, run.size, cols))
        fields = {"y": y.buffer, "weight": Fixed(weight.forward.array), "bias": _values(bias, y.place.channels),
                  "groups": weight.groups, "targets": weight.targets, "sources": weight.sources,
                  "channels_inner": channels_inner(weight.sources, weight.kernel_width), "lower": -np.inf,
                  **seen.fields()}
        cuts = [min(max(0, cut - run.start) // run.size, run.blocks) for cut in y.cuts]
        parts = [fields | {"start": run.start + run.size * first, "blocks": end - first}
                 for first, end in pairwise(cuts)]
        y.correlations.append(builder.divided(planes_correlate.correlate, Block(run.size, cols), parts,
                                              follows=bool(y.correlations)))
    return y


def serves_pairs(sources: int, targets: int, groups: int, window: Window) -> bool:
    """Whether `conv2d_by_pairs` is the one to compute a convolution."""
    plain = window.stride == window.dilation == (1, 1) and window.kernel[0] == 3
    return plain and groups == 1 and min(sources, targets) >= LEAST_PAIR_CHANNELS


def conv2d_by_pairs(builder: Builder, x: Tensor, weight: Parameter, bias: Bias | None, window: Window) -> Tensor:
    """The convolution of x with kernels of three rows: two rows of results at a time, with 4 products instead of 6.

    Winograd's F(2, 3) along the columns (Lavin & Gray 2016, section 4.1); along the rows taps are what they are.
    """
    targets, sources, _, width = weight.array.shape
    [products] = builder.derive(Derived([weight], [(4 * targets, sources, 1, width)], lambda: [_sums_of_rows(weight)]))
    size = window.output_size(x.place.size)
    pairs = -(-size[0] // 2)
    rows, y = new(_vector_place(4 * sources, pairs, x.place.width)), new(_vector_place(targets, *size))
    along_row = Window((1, width), padding=(0, 0, *window.padding[2:]))
    weights, values = builder.weight(products, (4 * targets, sources, 1, width), 4), _values(bias, targets)
    _by_channel(builder, kernels.split_pairs, ONE_VECTOR, [x], rows.channels(0, sources), lambda first, count: {
        "x": _from(x.buffer, first * x.place.plane), "y": _from(rows.buffer, first * rows.place.plane),
        "channels": count, "height": x.place.height, "width": x.place.width, "x_row": x.place.row,
        "x_plane": x.place.plane, "y_row": rows.place.row, "y_plane": rows.place.plane,
        "distance": sources * rows.place.plane, "pairs": pairs, "top": window.padding[0]})
    builder.margin = max(builder.margin, 4 * LANES)
    made = conv2d(builder, rows, weights, None, along_row)
    y.correlations = [_by_channel(builder, kernels.join_pairs, ONE_VECTOR, [made], y, lambda first, count: {
        "x": _from(made.buffer, first * made.place.plane), "y": _from(y.buffer, first * y.place.plane),
        "bias": _from(values, first), "channels": count, "height": size[0], "width": size[1],
        "x_row": made.place.row, "x_plane": made.place.plane, "y_row": y.place.row, "y_plane": y.place.plane,
        "distance": targets * made.place.plane, "pairs": pairs, "lower": -np.inf})]
    return y


def _sums_of_rows(weight: Parameter) -> np.ndarray:
    """(4 · targets, sources, 1, kernel width): of the kernels' rows g the sums g0, (g0 ± g1 + g2) / 2 and g2."""
    g0, g1, g2 = np.moveaxis(weight.array.astype(np.float64), 2, 0)
    sums = g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2
    return np.concatenate(sums)[:, :, None]


def _cost(taps: int, vectors: int, targets: int, cols: int) -> float:
    rows, line = Lines([Progression(0, 1, 1, 0, 1, 0, 1)]), Lines([Progression(0, 1, vectors, 0, taps, 0, 1)])
    return tile_cost(rows, line, targets, cols)


def linear(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None) -> Tensor:
    """A linear layer. weight: (outputs, features, 1, 1)"""
    y = new(Packed.alone(weight.targets, 1, 1))
    builder.work += LINEAR_COST * weight.size / LANES
    weight.forward = PackedWeight(weight.size + LANES, LANES)
    y.correlations = []
    for run in runs(weight.targets, LANES):
        cols = min(range(1, LINEAR_COLS + 1), key=lambda cols: run.blocks // cols + run.blocks % cols)
        y.correlations.append(builder.call(
            planes_correlate.linear, Block(1, cols), x=x.buffer, y=y.buffer, weight=Fixed(weight.forward.array),
            bias=_values(bias, weight.targets), channels=x.place.channels, height=x.place.height,
            width=x.place.width, row=x.place.row, plane=x.place.plane, start=run.start, blocks=run.blocks,
            size=run.size, lower=-np.inf))
    return y


def _values(bias: Bias | None, count: int) -> Fixed:
    return Fixed(np.zeros(count, np.float32) if bias is None else bias.parameter.array)


def max_pool2d(builder: Builder, x: Tensor, window: Window) -> Tensor:
    """The largest pixel of each window."""
    return _pool(builder, kernels.max_pool, windows(builder, x, window, x.place.channels))


def avg_pool2d(builder: Builder, x: Tensor, window: Window, count_include_pad: bool = True) -> Tensor:
    """The mean of each window; padding counts as zeros, or where `count_include_pad` is False not at all."""
    most = window.kernel[0] * window.kernel[1]
    if window.kernel == x.place.size and not any(window.padding):
        return _plane_sums(builder, x, 1 / most)
    counts = _counts(window, x.place.size, count_include_pad)
    seen = windows(builder, x, window, x.place.channels)
    if (counts == most).all():
        return _pool(builder, kernels.mean_pool, seen, 1 / most)
    y = _pool(builder, kernels.mean_pool, seen)
    shares = np.zeros(y.place.plane + y.place.row, np.float32)
    shares[:counts.shape[0] * y.place.row].reshape(-1, y.place.row)[:, :counts.shape[1]] = 1 / counts
    builder.call(multiplication.product, x=y.buffer, y=Fixed(shares), z=y.buffer, step=1, y_plane=0,
                 **_vectors(y.place))
    return y


def _counts(window: Window, size: tuple[int, int], count_include_pad: bool) -> np.ndarray:
    """(H_out, W_out): the pixels that a mean is taken of, at least 1."""
    outputs = window.output_size(size)
    if count_include_pad:
        top, bottom, left, right = window.padding
        size, window = (size[0] + top + bottom, size[1] + left + right), replace(window, padding=(0, 0, 0, 0))
    rows, cols = (_inside(window, axis, size[axis], outputs[axis]).sum(axis=0) for axis in (0, 1))
    counts: np.ndarray = np.maximum(np.multiply.outer(rows, cols), 1)
    return counts


def _plane_sums(builder: Builder, x: Tensor, share: float) -> Tensor:
    """The sum of each channel's pixels times `share`."""
    pixels = windows(builder, x, Window((1, 1)), x.place.channels)
    return _pool(builder, kernels.plane_mean, replace(pixels, place=Packed.alone(x.place.channels, 1, 1)), share)


def _pool(builder: Builder, kernel: Kernel, seen: Seen, share: float = 1.0) -> Tensor:
    y = new(seen.place)
    builder.work += POOL_COST * seen.place.channels * seen.masks.size
    _by_channel(builder, kernel, ONE_VECTOR, [seen.x], y, lambda first, count: {
        "y": _from(y.buffer, first * y.place.plane), "channels": count, "share": share, **seen.fields(first)})
    return y


def relu(builder: Builder, x: Tensor) -> Tensor:
    """max(x, 0), in the place of x; part of what computes x where that is a convolution, a linear layer or a sum."""
    y = _writable(builder, x)
    if x.correlations:
        for call in x.correlations:
            for part in call.records:
                part["lower"] = 0.0
    else:
        _by_channel(builder, activations.relu, ONE_VECTOR, [x], y, lambda first, count: {
            "y": _from(y.buffer, first * y.place.plane), "size": count * y.place.plane})
    return y


def activate(builder: Builder, x: Tensor, formula: Formula) -> Tensor:
    """The activation of x, in its place where that is allowed. Its coefficients may be values (C, 1, 1)."""
    fields = formula.fields() | {"c_has_lanes": False}
    y = new(x.place) if x.read_only else x.in_place()
    if x.place.plane % LANES and any(fields.get(f"{name}_step") for name in "abc"):
        builder.call(kernels.activate_features.of(formula.name), x=x.buffer, y=y.buffer, features=x.place.features,
                     **fields)
    else:
        builder.call(activations.activate.of(formula.name), x=x.buffer, y=y.buffer, slope=x.buffer, **fields,
                     **_vectors(x.place))
    return y


def switch_of_image(builder: Builder, x: Tensor) -> Tensor:
    """σ of the sum of the channels' means (1, 1, 1): the layer-wise switch of meta-ACON."""
    means = avg_pool2d(builder, x, Window(x.place.size))
    row = Tensor(Packed.alone(1, 1, means.place.channels), means.buffer, needs_grad=False)
    return activate(builder, _plane_sums(builder, row, 1.0), Formula("sigmoid"))


def switch_of_channels(builder: Builder, x: Tensor, layers: Iterable[tuple[Weight, Bias]]) -> Tensor:
    """σ of what linear layers make of the channels' means (C, 1, 1): the channel-wise switch of meta-ACON."""
    switch = avg_pool2d(builder, x, Window(x.place.size))
    for weight, bias in layers:
        switch = linear(builder, switch, weight, bias)
    return activate(builder, switch, Formula("sigmoid"))


def multiply(builder: Builder, x: Tensor, factor: Tensor) -> Tensor:
    """x (C, H, W) times a factor of the same shape or (C, 1, 1), in the place of x where that is allowed."""
    if factor.place.features != x.place.features:
        return activate(builder, x, Formula("affine", [features(builder, factor), 0.0]))
    x, factor = alike(builder, [x, factor])
    y = new(x.place) if x.read_only else x.in_place()
    builder.call(multiplication.product, x=x.buffer, y=factor.buffer, z=y.buffer, step=1,
                 channels=1, pixels=groups_of(x.place.floats), plane=0, y_plane=0)
    return y


def concat(builder: Builder, inputs: Sequence[Tensor]) -> Tensor:
    """The channels of all inputs, one after the other."""
    return channel_shuffle(builder, inputs, 1)


def narrow(x: Tensor, start: int, length: int) -> Tensor:
    """The channels of x from start on, where they lie."""
    y = x.channels(start, length)
    y.read_only = True
    return y


def channel_shuffle(builder: Builder, inputs: Sequence[Tensor], groups: int) -> Tensor:
    """All channels of the inputs: the first of each group, then the second of each, and so on."""
    inputs = alike(builder, inputs)
    y = new(channels.joined(inputs))
    for x, first, count, target in channels.runs(inputs, groups):
        source = x.channels(first, count)
        builder.call(kernels.copy_channels, x=source.buffer, y=y.channels(target, count).buffer, channels=count,
                     floats=(x.place.height - 1) * x.place.row + x.place.width, x_step=x.place.plane,
                     y_step=groups * y.place.plane)
    return y


def group_norm(builder: Builder, x: Tensor, groups: int, eps: float) -> Tensor:
    """x normalised over each of so many groups of channels."""
    if x.place.size != (1, 1):
        return _normalised(builder, x, x.place.channels // groups, eps)
    x = features(builder, x)
    rows = Packed.alone(groups, 1, x.place.channels // groups)
    together = replace(rows, plane=rows.width)
    apart = _placed(builder, Tensor(together, x.buffer, needs_grad=False), rows)
    return Tensor(x.place, _placed(builder, _normalised(builder, apart, 1, eps), together).buffer, needs_grad=False)


def _normalised(builder: Builder, x: Tensor, width: int, eps: float) -> Tensor:
    seen = windows(builder, x, Window((1, 1)), x.place.channels)
    y = new(x.place) if x.read_only else x.in_place()
    builder.call(kernels.group_norm, x=x.buffer, y=y.buffer, masks=Fixed(seen.masks), vectors=seen.vectors,
                 channels=x.place.channels, width=width, plane=x.place.plane, eps=eps,
                 share=1 / (width * x.place.height * x.place.width))
    return y


def upsample(builder: Builder, x: Tensor, scale: tuple[int, int]) -> Tensor:
    """Each pixel of x as a rectangle of `scale` (height, width) pixels."""
    y = new(Packed.alone(x.place.channels, x.place.height * scale[0], x.place.width * scale[1]))
    builder.call(kernels.upsample, **upsampling.fields(x, y, scale))
    return y


def alike(builder: Builder, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs, laid out as the first is; those of other shapes than images are as features."""
    if any(x.place.size != inputs[0].place.size for x in inputs):
        inputs = [features(builder, x) for x in inputs]
    places = [replace(inputs[0].place, channels=x.place.channels) for x in inputs]
    return [x if x.place == place else _placed(builder, x, place) for x, place in zip(inputs, places, strict=True)]


def features(builder: Builder, x: Tensor) -> Tensor:
    """x (C, H, W) as so many channels of one pixel."""
    place = Packed.alone(x.place.features, 1, 1)
    if x.place == place:
        return x
    y = _placed(builder, x, replace(x.place, row=x.place.width, plane=x.place.height * x.place.width))
    return Tensor(place, y.buffer, needs_grad=False)


def images(builder: Builder, x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Features as images (C, H, W) again: what `features` undoes."""
    place = Packed.alone(*shape)
    rows = Tensor(replace(place, plane=place.height * place.width), x.buffer, needs_grad=False, read_only=x.read_only)
    return _placed(builder, rows, place)


def add(builder: Builder, inputs: Sequence[Tensor]) -> Tensor:
    """The sum of the inputs, in order."""
    same = alike(builder, inputs)
    place = same[0].place
    y = new(place) if same[0].read_only else same[0].in_place()
    total = same[0]
    for x in same[1:]:
        y.correlations, total = [_sum(builder, total, x, y)], y
    return y


def _sum(builder: Builder, x: Tensor, other: Tensor, y: Tensor) -> Call:
    """y = x + other, both laid out as y is, which may be x."""
    if y.place.plane % LANES:
        return builder.call(activations.add, x=x.buffer, y=other.buffer, z=y.buffer,
                            size=whole_lanes(y.place.floats), lower=-np.inf)
    plane = y.place.plane
    return _by_channel(builder, activations.add, ONE_VECTOR, [x, other], y, lambda first, count: {
        "x": _from(x.buffer, first * plane), "y": _from(other.buffer, first * plane),
        "z": _from(y.buffer, first * plane), "size": count * plane, "lower": -np.inf})


def _placed(builder: Builder, x: Tensor, place: Packed) -> Tensor:
    """x where `place` says."""
    y = new(place)
    builder.call(kernels.split, x=x.buffer, y=y.buffer, phases=Fixed(np.zeros(2, np.int64)), phase_count=1,
                 channels=place.channels, height=place.height, width=place.width, x_row=x.place.row,
                 x_plane=x.place.plane, y_row=place.row, y_plane=place.plane, stride_height=1, stride_width=1)
    return y


def softmax(builder: Builder, x: Tensor) -> Tensor:
    """Softmax over features."""
    y = _writable(builder, features(builder, x))
    builder.call(kernels.softmax, y=y.buffer, classes=y.place.features)
    return y


def _writable(builder: Builder, x: Tensor) -> Tensor:
    """x, or where its memory may not be written a copy."""
    return _placed(builder, x, x.place) if x.read_only else x.in_place()


def _vectors(place: Packed) -> dict[str, int]:
    """The vectors of each channel, or of all of them as one, as fields of a kernel's arguments."""
    if place.plane % LANES:
        return {"channels": 1, "pixels": groups_of(place.floats), "plane": 0}
    pixels = groups_of((place.height - 1) * place.row + place.width)
    return {"channels": place.channels, "pixels": pixels, "plane": place.plane // LANES}
