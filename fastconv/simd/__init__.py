"""SIMD for Numba kernels: vectors of 16 lanes, register tiles, typed pointers, and the blocking table."""
