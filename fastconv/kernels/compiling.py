"""Kernels compiled for this processor, or taken from where they are kept."""

from __future__ import annotations

from numba import njit
from numba.core.ccallback import CFunc
from numba.core.sigutils import normalize_signature

from fastconv.kernels.cache import KernelCache
from fastconv.simd.native import OPTIONS


class _Callback(CFunc):
    def enable_caching(self):
        self._cache = KernelCache(self.__wrapped__)


def callback(signature, function):
    """The function as native code that other native code calls by its address."""
    compiled = _Callback(function, normalize_signature(signature), locals={}, options=OPTIONS)
    compiled.enable_caching()
    compiled.compile()
    return compiled


def entry_point(*signatures, nogil=True):
    """Declares a function that Python calls, compiled for some signatures; without any, for those of its calls."""

    def compile(function):
        compiled = njit(nogil=nogil, **OPTIONS)(function)
        compiled._cache = KernelCache(function)
        for signature in signatures:
            compiled.compile(signature)
        compiled.disable_compile(bool(signatures))
        return compiled

    return compile
