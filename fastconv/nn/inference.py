"""What happens when a model is called with a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.threads import get_num_threads
from fastconv.nn.images import check_images
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
