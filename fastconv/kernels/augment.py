"""Augmented images on their way into a group: one change of coordinates, sampled bilinearly, for each lane.

A group is augmented in a few calls: `draw` decides what happens to each lane's image, `displace` makes an elastic
field, `border_uint8` or `border_float32` copies the images with zeros around them, and `sample_uint8` or
`sample_float32` reads the group from those copies. With mixup, `mix` comes first, all of them run twice, and `blend`
comes last.
"""

from __future__ import annotations

import math

import numpy as np

from fastconv.kernels.abi import (
    BUFFER,
    COUNT,
    IMAGES,
    INDICES,
    KEY,
    TOTAL,
    argument,
    block_of,
    floats,
    integers,
    kernel,
    octets,
    offset,
    pointer,
    record,
    words,
)
from fastconv.kernels.pack import PLACE
from fastconv.kernels.random import key_of, uniform
from fastconv.layout import LANES
from fastconv.simd import math as vector_math
from fastconv.simd import tile as tiles
from fastconv.simd.native import native
from fastconv.simd.noise import noise
from fastconv.simd.places import between, multiples, neighbours, to_integers, truncated, within
from fastconv.simd.vector import first_lanes, fma, lane_sum, load, select, splat, store

#: Rows of a group's transforms, 16 lanes each. A pixel (h, w) is read from column XW w + XH h + X and row
#: YW w + YH h + Y of the copy with a border; the box that is cut out goes from LEFT and TOP up to RIGHT and BOTTOM.
XW, XH, X, YW, YH, Y, LEFT, RIGHT, TOP, BOTTOM, ROWS = range(11)

#: The streams of an image's random numbers: its own, its partner's in mixup, and the mixture's.
OWN, PARTNER, MIXTURE = range(3)

#: Columns and rows that a copy has in addition: one of zeros in front, two after.
BORDER = 3

#: Beta(α, α) with α ≤ 1 accepts at least every second attempt.
ATTEMPTS = 64

MIX = record(
    ("batch", BUFFER), ("partners", BUFFER), ("shares", BUFFER), ("draws", BUFFER),  # draws: room for two of each lane
    ("alpha", np.float32),
)


@kernel(MIX)
def mix(records, group):
    """For each lane another image of the data set, and the share λ of its own: Beta(α, α) by Jöhnk 1964.

    In logarithms, so that λ is right where powers of 1 / α are too small for floats.
    """
    op = argument(records, 0)
    batch, partners, shares = integers(op.batch, 0), integers(op.partners, group), floats(op.shares, group)
    indices, draws = pointer(np.int64, batch[INDICES]), floats(op.draws, 0)
    images, one = min(LANES, batch[COUNT] - group * LANES), np.float32(1.0)
    for lane in range(LANES):
        partners[lane] = -1
    for lane in range(images):
        key = key_of(key_of(batch[KEY], indices[group * LANES + lane]), MIXTURE)
        partners[lane] = np.int64(uniform(key, 0) * batch[TOTAL])
    share, waiting = splat(one), select(first_lanes(images), one, splat(np.float32(0.0)))
    for attempt in range(1, ATTEMPTS):
        for lane in range(images):
            key = key_of(key_of(batch[KEY], indices[group * LANES + lane]), MIXTURE)
            draws[lane] = np.float32(1.0 - uniform(key, 2 * attempt))
            draws[LANES + lane] = np.float32(1.0 - uniform(key, 2 * attempt + 1))
        a, b = vector_math.log(load(draws, 0)) / op.alpha, vector_math.log(load(draws, LANES)) / op.alpha
        accepted = (waiting == one) & (one >= vector_math.exp(a) + vector_math.exp(b))
        share = select(accepted, one / (one + vector_math.exp(b - a)), share)
        waiting = select(accepted, np.float32(0.0), waiting)
        if lane_sum(waiting) == 0.0:
            break
    store(shares, 0, share)


@kernel(record(("x", BUFFER), ("other", BUFFER), ("shares", BUFFER), ("pixels", np.int64)))
def blend(records, group):
    """x = λ x + (1 - λ) other"""
    op = argument(records, 0)
    x, other, share = floats(op.x, group), floats(op.other, group), load(floats(op.shares, group), 0)
    for pixel in range(0, op.pixels * LANES, LANES):
        theirs = load(other, pixel)
        store(x, pixel, fma(share, load(x, pixel) - theirs, theirs))


DRAW = record(
    ("batch", BUFFER), ("partners", BUFFER),  # partners: the images, where they are not the batch's own
    ("sources", BUFFER), ("transforms", BUFFER), ("keys", BUFFER),
    ("stream", np.int64), ("height", np.int64), ("width", np.int64),
    ("shift", np.float64), ("crop", np.int64), ("flip", np.float64), ("rotate", np.float64),
    ("least_scale", np.float64), ("most_scale", np.float64), ("shear", np.float64), ("cutout", np.int64),
)


@kernel(DRAW)
def draw(records, group):
    """For each lane: its image's index (-1 for none), its transform, and the key of its noise."""
    op = argument(records, 0)
    batch, sources, table = integers(op.batch, 0), integers(op.sources, 0), floats(op.transforms, 0)
    keys, indices, partners = words(op.keys, 0), pointer(np.int64, batch[INDICES]), integers(op.partners, group)
    for lane in range(LANES):
        position = group * LANES + lane
        if position < batch[COUNT]:
            index = indices[position]
            key = key_of(key_of(batch[KEY], index), op.stream)
            sources[lane] = partners[lane] if op.stream == PARTNER else index
            keys[lane] = np.uint32(key >> np.uint64(32))
            _draw(op, key, offset(table, lane))
        else:
            sources[lane], keys[lane] = -1, np.uint32(0)
            for row in range(ROWS):
                table[row * LANES + lane] = np.float32(0.0)
            table[RIGHT * LANES + lane], table[BOTTOM * LANES + lane] = np.float32(op.width), np.float32(op.height)


@native
def _symmetric(key, counter):
    return 2.0 * uniform(key, counter) - 1.0


@native
def _draw(op, key, table):
    """One image's transform: the way back through shift, rotation, shear, scale and flip, about the centre."""
    down, right = op.shift * _symmetric(key, 0), op.shift * _symmetric(key, 1)
    down += math.floor((2 * op.crop + 1) * uniform(key, 2)) - op.crop
    right += math.floor((2 * op.crop + 1) * uniform(key, 3)) - op.crop
    mirror = -1.0 if uniform(key, 4) < op.flip else 1.0
    angle, slant = op.rotate * _symmetric(key, 5), math.tan(op.shear * _symmetric(key, 7))
    shrink = 1.0 / (op.least_scale + (op.most_scale - op.least_scale) * uniform(key, 6))
    sine, cosine = math.sin(angle), math.cos(angle)
    xw, xh = mirror * shrink * (cosine + slant * sine), mirror * shrink * (sine - slant * cosine)
    yw, yh = -shrink * sine, shrink * cosine
    middle_x, middle_y = 0.5 * (op.width - 1), 0.5 * (op.height - 1)
    table[XW * LANES], table[XH * LANES] = np.float32(xw), np.float32(xh)
    table[YW * LANES], table[YH * LANES] = np.float32(yw), np.float32(yh)
    table[X * LANES] = np.float32(1.0 + middle_x - xw * (middle_x + right) - xh * (middle_y + down))
    table[Y * LANES] = np.float32(1.0 + middle_y - yw * (middle_x + right) - yh * (middle_y + down))
    top = math.floor(op.height * uniform(key, 8)) - op.cutout // 2
    left = math.floor(op.width * uniform(key, 9)) - op.cutout // 2
    table[TOP * LANES], table[BOTTOM * LANES] = np.float32(top), np.float32(top + op.cutout)
    table[LEFT * LANES], table[RIGHT * LANES] = np.float32(left), np.float32(left + op.cutout)


DISPLACE = record(
    ("keys", BUFFER), ("field", BUFFER), ("taps", BUFFER),
    ("row", BUFFER),  # room for a row or a column, with a block's columns of zeros on both sides
    ("height", np.int64), ("width", np.int64), ("radius", np.int64), ("alpha", np.float32),
)


@kernel(DISPLACE)
def displace(records, _group):
    """field: how far along x, and then how far along y, each pixel is moved: [2, height, width, lane].

    α times noise that a Gaussian has smoothed along both axes; outside the image the noise is 0.
    """
    op, block = argument(records, 0), block_of(records)
    keys, field, row, taps = words(op.keys, 0), floats(op.field, 0), floats(op.row, 0), floats(op.taps, 0)
    pixels, line = op.height * op.width, op.width * LANES
    for pixel in range(pixels):
        along_x, along_y = noise(keys, pixel)
        store(field, pixel * LANES, along_x * op.alpha)
        store(field, (pixels + pixel) * LANES, along_y * op.alpha)
    for axis in range(2):
        plane = offset(field, axis * pixels * LANES)
        for h in range(op.height):
            _smooth(block, offset(plane, h * line), LANES, row, taps, op.width, op.radius)
        for w in range(op.width):
            _smooth(block, offset(plane, w * LANES), line, row, taps, op.height, op.radius)


@native
def _smooth(block, values, stride, row, taps, count, radius):
    """Replaces `count` vectors by their weighted averages; the last block may repeat some of the one before."""
    zero = splat(np.float32(0.0))
    for i in range(block.cols):
        store(row, i * LANES, zero)
        store(row, (block.cols + count + i) * LANES, zero)
    for i in range(count):
        store(row, (block.cols + i) * LANES, load(values, i * stride))
    middle = offset(row, block.cols * LANES)
    if count < block.cols:
        for i in range(count):
            _average(tiles.one_column(block), values, i, stride, middle, taps, count, radius)
    else:
        for first in range(0, count, block.cols):
            _average(block, values, min(first, count - block.cols), stride, middle, taps, count, radius)


@native
def _average(block, values, first, stride, row, taps, count, radius):
    """values[first + c] = Σ_j taps[j] row[first + c + j - radius] for the columns c of the block."""
    total = tiles.zeros(block)
    for j in range(max(0, radius - first - block.cols + 1), min(2 * radius + 1, count - first + radius)):
        total = tiles.fma_scalars_vectors(total, taps, j, row, (first + j - radius) * LANES, LANES)
    tiles.store_at_least(values, first * stride, 0, stride, total, np.float32(-np.inf))


COPY = record(
    ("batch", BUFFER), ("sources", BUFFER), ("copies", BUFFER), ("zeros", BUFFER),  # zeros: a row of them
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),
)


@kernel(COPY)
def border_uint8(records, _group):
    """Copies of a group's images: at each place the four neighbours that it lies between, as the bytes of a word."""
    op = argument(records, 0)
    images, sources = pointer(np.uint8, integers(op.batch, 0)[IMAGES]), integers(op.sources, 0)
    zeros, place, pitch = octets(op.zeros, 0), 0, op.width + BORDER
    for lane in range(LANES):
        source = offset(images, max(sources[lane], 0) * op.channels * op.height * op.width)
        for _ in range(op.channels):
            if sources[lane] >= 0:
                above = zeros
                for h in range(op.height):
                    row = offset(source, h * op.width)
                    _neighbours(above, row, op.width, offset(words(op.copies, 0), place + h * pitch))
                    above = row
                _neighbours(above, zeros, op.width, offset(words(op.copies, 0), place + op.height * pitch))
            place += (op.height + BORDER) * pitch
            source = offset(source, op.height * op.width)


@native
def _neighbours(above, below, width, copy):
    """copy[w] = the bytes left and right of column w, above and below."""
    copy[0] = np.uint32(above[0]) << 8 | np.uint32(below[0]) << 24
    if width > LANES:
        for first in range(1, width, LANES):
            w = min(first, width - LANES)
            store(copy, w, between(above, below, w))
    else:
        for w in range(1, width):
            copy[w] = (np.uint32(above[w - 1]) | np.uint32(above[w]) << 8
                       | np.uint32(below[w - 1]) << 16 | np.uint32(below[w]) << 24)
    copy[width] = np.uint32(above[width - 1]) | np.uint32(below[width - 1]) << 16


@kernel(COPY)
def border_float32(records, _group):
    """Copies of a group's images with a border of zeros."""
    op = argument(records, 0)
    images, sources = pointer(np.float32, integers(op.batch, 0)[IMAGES]), integers(op.sources, 0)
    copies, place, pitch = floats(op.copies, 0), 0, op.width + BORDER
    for lane in range(LANES):
        source = max(sources[lane], 0) * op.channels * op.height * op.width
        for _ in range(op.channels):
            for h in range(op.height if sources[lane] >= 0 else 0):
                for w in range(op.width):
                    copies[place + (h + 1) * pitch + 1 + w] = images[source + h * op.width + w]
            place += (op.height + BORDER) * pitch
            source += op.height * op.width


SAMPLE = record(
    ("transforms", BUFFER), ("field", BUFFER), ("copies", BUFFER),  # field: where there is an elastic distortion
    ("scale", BUFFER), ("shift", BUFFER),  # per channel
    ("x", BUFFER),
    *PLACE,
)


@native
def _sample(copies, op, group):
    table, field, x = floats(op.transforms, 0), floats(op.field, 0), floats(op.x, group)
    scale, shift, zero = floats(op.scale, 0), floats(op.shift, 0), splat(np.float32(0.0))
    pixels, pitch = op.height * op.width, op.width + BORDER
    area = (op.height + BORDER) * pitch
    lanes, pitches = multiples(op.channels * area), splat(np.float32(pitch))
    last_x, last_y = splat(np.float32(op.width + 1)), splat(np.float32(op.height + 1))
    xw, yw = load(table, XW * LANES), load(table, YW * LANES)
    left, right = load(table, LEFT * LANES), load(table, RIGHT * LANES)
    for h in range(op.height):
        row = splat(np.float32(h))
        row_x = fma(load(table, XH * LANES), row, load(table, X * LANES))
        row_y = fma(load(table, YH * LANES), row, load(table, Y * LANES))
        cut_row = (row >= load(table, TOP * LANES)) & (load(table, BOTTOM * LANES) > row)
        for w in range(op.width):
            column = splat(np.float32(w))
            at_x, at_y = fma(xw, column, row_x), fma(yw, column, row_y)
            if op.field.address != 0:
                pixel = (h * op.width + w) * LANES
                at_x, at_y = at_x + load(field, pixel), at_y + load(field, pixels * LANES + pixel)
            at_x, at_y = within(at_x, last_x), within(at_y, last_y)
            whole_x, whole_y = truncated(at_x), truncated(at_y)
            place = to_integers(fma(whole_y, pitches, whole_x)) + lanes
            cut = cut_row & (column >= left) & (right > column)
            target = (op.origin + h * op.row + w) * LANES
            for c in range(op.channels):
                first, second, third, fourth = neighbours(copies, place + np.int32(c * area), pitch)
                above = fma(at_x - whole_x, second - first, first)
                below = fma(at_x - whole_x, fourth - third, third)
                value = fma(fma(at_y - whole_y, below - above, above), splat(scale[c]), splat(shift[c]))
                store(x, target + c * op.plane * LANES, select(cut, zero, value))


@kernel(SAMPLE)
def sample_uint8(records, group):
    """x = the copies at each lane's coordinates, times scale plus shift; 0 where they are cut out."""
    op = argument(records, 0)
    _sample(words(op.copies, 0), op, group)


@kernel(SAMPLE)
def sample_float32(records, group):
    """As `sample_uint8`, for float32 images."""
    op = argument(records, 0)
    _sample(floats(op.copies, 0), op, group)
