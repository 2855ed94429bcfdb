"""Which taps of a window lie inside the image, against the formula of the convolution."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given

from fastconv.engine.operators.window import Taps, Window, backward_taps, forward_taps, seen_outputs
from tests.strategies import Axis, axes


def window(axis: Axis) -> Window:
    return Window((axis.kernel,) * 2, (axis.stride,) * 2, (axis.before, axis.after) * 2, (axis.dilation,) * 2)


def listed(taps: Taps) -> dict[int, list[tuple[int, int]]]:
    """For each target position, the (tap, source position) that the table stands for."""
    return {target: [(first + i * taps.kernel_step, source + i * taps.source_step) for i in range(count)]
            for target, (first, count, source) in enumerate(taps.table.tolist())}


def meetings(axis: Axis) -> list[tuple[int, int, int]]:
    """Every (output, tap, source) of the formula with the source inside the image."""
    places = [(o, k, o * axis.stride - axis.before + k * axis.dilation)
              for o in range(axis.outputs) for k in range(axis.kernel)]
    return [(o, k, source) for o, k, source in places if 0 <= source < axis.size]


@given(axes())
def test_each_output_reads_the_taps_inside_the_image(axis):
    expected = defaultdict(list)
    for output, tap, source in meetings(axis):
        expected[output].append((tap, source))
    for number in (0, 1):
        actual = listed(forward_taps(window(axis), number, axis.size, axis.outputs))
        assert actual == {output: expected[output] for output in range(axis.outputs)}


@given(axes())
def test_each_pixel_gets_the_gradient_of_every_output_that_read_it_through_the_same_tap(axis):
    expected = defaultdict(list)
    for output, tap, source in meetings(axis):
        expected[source].append((tap, output))
    for number in (0, 1):
        actual = listed(backward_taps(window(axis), number, axis.size, axis.outputs))
        assert actual == {source: sorted(expected[source]) for source in range(axis.size)}


@given(axes())
def test_each_tap_is_seen_by_the_outputs_between_two(axis):
    expected = defaultdict(list)
    for output, tap, source in meetings(axis):
        expected[tap].append((output, source))
    for number in (0, 1):
        seen = seen_outputs(window(axis), number, axis.size, axis.outputs).tolist()
        actual = {tap: [(output, output * axis.stride + source) for output in range(first, end)]
                  for tap, (first, end, source) in enumerate(seen)}
        assert actual == {tap: expected[tap] for tap in range(axis.kernel)}


def test_the_axes_are_height_and_width():
    both = Window((3, 1), (1, 2), (1, 0, 0, 1), (2, 1))
    assert listed(forward_taps(both, 0, 4, 1)) == {0: [(1, 1), (2, 3)]}
    assert listed(forward_taps(both, 1, 4, 3)) == {0: [(0, 0)], 1: [(0, 2)], 2: []}
