"""The table for people."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from fastconv_bench.compare import Change
from fastconv_bench.table import render, render_changes
from fastconv_bench.workload import NUMPY, ONNX_RUNTIME, PEERS
from tests.reports import report, row


def printed(renderable) -> str:
    """As on a terminal wide enough for one line a row."""
    console = Console(file=StringIO(), width=250, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def cells(renderable) -> list[list[str]]:
    """The table's cells, its header first, the header's lines as one."""
    lines = [line for line in printed(renderable).splitlines() if line[:1] in "┃│" and line]
    header, rows = ([[cell.strip() for cell in line.split(edge)[1:-1]] for line in lines if line[0] == edge]
                    for edge in "┃│")
    return [[" ".join(parts).strip() for parts in zip(*header, strict=True)], *rows]


MEASURES = ["workload", "time", "images/s", "rate", "% of limit"]


def test_without_peers_only_fastconv_is_shown():
    table = cells(render(report(row("convolution", best=2.0**-9))))
    assert table == [MEASURES, ["convolution", "1,953 µs", "65,536", "8,796 GFLOP/s", "6400%"]]


def test_peers_are_shown_in_their_order_with_how_many_times_longer_they_take():
    every = {peer: 1.0 + place for place, peer in enumerate(PEERS)}
    header, shown = cells(render(report(row(best=0.5, peers=dict(reversed(every.items()))))))
    assert header == [*MEASURES, *PEERS]
    assert shown[5:] == ["2.0×", "4.0×", "6.0×", "8.0×"]


def test_a_peer_that_took_part_in_some_workloads_leaves_the_others_blank():
    header, one, other, neither = cells(render(report(
        row("one", best=0.5, peers={NUMPY: 5.0}), row("other", best=0.5, peers={ONNX_RUNTIME: 0.25}), row("neither"))))
    assert header[5:] == [NUMPY, ONNX_RUNTIME]
    assert [one[5:], other[5:], neither[5:]] == [["10.0×", ""], ["", "0.5×"], ["", ""]]


def test_work_without_arithmetic_is_told_in_bytes_and_held_against_the_memory():
    _, shown = cells(render(report(row(best=0.5, images=1, flop=0.0, size=2.0**32))))
    assert shown[1:] == ["500.0 ms", "", "9 GB/s", "50%"]


def test_work_with_arithmetic_is_held_against_the_peak():
    _, shown = cells(render(report(row(best=0.5, images=128, flop=2.0**34))))
    assert shown[1:] == ["500.0 ms", "256", "34 GFLOP/s", "25%"]


def test_the_heading_tells_the_version_the_machine_and_its_limits():
    heading = printed(render(report())).splitlines()[0]
    assert heading == ("fastconv 1.2.3, some CPU, 2 threads: multiply-add peak 137 GFLOP/s (69 on one core), "
                       "memory 17 GB/s")


def test_a_single_thread_is_no_plural():
    assert "some CPU, 1 thread: " in printed(render(report(threads=1)))


def test_changes_beyond_the_noise_are_listed_and_the_others_counted():
    changes = render_changes([Change("a", 1.5, 0.1), Change("b", 1.0, 0.1), Change("c", 0.5, 0.25)])
    assert cells(changes)[1:] == [["a", "1.50", "±10%", "slower"], ["c", "0.50", "±25%", "faster"]]
    assert printed(changes).splitlines()[-1] == "1 of 3 workloads unchanged."


def test_without_changes_there_is_no_table():
    assert printed(render_changes([Change("a", 1.0, 0.1)])) == "1 of 1 workloads unchanged.\n"
    assert printed(render_changes([])) == "0 of 0 workloads unchanged.\n"
