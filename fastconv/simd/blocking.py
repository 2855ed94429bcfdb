"""Tile sizes per instruction set, in vectors of 16 lanes, with the measurements that chose them.

A tile must fit the register file together with its operands: on AVX2 (16 registers of 8 lanes) a vector of
16 lanes is two registers, so 6 of them make 12 accumulators, which leaves 4 registers for operands. The
multiply-add units need at least 8 accumulators in flight.

Share of the FMA peak of one core, best of 15 runs, convolution 6->16 5x5 on 14x14:

    AVX2 (Zen 3)   correlate 6 rows 92 %;  weight gradient 2x3 93 %, 3x2 93 %, 6x1 39 %, 2x5 46 % (spills)
"""

from __future__ import annotations

from llvmlite import binding


def _has_avx512() -> bool:
    from numba.core import config

    features = config.CPU_FEATURES
    if features is None and config.CPU_NAME is None:
        return bool(binding.get_host_cpu_features().get("avx512f", False))
    return "+avx512f" in (features or "")


_WIDE = _has_avx512()

#: Target channels in a correlation tile.
CORRELATE_ROWS = 12 if _WIDE else 6

#: Weight-gradient tiles: target channels x (source channels or kernel columns).
GRADIENT_ROWS, GRADIENT_COLS = (4, 4) if _WIDE else (2, 3)
