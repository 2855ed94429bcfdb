"""Losses on a group's outputs `[feature, lane]`: one loss an image, and the gradient of the batch's mean.

Lanes without an image get a gradient of zero, so nothing they hold reaches a weight.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import (
    BUFFER,
    COUNT,
    INDICES,
    STOP,
    TARGETS,
    argument,
    floats,
    integers,
    kernel,
    octets,
    pointer,
    record,
)
from fastconv.layout import LANES
from fastconv.simd import math, vector
from fastconv.simd.native import native

ZERO = np.float32(0.0)

ARGUMENTS = record(
    ("x", BUFFER), ("dx", BUFFER), ("losses", BUFFER), ("correct", BUFFER), ("batch", BUFFER),
    ("channels", np.int64), ("height", np.int64), ("width", np.int64), ("row", np.int64), ("plane", np.int64),
    ("smoothing", np.float32),
    ("partners", BUFFER), ("shares", BUFFER),  # where images are mixed: each lane's other image, the share of its own
)


@kernel(record(("losses", BUFFER), ("mean", BUFFER), ("batch", BUFFER), ("guard", np.int64)))
def mean_loss(records, _index):
    """The mean of a batch's losses, in float64; with a guard, the program stops where it is no finite number."""
    op = argument(records)
    losses, batch, total = floats(op.losses, 0), integers(op.batch, 0), 0.0
    for image in range(batch[COUNT]):
        total += losses[image]
    pointer(np.float64, op.mean.address)[0] = total / batch[COUNT]
    if op.guard and not np.isfinite(total):
        batch[STOP] = 1


@native
def _largest(x, classes):
    """The largest of each lane's outputs; NaN where one of them is none."""
    largest = vector.load(x, 0)
    for k in range(1, classes):
        value = vector.load(x, k * LANES)
        largest = vector.select((value > largest) | vector.is_nan(value), value, largest)
    return largest


@kernel(ARGUMENTS)
def cross_entropy(records, group):
    """-Σ_k q_k log softmax(x)_k with q = (1 - ε) onehot + ε / K (Szegedy et al. 2016, section 7), by log-sum-exp."""
    op = argument(records)
    x, dx, batch = floats(op.x, group), floats(op.dx, group), integers(op.batch, 0)
    losses, correct = floats(op.losses, group), octets(op.correct, group)
    indices, labels, count = pointer(np.int64, batch[INDICES]), pointer(np.int64, batch[TARGETS]), batch[COUNT]
    mixed, partners, own = op.partners.address != 0, integers(op.partners, group), floats(op.shares, group)
    classes, images = op.channels, min(LANES, count - group * LANES)
    certain = np.float32(1.0) - op.smoothing
    uniform, share = op.smoothing / np.float32(classes), np.float32(1.0) / np.float32(count)
    for lane in range(images):
        label, best = labels[indices[group * LANES + lane]], 0
        for k in range(1, classes):
            if x[k * LANES + lane] > x[best * LANES + lane]:
                best = k
        correct[lane] = best == label
        losses[lane] = x[label * LANES + lane]
        if mixed:
            theirs = x[labels[partners[lane]] * LANES + lane]
            losses[lane] = theirs + own[lane] * (losses[lane] - theirs)
    largest, total, behind = _largest(x, classes), vector.splat(ZERO), vector.splat(ZERO)
    for k in range(classes):
        shifted = vector.load(x, k * LANES) - largest
        behind += shifted
        total += math.exp(shifted)
    log_total = math.log(total)
    vector.store(losses, 0, log_total - certain * (vector.load(losses, 0) - largest) - uniform * behind)
    for k in range(classes):
        vector.store(dx, k * LANES, math.exp(vector.load(x, k * LANES) - largest - log_total) - uniform)
    for lane in range(images):
        label = labels[indices[group * LANES + lane]]
        dx[label * LANES + lane] -= certain
        if mixed:
            moved = certain * (np.float32(1.0) - own[lane])
            dx[label * LANES + lane] += moved
            dx[labels[partners[lane]] * LANES + lane] -= moved
    present = vector.first_lanes(images)
    for k in range(classes):
        vector.store(dx, k * LANES, vector.select(present, vector.load(dx, k * LANES) * share, ZERO))


@kernel(ARGUMENTS)
def mse(records, group):
    """Mean of (x - target)² over the features; the targets are float32 [image, feature]."""
    op = argument(records)
    x, dx, batch = floats(op.x, group), floats(op.dx, group), integers(op.batch, 0)
    losses, correct = floats(op.losses, group), octets(op.correct, group)
    indices, targets, count = pointer(np.int64, batch[INDICES]), pointer(np.float32, batch[TARGETS]), batch[COUNT]
    features = op.channels * op.height * op.width
    share = np.float32(2.0) / np.float32(count * features)
    for lane in range(LANES):
        position = group * LANES + lane
        total, feature, best, wanted = np.float32(0.0), 0, 0, 0
        other, own = position, np.float32(1.0)
        if op.partners.address != 0 and position < count:
            other, own = integers(op.partners, group)[lane], floats(op.shares, group)[lane]
        elif position < count:
            other = indices[position]
        largest, largest_target = np.float32(-np.inf), np.float32(-np.inf)
        for c in range(op.channels):
            for h in range(op.height):
                for w in range(op.width):
                    place = (c * op.plane + h * op.row + w) * LANES + lane
                    if position < count:
                        theirs = targets[other * features + feature]
                        target = theirs + own * (targets[indices[position] * features + feature] - theirs)
                        difference = x[place] - target
                        total += difference * difference
                        dx[place] = difference * share
                        if x[place] > largest:
                            largest, best = x[place], feature
                        if target > largest_target:
                            largest_target, wanted = target, feature
                    else:
                        dx[place] = np.float32(0.0)
                    feature += 1
        if position < count:
            losses[lane] = total / np.float32(features)
            correct[lane] = best == wanted


@kernel(record(("y", BUFFER), ("classes", np.int64)))
def softmax(records, group):
    """y_k = exp(y_k - max) / Σ exp(y - max)"""
    op = argument(records)
    y = floats(op.y, group)
    largest, total = _largest(y, op.classes), vector.splat(ZERO)
    for k in range(op.classes):
        e = math.exp(vector.load(y, k * LANES) - largest)
        total += e
        vector.store(y, k * LANES, e)
    for k in range(op.classes):
        vector.store(y, k * LANES, vector.load(y, k * LANES) / total)


@kernel(record(("dy", BUFFER), ("y", BUFFER), ("classes", np.int64)))
def softmax_grad(records, group):
    """dy_k = y_k (dy_k - Σ_j dy_j y_j)"""
    op = argument(records)
    dy, y = floats(op.dy, group), floats(op.y, group)
    total = vector.splat(ZERO)
    for k in range(op.classes):
        total += vector.load(dy, k * LANES) * vector.load(y, k * LANES)
    for k in range(op.classes):
        vector.store(dy, k * LANES, vector.load(y, k * LANES) * (vector.load(dy, k * LANES) - total))
