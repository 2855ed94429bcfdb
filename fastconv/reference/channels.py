"""Channels in another order."""

from __future__ import annotations

from fastconv.reference.window import Array


def channel_shuffle(x: Array, groups: int) -> Array:
    """The channels of x: (N, C, H, W): the first of each group, then the second of each, and so on.

    (Zhang et al. 2018, section 3.1.) The shuffle with C / groups groups takes it back, so it is the gradient.
    """
    n, channels, height, width = x.shape
    by_group = x.reshape(n, groups, channels // groups, height, width)
    return by_group.swapaxes(1, 2).reshape(x.shape)
