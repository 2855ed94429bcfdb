"""Receptive fields: by hand, and against the pixels that a gradient reaches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import explain, models, nn
from fastconv.explain.part import Part
from tests.networks import normal
from tests.strategies import pairs


def reached(model, layer, image, row, col):
    """The rows and columns of an image that an activation's gradient reaches, with all weights positive."""
    part = Part(model, layer)
    dy = np.zeros(part.output_shape((1, *image)), np.float32)
    dy[0, :, row, col] = 1
    grad = np.abs(fc.input_grad(part, np.abs(normal(0, 1, *image)), dy)).sum(axis=(0, 1))
    rows, cols = np.flatnonzero(grad.any(axis=1)), np.flatnonzero(grad.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)


def positive(model):
    model.load_state_dict({name: np.abs(array) + np.float32(0.1) for name, array in model.state_dict().items()})
    return model


def test_fields_of_lenet5_by_hand():
    fields = explain.receptive_fields(models.lenet5(), (1, 28, 28))
    assert fields["0"].window(0, 0) == (slice(0, 3), slice(0, 3))  # 5×5 with a padding of 2
    assert fields["0"].window(10, 27) == (slice(8, 13), slice(25, 28))
    assert fields["2"].window(1, 1) == (slice(0, 6), slice(0, 6))
    assert (fields["3"].rows.size, fields["3"].rows.stride, fields["3"].rows.start) == (14, 2, -2)
    assert (fields["5"].cols.size, fields["5"].cols.stride) == (16, 4)
    assert fields["7"].window() == fields["11"].window() == (slice(0, 28), slice(0, 28))


@st.composite
def chains(draw):
    """Convolutions and average poolings that fit an image of 24×24."""
    layers, size = [], (24, 24)
    for _ in range(draw(st.integers(1, 3))):
        kernel, stride = draw(pairs(1, 3)), draw(pairs(1, 2))
        padding = draw(st.integers(0, 1)) if min(np.broadcast_to(kernel, 2)) > 1 else 0
        if draw(st.booleans()):
            layer = nn.Conv2d(1, 1, kernel, stride, padding, draw(pairs(1, 2)))
        else:
            layer = nn.AvgPool2d(kernel, stride, padding)
        layers.append(layer)
        size = layer.output_shape((1, 1, *size))[2:]
        if min(size) < 5:
            break
    return positive(nn.Sequential(*layers)), size


@given(chains(), st.data())
def test_a_field_is_where_gradients_reach(chain, data):
    model, size = chain
    place = data.draw(st.tuples(*(st.integers(0, extent - 1) for extent in size)))
    layer = str(len(model) - 1)
    field = explain.receptive_fields(model, (1, 24, 24))[layer]
    rows, cols = field.window(*place)
    found = reached(model, layer, (1, 24, 24), *place)
    # A tap of a dilated or strided window in front may fall between or outside what is there: fields are bounds.
    assert rows.start <= found[0].start <= found[0].stop <= rows.stop
    assert cols.start <= found[1].start <= found[1].stop <= cols.stop
    inside = [axis.start + at * axis.stride >= 0 and axis.start + at * axis.stride + axis.size <= 24
              for axis, at in zip((field.rows, field.cols), place, strict=True)]
    if inside[0]:
        assert found[0] == rows
    if inside[1]:
        assert found[1] == cols


def test_a_sum_sees_what_all_its_inputs_see():
    model = nn.Residual(nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, 3, padding=1)))
    fields = explain.receptive_fields(positive(model), (1, 20, 20))
    assert fields["add"].window(10, 10) == (slice(7, 14), slice(7, 14)) == reached(model, "add", (1, 20, 20), 10, 10)


def test_what_moves_channels_sees_what_they_saw():
    model = nn.Graph([("a", nn.Conv2d(1, 2, 3, padding=1), "input"), ("b", nn.Conv2d(1, 2, 5, padding=2), "input"),
                      ("both", nn.Concat(), ("a", "b")), ("mixed", nn.ChannelShuffle(2), "both")])
    fields = explain.receptive_fields(positive(model), (1, 20, 20))
    assert fields["mixed"].window(9, 3) == (slice(7, 12), slice(1, 6)) == reached(model, "mixed", (1, 20, 20), 9, 3)


@pytest.mark.parametrize(("layer", "size"), [
    (nn.AdaptiveMaxPool2d(3), 8), (nn.Upsample(scale_factor=2), 24),
    (nn.AdaptiveAvgPool2d(2), 12), (nn.AdaptiveAvgPool2d(1), 24), (nn.MetaAconC(1, design="layer"), 24)])
def test_what_reads_many_places_sees_all_they_see(layer, size):
    model = nn.Sequential(nn.Conv2d(1, 1, 1), layer)
    rows, cols = explain.receptive_fields(model, (1, 24, 24))["1"].window(0, 0)
    assert (rows, cols) == (slice(0, size), slice(0, size))


def test_every_network_has_fields_for_all_its_layers():
    for make in models.MODELS.values():
        model = make()
        shape = model.input_shape or (1, 28, 28)
        fields = explain.receptive_fields(model, shape)
        assert list(fields) == [name for name, _ in model.leaves()]
        *_, last = fields.values()
        assert last.window() == (slice(0, shape[1]), slice(0, shape[2]))
