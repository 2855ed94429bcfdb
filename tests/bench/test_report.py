"""What a report holds, and what `run` asks to be measured."""

from __future__ import annotations

import json

import pytest

from fastconv import __version__
from fastconv_bench import report as reports
from fastconv_bench.report import QUICK, SCALE, THOROUGH, Row
from fastconv_bench.timing import Times
from fastconv_bench.workload import FASTCONV, NUMPY, PYTORCH, Contender, Workload
from tests.reports import BANDWIDTH, PEAK, machine, report, row

BY_CALL = {"fast": Times(0.5, 0.75, 0.25), "slow": Times(1.0, 1.5, 0.125)}


def fast():
    return "fast"


def slow():
    return "slow"


WORKLOADS = [
    Workload("both", 64, lambda: {FASTCONV: Contender(fast, 64), NUMPY: Contender(slow, 16)}, flop=2.0**34),
    Workload("alone", 1, lambda: {FASTCONV: Contender(slow, 1)}, bytes=2.0**32),
]


@pytest.fixture
def events(monkeypatch):
    """What `run` has done, where the machine, the workloads and their times are made up."""
    seen = []

    def interleaved(contenders, seconds):
        seen.append((list(contenders), seconds))
        return {name: BY_CALL[call()] for name, call in contenders.items()}

    class Gauge:
        def __init__(self, threads):
            self.machine = lambda: machine(threads=threads)

        def sample(self):
            seen.append("machine")

    monkeypatch.setattr(reports, "workloads", lambda: iter(WORKLOADS))
    monkeypatch.setattr(reports, "interleaved", interleaved)
    monkeypatch.setattr(reports, "Gauge", Gauge)
    return seen


# --- Figures ---


def test_ratios_are_how_many_times_longer_peers_take():
    measured = row(best=0.5, peers={NUMPY: 2.0})
    assert measured.ratio(NUMPY) == 4.0
    assert measured.ratio(FASTCONV) == 1.0
    assert measured.ratio(PYTORCH) is None


def test_images_per_second_are_those_of_the_best_time():
    assert row(best=0.5, images=128).images_per_second == 256.0


@pytest.mark.parametrize(("flop", "size", "share"), [
    (PEAK / 8, 0.0, 0.25), (PEAK / 8, BANDWIDTH / 16, 0.25), (PEAK / 8, BANDWIDTH / 4, 0.5),
        (0.0, BANDWIDTH / 4, 0.5),
])
def test_the_limit_is_arithmetic_or_memory_whichever_takes_longer(flop, size, share):
    assert row(best=0.5, flop=flop, size=size).share_of_limit(machine()) == share


def test_to_dict_holds_every_measurement_and_what_follows_from_it():
    assert report(row(best=0.5, images=128, flop=2.0**34, peers={NUMPY: 2.0})).to_dict() == {
        "version": "1.2.3",
        "quick": True,
        "machine": {"cpu": "some CPU", "threads": 2, "peak_one_core": PEAK / 2, "peak": PEAK, "bandwidth": BANDWIDTH},
        "workloads": [{
            "workload": "convolution", "images": 128, "flop": 2.0**34, "bytes": 0.0,
            "times": {FASTCONV: {"best": 0.5, "median": 0.5, "spread": 0.0},
                      NUMPY: {"best": 2.0, "median": 2.0, "spread": 0.0}},
            "images_per_second": 256.0, "gflops": 2.0**35 / 1e9, "share_of_limit": 0.25, "ratios": {NUMPY: 4.0},
        }],
    }


def test_to_dict_is_the_same_after_a_journey_through_strict_json():
    document = report(row("a", peers={NUMPY: 2.0, PYTORCH: 0.25}), row("b", flop=0.0, size=2.0**30)).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


# --- Measuring ---


@pytest.mark.parametrize(("quick", "seconds"), [(True, QUICK), (False, THOROUGH)])
def test_run_measures_the_machine_then_the_rivals_for_so_long_then_numpy(events, quick, seconds):
    made = reports.run(quick, 3, lambda line: None)
    assert events == ["machine", ([FASTCONV], seconds), ([NUMPY], SCALE), "machine", ([FASTCONV], seconds)]
    assert (made.version, made.quick, made.machine) == (__version__, quick, machine(threads=3))


def test_run_tells_what_comes_next(events):
    told = []
    reports.run(True, 1, lambda line: told.append((line, len(events))))
    assert told == [("preparing", 0), ("both", 0), ("alone", 3)]


def test_the_times_of_a_contender_with_fewer_images_are_those_of_the_whole_batch(events):
    assert reports.run(True, 1, lambda line: None).rows == (
        Row("both", 64, 2.0**34, 0.0, {FASTCONV: Times(0.5, 0.75, 0.25), NUMPY: Times(4.0, 6.0, 0.125)}),
        Row("alone", 1, 0.0, 2.0**32, {FASTCONV: Times(1.0, 1.5, 0.125)}))


def test_a_workload_is_made_when_the_one_before_has_been_timed(events, monkeypatch):
    def made(name):
        def make():
            events.append(name)
            return {FASTCONV: Contender(fast, 1)}

        return make

    monkeypatch.setattr(reports, "workloads", lambda: [Workload(name, 1, made(name)) for name in ("one", "other")])
    reports.run(True, 1, lambda line: None)
    assert events == ["machine", "one", ([FASTCONV], QUICK), "machine", "other", ([FASTCONV], QUICK)]
