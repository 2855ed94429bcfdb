"""Tile sizes per instruction set, in vectors of 16 lanes, with the measurements that chose them.

A tile must fit the register file together with its operands: on AVX2 (16 registers of 8 lanes) a vector of
16 lanes is two registers, so 6 of them make 12 accumulators, which leaves 4 registers for operands. The
multiply-add units need at least 8 accumulators in flight.

Share of the FMA peak of one core, fastest of many runs, convolution 6->16 5x5 on 14x14:

    AVX2 (Zen 3)     correlate 6x1 92 %
                     weight gradient 2x3 93 %, 3x2 93 %, 6x1 39 %, 2x5 46 % (spills)
    AVX-512 (Zen 5)  correlate 8x1 70 %, 8x3 94 %
                     weight gradient 4x4 60 %, 4x6 73 %, 4x5 62 %, 5x5 62 %, 6x4 63 %, 8x3 64 % of source channels;
                     4x5 of kernel columns 91 %
"""

from __future__ import annotations

import math
from pathlib import Path

from llvmlite import binding


def _has_avx512() -> bool:
    from numba.core import config

    features = config.CPU_FEATURES
    if features is None and config.CPU_NAME is None:
        return bool(binding.get_host_cpu_features().get("avx512f", False))
    return "+avx512f" in (features or "")


def _first_level_cache() -> int:
    """Bytes of a core's first-level data cache: of Linux's first core, elsewhere 32 KiB, which all have at least."""
    try:
        size = Path("/sys/devices/system/cpu/cpu0/cache/index0/size").read_text().strip()
    except OSError:
        return 32 * 1024
    return int(size.removesuffix("K")) * 1024 if size.endswith("K") else 32 * 1024


_WIDE = _has_avx512()
_FIRST_LEVEL_CACHE = _first_level_cache()

#: The most target channels in a correlation tile, and where all pixels of the tile's block see different taps.
CORRELATE_ROWS, SINGLE_PIXEL_ROWS = (8, 12) if _WIDE else (6, 6)

#: Pixels in a tile of so many channels.
TILE_COLS = ({1: 8, 2: 8, 3: 6, 4: 5, 5: 4, 6: 4, 7: 3, 8: 3, 9: 2, 10: 2, 11: 2, 12: 2} if _WIDE else
             {1: 6, 2: 3, 3: 2, 4: 1, 5: 1, 6: 1})

#: The most pixels in a tile of one channel whose neighbours share so many taps. Share of the peak on Zen 4, gradient by
#: the input of LeNet's conv1, against a tile of 8 or 6 pixels that shares none: AVX-512 91 and 61 %, AVX2 83 and 55 %;
#: AVX2 with 6 pixels, which spills, 40 %.
NEIGHBOURS = {taps: 30 - taps if _WIDE else (15 - taps) // 2 for taps in range(2, 8)}

#: Weight-gradient tiles: the most columns (source channels or kernel columns), and the most target channels for each
#: number of columns.
GRADIENT_COLS = 6 if _WIDE else 3
GRADIENT_ROWS = dict.fromkeys(range(1, 7), 4) if _WIDE else {1: 4, 2: 3, 3: 2}

#: Kernels from this width on are better for its columns than source channels: they share pixels of x. AVX2, whose tiles
#: have three columns, LeNet's conv2: kernel columns 79 % of the peak, source channels 86 %.
WIDE_KERNEL = 4 if _WIDE else math.inf

#: What a weight-gradient tile reads of x and dy between two sums over its lanes: most of it stays in the first-level
#: cache. With 48 KiB of that, share of the peak: AVX-512 44, 64 and 90 KiB: conv2 of LeNet 90, 92 and 72 %, 32->64 3x3
#: 84, 84 and 64 %. AVX2 28, 44 and 64 KiB: conv2 73, 78 and 78 %, 32->64 3x3 72, 85 and 81 %.
GRADIENT_STRIP_BYTES = _FIRST_LEVEL_CACHE * 4 // 3 if _WIDE else _FIRST_LEVEL_CACHE * 9 // 10

#: The same where the columns of im2col are written too. 16, 32 and 64 KiB, time over that of direct on two cores:
#: conv1 of LeNet 1.34, 1.24, 1.32; conv2 1.16, 1.09, 1.12; 16->16 3x3 1.15, 1.14, 1.25.
PANEL_STRIP_BYTES = _FIRST_LEVEL_CACHE * 2 // 3

#: The most taps of a depthwise window whose weights stay in registers, and of one tile of its gradient's sums. Other
#: windows are correlated like any convolution. Of one core's peak, 16 channels of 16x16, before and after:
#: AVX-512 3x3 29 %, 43 %; 5x5 43 %, 51 %; gradient 15 %, 48 to 61 %.
#: AVX2 3x3 46 %, 57 %; 5x5 62 %, 44 %; gradient 26 %, 45 %.
DEPTHWISE_TAPS, DEPTHWISE_GRADIENT_TAPS = (25, 25) if _WIDE else (9, 6)

#: Image tiles in a panel of Winograd's, and blocks of target channels whose products are kept at a time: with 64
#: sources up to 860 and 220 KiB, or 430 and 41. Times as fast as the direct algorithm, 64→64 on 16×16:
#: AVX-512 3 tiles, 1 block 3.0; 6, 1 3.0; 6, 2 3.1; 9, 2 2.8.
#: AVX2 3, 1 2.7; 6, 1 2.6; 32→32: 6, 1 2.1; 6, 2 2.1.
WINOGRAD_TILES, WINOGRAD_BLOCKS = (6, 2) if _WIDE else (3, 1)
