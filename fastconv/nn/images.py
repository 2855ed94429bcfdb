"""What a batch must be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import DtypeError, ShapeError

_DTYPES = frozenset({np.dtype(np.uint8), np.dtype(np.float32)})


def check_images(x: NDArray[Any]) -> NDArray[Any]:
    """x as a C-contiguous array, checked to be a batch."""
    images = np.asarray(x)
    if images.dtype not in _DTYPES:
        raise DtypeError.of_images(images.dtype, "x")
    if images.ndim not in (2, 4) or 0 in images.shape[1:]:
        hint = "; a single image needs x[None]" if images.ndim == 3 else ""
        raise ShapeError(f"expected images (N, C, H, W) or features (N, F), got {images.shape}{hint}")
    return np.ascontiguousarray(images)
