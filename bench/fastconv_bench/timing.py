"""Timing several contenders fairly: in turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

#: A sample repeats a call for at least this long, so that the clock's resolution does not matter; a turn takes samples
#: for at least that long. Short samples find the moments in which nobody else uses the machine.
SAMPLE_SECONDS, TURN_SECONDS = 0.2e-3, 10e-3

#: Before a turn, threads of the contender before must have stopped waiting for more work on a core: those of PyTorch
#: do so after 5 ms, of ONNX Runtime after 35 ms and of OpenBLAS after 120 ms. This process is idle when it has used
#: little of such a pause.
PAUSE_SECONDS, IDLE_SHARE, LONGEST_PAUSES = 5e-3, 0.1, 100

LEAST_TURNS = 3


@dataclass(frozen=True)
class Times:
    """Seconds per call: the fastest sample, the median, and how far the first quartile lies above the fastest."""

    best: float
    median: float
    spread: float

    def scaled(self, factor: float) -> Times:
        """The times of `factor` times as much work."""
        return Times(self.best * factor, self.median * factor, self.spread)


def interleaved(contenders: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, Times]:
    """Times all contenders in turns, for about `seconds` each; a slow one gets fewer turns, but at least three."""
    durations = {name: _warm_up(call) for name, call in contenders.items()}
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    left, turns = dict.fromkeys(contenders, seconds), 0
    while turns < LEAST_TURNS or any(each > 0 for each in left.values()):
        for name, call in contenders.items():
            if turns < LEAST_TURNS or left[name] > 0:
                wait_until_idle()
                start = time.perf_counter()
                samples[name] += _turn(call, durations[name])
                left[name] -= time.perf_counter() - start
        turns += 1
    return {name: _times(each) for name, each in samples.items()}


def _warm_up(call: Callable[[], object]) -> float:
    """Calls until compilers, caches and clocks have settled, and returns how long one takes."""
    call()
    return min(_sample(call, 1) for _ in range(2))


def wait_until_idle() -> None:
    """Returns when no thread of this process uses a core any more, and after half a second at the latest."""
    for _ in range(LONGEST_PAUSES):
        used, start = time.process_time(), time.perf_counter()
        time.sleep(PAUSE_SECONDS)
        if time.process_time() - used <= IDLE_SHARE * (time.perf_counter() - start):
            return


def _turn(call: Callable[[], object], duration: float) -> list[float]:
    """Samples of a call that takes about `duration`."""
    if duration < TURN_SECONDS:
        call()  # wakes the contender's own threads
    repeats = max(1, round(SAMPLE_SECONDS / max(duration, 1e-7)))
    samples: list[float] = []
    end = time.perf_counter() + TURN_SECONDS
    while not samples or time.perf_counter() < end:
        samples.append(_sample(call, repeats))
    return samples


def _sample(call: Callable[[], object], repeats: int) -> float:
    """Seconds per call."""
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def _times(samples: list[float]) -> Times:
    ordered = sorted(samples)
    return Times(ordered[0], median(ordered), ordered[len(ordered) // 4] / ordered[0] - 1)
