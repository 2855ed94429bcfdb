"""The roofline as a picture."""

from __future__ import annotations

import pytest

from fastconv.errors import DataError
from fastconv_bench.plot import save_plot
from fastconv_bench.workload import CHANNELS_LAST, NUMPY, ONNX_RUNTIME, PYTORCH
from tests.reports import report, row

EVERYONE = {NUMPY: 2.0, PYTORCH: 0.75, CHANNELS_LAST: 0.75, ONNX_RUNTIME: 1.0}


@pytest.mark.parametrize("measured", [
    report(row("a, direct"), row("b, direct")),
    report(row("a, direct", peers=EVERYONE), row("b, direct", peers={NUMPY: 1.0})),
    report(row("a, direct"), row("a, im2col"), row("pooling", flop=0.0, size=1.0)),
    report(row("pooling", flop=0.0, size=1.0)),
], ids=["alone", "with peers", "with work that is not drawn", "with nothing to draw"])
def test_a_plot_is_a_picture_of_the_report(tmp_path, measured):
    image = pytest.importorskip("matplotlib.image")
    path = tmp_path / "roofline.png"
    save_plot(measured, path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = image.imread(path)
    assert pixels.shape[2] == 4
    assert pixels.min() < pixels.max()


def test_the_same_report_is_drawn_the_same_and_a_faster_one_otherwise(tmp_path):
    image = pytest.importorskip("matplotlib.image")
    drawn = []
    for number, best in enumerate((0.5, 0.5, 0.25)):
        path = tmp_path / f"{number}.png"
        save_plot(report(row(best=best)), path)
        drawn.append(image.imread(path))
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize(("ending", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_the_ending_of_the_name_chooses_the_format(tmp_path, ending, start):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"roofline{ending}"
    save_plot(report(), path)
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["roofline", "roofline.txt", "png"])
def test_a_name_with_another_ending_is_refused(tmp_path, name):
    pytest.importorskip("matplotlib")
    with pytest.raises(DataError, match=rf"{name}: expected a name that ends in \.png"):
        save_plot(report(), tmp_path / name)
