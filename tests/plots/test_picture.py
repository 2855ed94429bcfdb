"""Where pictures can be drawn."""

from __future__ import annotations

import pytest

from fastconv.errors import DataError
from fastconv.plots import picture
from fastconv.plots.picture import check_plot


def test_without_matplotlib_the_extra_to_install_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r'a\.png: .*pip install "fastconv\[plots\]"'):
        check_plot(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a", "a.txt", "png"])
def test_a_name_that_is_no_pictures_is_refused(tmp_path, name):
    pytest.importorskip("matplotlib")
    with pytest.raises(DataError, match=rf"{name}: expected a name that ends in \.png, \.svg or \.pdf"):
        check_plot(tmp_path / name)
