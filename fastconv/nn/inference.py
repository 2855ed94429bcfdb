"""What happens when a model is called with a batch."""

from __future__ import annotations

from contextlib import suppress
from threading import get_ident
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.threads import get_num_threads
from fastconv.layout import LANES
from fastconv.nn.images import check_images
from fastconv.nn.layer import Layer, Shape, final_shape
from fastconv.nn.planes import NeedsLanes
from fastconv.nn.sessions import AloneSession, InferenceSession, lanes_work
from fastconv.nn.sharing import Sharing

#: Images computed between two chances to be interrupted.
CHUNK = 16384

#: The most images of a batch that are computed one by one: half of those that 16 lanes take as long as one for.
MOST_ALONE = 8

#: Vectors of multiply-adds, 5 a nanosecond, from which on images are shared among threads: 500 µs. A thread that sleeps
#: is 50 µs late, and may be woken on the caller's own core, where it waits for milliseconds. Two images of resnet8 took
#: 350 µs by one thread and 180 to 450 µs by two, eight images 1,400 and 770 µs.
LEAST_SHARED_WORK = 2_500_000

#: Work from which on a call releases the GIL wherever it is made: 25 µs, more than handing it over takes.
LEAST_RELEASED_WORK = 125_000

#: Work from which on threads share a single image, 40 µs, and the longest pause between two calls, in seconds: helpers
#: look for the next job for 50 to 200 µs, and to wake them takes longer than they save.
LEAST_DIVIDED_WORK, LONGEST_PAUSE = 200_000, 60e-6

#: The most threads that share one: more would have too few channels each.
MOST_DIVIDING = 4

_FLOAT32 = np.dtype(np.float32)


def infer(model: Layer, x: NDArray[Any]) -> NDArray[np.float32]:
    """A model's outputs for images x (N, C, H, W) uint8 or float32, or features (N, F) float32."""
    sessions = model._sessions
    latest: FrozenPlan | None = sessions.latest
    if latest is not None and latest.knows(x):
        return latest.compute(x)
    images = check_images(x)
    if len(images) == 0:
        return np.empty(final_shape(model, images.shape), np.float32)
    latest = sessions.latest = plan(model, images.shape, images.dtype)
    return latest(images)


def plan(model: Layer, shape: Shape, dtype: np.dtype[Any]) -> FrozenPlan:
    """The model's plan for batches of `shape`, with any N."""
    return model._sessions.shared((shape[1:], dtype, get_num_threads(), FrozenPlan), FrozenPlan, model, shape, dtype)


class FrozenPlan:
    """How a model computes batches of images of one shape and type: one by one where they are few, else in lanes.

    A single large image is shared by all threads where calls follow each other closely and that proves faster, unless
    another thread of the program computes one of its own.

    Batch normalisation is part of the weights before it, and these are packed: anew only where a Trainer or
    `load_state_dict` has changed them. There are as many sessions as calls at the same time.
    """

    def __init__(self, model: Layer, shape: Shape, dtype: np.dtype[Any]) -> None:
        self._model, self._shape, self._dtype, self._threads = model, shape, dtype, get_num_threads()
        self._alone: dict[int, AloneSession] = {}  # by the thread that used it last: the memory is near its processor
        self._in_lanes: list[InferenceSession] = []
        self._divided: list[AloneSession] = []
        self._divides, self._ended, self._sharing = False, 0.0, Sharing()
        self._made = self._most_alone = self._most_unshared = 0
        try:
            session = AloneSession(model, self._shape, dtype)
        except NeedsLanes:
            return
        self._alone[get_ident()], self._made = session, 1
        threads = min(self._threads, MOST_DIVIDING)
        self._divides = threads > 1 and session.work >= LEAST_DIVIDED_WORK
        if self._divides:
            self._divided.append(AloneSession(model, self._shape, dtype, threads))
        self._output_shape = session.output_shape
        self._most_alone = max(1, min(MOST_ALONE, int(lanes_work(model, self._shape) / session.work)))
        self._most_unshared = max(1, int(LEAST_SHARED_WORK / session.work))

    def knows(self, x: Any) -> bool:
        """Whether x is an array like the plan's first batch, as most are: it needs neither checks nor a copy."""
        return (type(x) is np.ndarray and x.shape == self._shape and x.dtype is self._dtype and x.flags.carray
                and get_num_threads() == self._threads)

    def __call__(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """The outputs for images, checked."""
        if len(images) <= self._most_alone and not images.flags.carray:
            images = images.copy()  # to Numba a read-only array, or one at an odd address, is of another type
        return self.compute(images)

    def compute(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """The outputs for images, checked; a few of them in an aligned array that may be written to."""
        count = len(images)
        if count > self._most_alone:
            return self._lane_by_lane(images, count)
        if count > 1 or not self._divides:
            return self._one_by_one(images, count)
        begun = monotonic()
        close = begun - self._ended < LONGEST_PAUSE and len(self._alone) >= self._made
        shared = close and self._sharing.pays()
        results = self._by_all_threads(images) if shared else self._one_by_one(images, 1)
        self._ended = monotonic()
        if close:
            self._sharing.took(shared, self._ended - begun)
        return results

    def prepare(self) -> None:
        """Compiles and packs all that a call of any size, and from any number of threads, needs."""
        image = np.zeros((1, *self._shape[1:]), self._dtype)
        self(np.repeat(image, LANES, 0))
        if self._most_alone:
            self._one_by_one(image, 1)
            if self._divides:
                self._by_all_threads(image)
            session = self._longest_idle()
            session.predict(1, image, np.empty((1, *self._output_shape), _FLOAT32), brief=False)
            self._alone[get_ident()] = session

    def _one_by_one(self, images: NDArray[Any], count: int) -> NDArray[np.float32]:
        thread = get_ident()
        session = self._alone.pop(thread, None) or self._longest_idle()
        results = np.empty((count, *self._output_shape), _FLOAT32)
        if count <= self._most_unshared:
            session.predict(count, images, results, brief=count * session.work < LEAST_RELEASED_WORK)
        else:
            session.run(count, images, results=results)
        self._alone[thread] = session
        return results

    def _by_all_threads(self, image: NDArray[Any]) -> NDArray[np.float32]:
        try:
            session = self._divided.pop()
        except IndexError:  # another thread has it
            return self._one_by_one(image, 1)
        results = np.empty((1, *self._output_shape), _FLOAT32)
        session.predict_together(image, results)
        self._divided.append(session)
        return results

    def _longest_idle(self) -> AloneSession:
        with suppress(StopIteration, KeyError, RuntimeError):  # there is none, or another thread has just taken it
            return self._alone.pop(next(iter(self._alone)))
        self._made += 1
        return AloneSession(self._model, self._shape, self._dtype)

    def _lane_by_lane(self, images: NDArray[Any], count: int) -> NDArray[np.float32]:
        try:
            session = self._in_lanes.pop()
        except IndexError:
            session = InferenceSession(self._model, self._shape, self._dtype)
        results = np.empty((count, *session.output_shape), np.float32)
        for start in range(0, count, CHUNK):
            session.run(min(CHUNK, count - start), images[start:], results=results[start:])
        self._in_lanes.append(session)
        return results
