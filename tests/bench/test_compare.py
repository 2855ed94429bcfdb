"""New reports held against old ones, and old ones that are none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.errors import DataError
from fastconv_bench.compare import LEAST_CHANGE, Change, compare, read
from fastconv_bench.workload import FASTCONV
from tests.reports import PEAK, report, row

MEASURED = report(row("a", best=0.5), row("b", best=0.25, peers={"NumPy": 1.0}))


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("reports") / "old.json"


def change(now: float, then: float, spread_now: float = 0.0, spread_then: float = 0.0) -> Change:
    """Of a workload that took `then` seconds and takes `now`."""
    old = report(row(best=then, spread=spread_then)).to_dict()
    [made] = compare(report(row(best=now, spread=spread_now)), old)
    return made


def saved(**changes: Any) -> dict[str, Any]:
    """The report as a dict, with other entries."""
    return json.loads(json.dumps(MEASURED.to_dict())) | changes


def with_peak(peak: Any) -> dict[str, Any]:
    return saved(machine={"peak": peak})


def with_times(best: Any, spread: Any = 0.0, workload: Any = "a") -> dict[str, Any]:
    return saved(workloads=[{"workload": workload, "times": {FASTCONV: {"best": best, "spread": spread}}}])


def assert_refused(path: Path) -> None:
    with pytest.raises(DataError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: ")


# --- Comparing ---


@pytest.mark.parametrize(("now", "verdict"), [
    (2.0, "slower"), (1.06, "slower"), (1.04, ""), (1.0, ""), (0.96, ""), (0.94, "faster"), (0.5, "faster"),
])
def test_a_change_beyond_the_least_is_told_and_a_smaller_one_is_not(now, verdict):
    assert change(now, 1.0).verdict == verdict


def test_the_noise_is_twice_what_both_measurements_spread():
    assert change(1.5, 1.0, spread_now=0.125, spread_then=0.25) == Change("convolution", 1.5, 0.75)


def test_the_noise_is_never_less_than_the_least_change():
    assert change(1.0, 1.0, spread_now=0.001, spread_then=0.001).noise == LEAST_CHANGE


@pytest.mark.parametrize(("ratio", "verdict"), [(1.51, "slower"), (1.49, ""), (0.67, ""), (0.66, "faster")])
def test_a_change_within_the_noise_has_no_verdict(ratio, verdict):
    assert Change("convolution", ratio, noise=0.5).verdict == verdict


def test_times_count_in_what_the_machine_could_do_meanwhile():
    old = report(row(best=1.0)).to_dict()
    [half_speed] = compare(report(row(best=2.0), peak=PEAK / 2), old)
    assert (half_speed.ratio, half_speed.verdict) == (1.0, "")
    [double_speed] = compare(report(row(best=1.0), peak=2 * PEAK), old)
    assert (double_speed.ratio, double_speed.verdict) == (2.0, "slower")


def test_only_workloads_of_both_reports_are_compared_in_the_new_ones_order():
    new = report(row("new"), row("b"), row("a"))
    assert [each.workload for each in compare(new, report(row("a"), row("gone"), row("b")).to_dict())] == ["b", "a"]


def test_a_report_is_unchanged_beside_itself():
    assert compare(MEASURED, saved()) == [Change("a", 1.0, LEAST_CHANGE), Change("b", 1.0, LEAST_CHANGE)]


# --- Reading ---


def test_a_saved_report_is_read_as_it_was(path):
    path.write_text(json.dumps(MEASURED.to_dict()), encoding="utf-8")
    assert read(path) == saved()


def test_a_report_cut_short_anywhere_is_refused(path):
    content = json.dumps(MEASURED.to_dict()).encode()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert_refused(path)


@pytest.mark.parametrize("content", [
    b"", b"not JSON", b"\xff\xfe\x00", b"\x00" * 100, b"[" * 200_000, b"9" * 5_000,
    b'{"machine": ' * 50_000 + b"}" * 50_000,
], ids=["empty", "text", "not UTF-8", "zeros", "nested lists", "many digits", "nested objects"])
def test_a_file_that_is_no_json_is_refused(path, content):
    path.write_bytes(content)
    assert_refused(path)


HOSTILE = {
    "a number": 1,
    "a list": [],
    "a string": "report",
    "nothing": None,
    "no entries": {},
    "no machine": {"workloads": []},
    "no workloads": {"machine": {"peak": 1.0}},
    "a machine without a peak": saved(machine={}),
    "a machine that is a list": saved(machine=[1.0]),
    "a peak that is text": with_peak("fast"),
    "a peak that is a number as text": with_peak("1e9"),
    "a peak that is nothing": with_peak(None),
    "a peak of 0": with_peak(0),
    "a negative peak": with_peak(-1.0),
    "a peak of NaN": with_peak(math.nan),
    "an infinite peak": with_peak(math.inf),
    "a peak beyond every float": with_peak(10**400),
    "workloads that are a number": saved(workloads=1),
    "workloads that are text": saved(workloads="ab"),
    "a workload without times": saved(workloads=[{"workload": "a"}]),
    "a workload without fastconv": saved(workloads=[{"workload": "a", "times": {"NumPy": {"best": 1, "spread": 0}}}]),
    "a workload whose name is a list": with_times(1.0, workload=["a"]),
    "a time that is text": with_times("soon"),
    "a time that is a number as text": with_times("1.0"),
    "a time of 0": with_times(0.0),
    "a negative time": with_times(-1.0),
    "a time of NaN": with_times(math.nan),
    "a time beyond every float": with_times(10**400),
    "a spread that is a list": with_times(1.0, [0.0]),
    "a negative spread": with_times(1.0, -1.0),
    "a spread of NaN": with_times(1.0, math.nan),
}


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE.keys())
def test_json_that_is_no_report_is_refused(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    assert_refused(path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(width=32) | st.text(max_size=3)
    | st.sampled_from([0, 1.0, 10**400]),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(
        st.sampled_from(["workload", "times", FASTCONV, "best", "spread", "peak"]), values, max_size=3),
    max_leaves=6)


@given(st.builds(with_peak, anything) | st.builds(with_times, anything, anything)
       | st.builds(lambda name: with_times(1.0, workload=name), anything)
       | st.builds(lambda rows: saved(workloads=rows), anything) | anything)
def test_whatever_is_not_refused_can_be_compared_with(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        old = read(path)
    except DataError:
        assert_refused(path)
    else:
        json.dumps([each.ratio for each in compare(MEASURED, old)], allow_nan=False)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        read(tmp_path / "missing.json")
