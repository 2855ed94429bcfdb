"""How a batch lies in memory inside the engine.

A *group* is 16 images. Its activations are `[channel, height, width, lane]` float32 with one image per lane,
so a pixel of a group is one cache line: two AVX2 registers, one AVX-512 register, four NEON registers.
Because all the lanes of a tile belong to one pixel, each pixel can have its own exact set of kernel taps:
padding costs no arithmetic, and no width, stride or dilation leaves a tail.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

LANES = 16

#: Of the first-level cache, one cache line each; and how far neighbouring channels' rows should lie apart in them.
CACHE_SETS, LEAST_SHIFT = 64, 5


def groups_of(images: int) -> int:
    """Groups of 16 images that hold `images`, the last one possibly part empty."""
    return -(-images // LANES)


def whole_lanes(count: int) -> int:
    """`count` rounded up to whole vectors of 16."""
    return groups_of(count) * LANES


def _spread(pixels: int) -> int:
    """Pixels from one channel to the next, so that channels do not compete for the same sets of the cache.

    An odd number spreads the channels of one pixel over all 64 sets; a power of two would map them to the same one
    (measured: forward 16→16 3×3 at 0.5 instead of 0.9 of peak). Where a plane has several rows in the cache at once,
    they should not overlap those of the next few channels either (weight gradient 32→64 3×3 on 16×16: from 0.74 to
    0.84 of peak on a 48 KiB cache of 12 ways).
    """
    pixels |= 1
    while pixels > 2 * CACHE_SETS and not LEAST_SHIFT <= pixels % CACHE_SETS <= CACHE_SETS - LEAST_SHIFT:
        pixels += 2
    return pixels


def vector_plane(floats: int) -> int:
    """Floats from one channel to the next of an image by itself: whole vectors, an odd number as for `_spread`."""
    return (groups_of(floats) | 1) * LANES


@dataclass(frozen=True)
class Packed:
    """The place of a (channels, height, width) activation in a group's memory; all counts are in pixels of 16 lanes.

    row: pixels from one row to the next.  plane: pixels from one channel to the next.
    origin: pixels in front of the first one (a halo of zeros around each plane makes it positive).
    lanes: images side by side; 1 for an image by itself, whose pixels are single floats.
    """

    channels: int
    height: int
    width: int
    row: int
    plane: int
    origin: int
    lanes: int = LANES

    @classmethod
    def of(cls, channels: int, height: int, width: int, halo: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Packed:
        """halo: zero rows above and below, zero columns left and right, of each plane."""
        top, bottom, left, right = halo
        row = left + width + right
        return cls(channels, height, width, row, _spread((top + height + bottom) * row), top * row + left)

    @classmethod
    def alone(cls, channels: int, height: int, width: int, row: int | None = None) -> Packed:
        """One image by itself, in planes of whole vectors; single pixels follow each other without a gap.

        Vectors that begin with the last row, too, end before the next channel.
        """
        row = width if row is None else row
        plane = 1 if height == width == 1 else vector_plane((height - 1) * row + whole_lanes(width))
        return cls(channels, height, width, row, plane, 0, lanes=1)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def pixels(self) -> int:
        """Pixels that a group takes, halo included."""
        return self.channels * self.plane

    @property
    def floats(self) -> int:
        return self.pixels * self.lanes

    def flat(self) -> Packed:
        """The same place as one long row, where its pixels follow each other without a gap."""
        together = self.row == self.width and (self.channels == 1 or self.plane == self.height * self.width)
        return Packed(1, 1, self.features, self.features, self.features, self.origin, self.lanes) if together else self

    def fields(self) -> dict[str, int]:
        """The place as the fields of a kernel's arguments."""
        return {name: value for name, value in asdict(self).items() if name != "lanes"}

    @property
    def features(self) -> int:
        return self.channels * self.height * self.width
