import pytest

from fastconv.experiments.lr_range import LrRange
from fastconv.plots.lr_range import save_lr_range

pytest.importorskip("matplotlib")

RATES = tuple(10.0 ** (step / 10 - 4) for step in range(40))


@pytest.mark.parametrize("losses", [
    tuple(2.0 - 0.02 * step if step < 30 else 1.4 + step for step in range(40)), tuple(map(float, range(1, 41)))])
def test_a_range_test_becomes_a_picture(tmp_path, losses):
    save_lr_range(LrRange(RATES, losses, losses), "lenet5", tmp_path / "lr.svg")
    assert "lenet5" in (tmp_path / "lr.svg").read_text() or (tmp_path / "lr.svg").stat().st_size > 5000
