"""What happens when a model is called with a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.threads import get_num_threads
from fastconv.errors import DtypeError, ShapeError
from fastconv.nn.layer import Layer, final_shape
from fastconv.nn.sessions import InferenceSession

#: Images computed between two chances to be interrupted.
CHUNK = 16384


def infer(model: Layer, x: NDArray[Any]) -> NDArray[np.float32]:
    """A model's outputs for images x (N, C, H, W) uint8 or float32, or features (N, F) float32."""
    images = check_images(x)
    if len(images) == 0:
        return np.empty(final_shape(model, images.shape), np.float32)
    key = images.shape[1:], images.dtype, get_num_threads()
    with model._sessions.session(key, lambda: InferenceSession(model, images.shape, images.dtype)) as session:
        results = np.empty((len(images), *session.output_shape), np.float32)
        for start in range(0, len(images), CHUNK):
            session.run(min(CHUNK, len(images) - start), images[start:], results=results[start:])
    return results


def check_images(x: NDArray[Any]) -> NDArray[Any]:
    """x as a C-contiguous array, checked to be a batch."""
    images = np.asarray(x)
    if images.dtype not in (np.uint8, np.float32):
        raise DtypeError(f"expected images uint8 (0 to 255) or float32 (already prepared), got {images.dtype}; "
                         "convert with x.astype(np.float32)")
    if images.ndim not in (2, 4) or 0 in images.shape[1:]:
        hint = "; a single image needs x[None]" if images.ndim == 3 else ""
        raise ShapeError(f"expected images (N, C, H, W) or features (N, F), got {images.shape}{hint}")
    return np.ascontiguousarray(images)
