"""Augmented images on their way into a group: one change of coordinates, sampled bilinearly, for each lane.

A group is augmented in a few calls: `draw` decides what happens to each lane's image, `elastic.displace` draws the
coefficients of an elastic distortion, `border_uint8` or `border_float32` copies the images with zeros around them, and
`sample_uint8` or `sample_float32` reads the group from those copies. With mixup, `mix` comes first and all of them run
twice.
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
    floats,
    integers,
    kernel,
    octets,
    offset,
    pointer,
    record,
    shorts,
    words,
)
from fastconv.kernels.elastic import SPLINE, displacement, start_row
from fastconv.kernels.pack import PLACE
from fastconv.kernels.random import key_of, uniform
from fastconv.layout import LANES
from fastconv.simd import math as vector_math
from fastconv.simd.native import native
from fastconv.simd.places import multiples, neighbours, stacked, to_integers, truncated, within
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
    op = argument(records)
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
    op = argument(records)
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


COPY = record(
    ("batch", BUFFER), ("sources", BUFFER), ("copies", BUFFER), ("zeros", BUFFER),  # zeros: a row of them
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),
)


@kernel(COPY)
def border_uint8(records, _group):
    """Copies of a group's images with a border of zeros, each pixel together with the one below it."""
    op = argument(records)
    images, sources = pointer(np.uint8, integers(op.batch, 0)[IMAGES]), integers(op.sources, 0)
    copies, zeros, place, pitch = shorts(op.copies, 0), octets(op.zeros, 0), 1, op.width + BORDER
    for lane in range(LANES):
        source = offset(images, max(sources[lane], 0) * op.channels * op.height * op.width)
        for _ in range(op.channels):
            if sources[lane] >= 0:
                above = zeros
                for h in range(op.height):
                    row = offset(source, h * op.width)
                    _stack(above, row, op.width, offset(copies, place + h * pitch))
                    above = row
                _stack(above, zeros, op.width, offset(copies, place + op.height * pitch))
            place += (op.height + BORDER) * pitch
            source = offset(source, op.height * op.width)


@native
def _stack(above, below, width, copy):
    """copy[w] = above[w] and, in the higher byte, below[w]"""
    if width < LANES:
        for w in range(width):
            copy[w] = np.uint16(above[w]) | np.uint16(below[w]) << 8
    else:
        for first in range(0, width, LANES):
            w = min(first, width - LANES)
            store(copy, w, stacked(above, below, w))


@kernel(COPY)
def border_float32(records, _group):
    """Copies of a group's images with a border of zeros."""
    op = argument(records)
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
    ("transforms", BUFFER), ("copies", BUFFER),
    ("scale", BUFFER), ("shift", BUFFER),  # per channel
    ("x", BUFFER),
    ("shares", BUFFER),  # where x has the images that these are mixed with
    *PLACE,
    *SPLINE,  # where there is an elastic distortion
)


@native
def _sample(copies, op, group):
    table, x, shares = floats(op.transforms, 0), floats(op.x, group), floats(op.shares, group)
    scale, shift, zero, one = floats(op.scale, 0), floats(op.shift, 0), splat(np.float32(0.0)), np.float32(1.0)
    elastic, mixed, pitch = op.coefficients.address != 0, op.shares.address != 0, op.width + BORDER
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
        if elastic:
            start_row(op, h)
        column = zero
        for w in range(op.width):
            at_x, at_y = fma(xw, column, row_x), fma(yw, column, row_y)
            if elastic:
                along_x, along_y = displacement(op, w)
                at_x, at_y = at_x + along_x, at_y + along_y
            at_x, at_y = within(at_x, last_x), within(at_y, last_y)
            whole_x, whole_y = truncated(at_x), truncated(at_y)
            place = to_integers(fma(whole_y, pitches, whole_x)) + lanes
            cut = cut_row & (column >= left) & (right > column)
            target = (op.origin + h * op.row + w) * LANES
            for c in range(op.channels):
                first, second, third, fourth = neighbours(offset(copies, c * area), place, pitch)
                above = fma(at_x - whole_x, second - first, first)
                below = fma(at_x - whole_x, fourth - third, third)
                value = fma(fma(at_y - whole_y, below - above, above), splat(scale[c]), splat(shift[c]))
                value, place_x = select(cut, zero, value), target + c * op.plane * LANES
                if mixed:
                    value = fma(load(shares, 0), load(x, place_x) - value, value)
                store(x, place_x, value)
            column = column + one


@kernel(SAMPLE)
def sample_uint8(records, group):
    """x = the copies at each lane's coordinates, times scale plus shift; 0 where they are cut out.

    With shares λ, x becomes λ x plus 1 - λ times that.
    """
    op = argument(records)
    _sample(shorts(op.copies, 0), op, group)


@kernel(SAMPLE)
def sample_float32(records, group):
    """As `sample_uint8`, for float32 images."""
    op = argument(records)
    _sample(floats(op.copies, 0), op, group)
