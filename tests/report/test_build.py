"""Whole reports."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import fastconv as fc
from fastconv import models, nn
from fastconv.errors import ShapeError
from fastconv.trainer import EpochResult
from tests.networks import normal, pixels

pytest.importorskip("matplotlib")
from fastconv.report.build import report

VOID = {"meta", "br", "path", "use", "image", "rect", "stop", "link"}


class Checker(HTMLParser):
    """Collects headings and identifiers, and asserts that elements are closed as they were opened."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.headings = [], [], []

    def handle_starttag(self, tag, attributes):
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def checked(text):
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    return checker


@pytest.fixture(scope="module")
def digits():
    train, test = fc.data.digits()
    model = models.lenet5()
    trainer = fc.Trainer(model, fc.optim.AdamW(lr=3e-3))
    history = trainer.fit(train, epochs=1, validation=test)
    few = fc.data.Dataset(test.images[:200], test.labels[:200], test.classes, test.mean, test.std)
    return model, few, history


@pytest.fixture(scope="module")
def text(digits):
    model, test, history = digits
    return report(model, test, "lenet5", "200 digits", history)


def test_a_report_has_every_section(text):
    assert checked(text).headings == ["Training", "Classes", "Worst mistakes", "Filters", "Feature maps",
                                      "What classes depend on", "What excites neurons", "Layers"]


def test_nothing_is_loaded_from_elsewhere(text):
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', text)
    assert not re.findall(r"url\((?!#)[^)]*\)|@import|<script|<link", text)


def test_its_figures_are_those_the_trainer_measures(digits, text):
    model, test, _ = digits
    metrics = fc.Trainer(model, fc.optim.SGD(lr=1.0)).evaluate(test)
    assert f"<strong>{metrics['accuracy']:.2%}</strong>" in text
    assert f"<strong>{round(200 * (1 - metrics['accuracy']))}</strong>" in text


def test_the_page_follows_the_readers_colours(text):
    assert "prefers-color-scheme: dark" in text
    assert "currentColor" in text
    assert "#000000" not in text


def test_pictures_have_no_identifiers_in_common(text):
    numbered = [name for name in checked(text).ids if re.search(r"_\d+$", name)]
    assert len(numbered) == len(set(numbered))


def test_the_same_report_is_written_the_same(digits, text):
    model, test, history = digits
    assert report(model, test, "lenet5", "200 digits", history) == text


@pytest.mark.parametrize(("model", "shape", "dtype"), [
    (models.resnet8(num_classes=3), (3, 32, 32), np.uint8),
    (models.lenet5_classic(num_classes=3), (1, 28, 28), np.float32),
    (nn.Sequential(nn.Flatten(), nn.Linear(50, 3)), (2, 5, 5), np.uint8),
    (nn.Sequential(nn.Conv2d(1, 30, 3), nn.ReLU(), nn.Conv2d(30, 5, 3), nn.Flatten(), nn.Linear(60, 3)), (1, 6, 10),
     np.float32),
], ids=["coloured", "without ReLU, prepared", "without maps", "many channels, not square"])
def test_networks_and_images_of_many_kinds_have_reports(model, shape, dtype):
    model.init(0)
    images = pixels(0, 9, *shape) if dtype == np.uint8 else normal(0, 9, *shape)
    data = fc.data.Dataset(images, np.arange(9) % 3, ("<a>", "b & c", "a class with a rather long name"))
    text = report(model, data, "<name>", "a <set>")
    assert "<a>" not in text
    assert "Layers" in checked(text).headings


def test_a_network_without_a_mistake_and_one_without_a_hit_have_reports():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    model.load_state_dict({"1.weight": np.zeros((2, 4), np.float32), "1.bias": np.array([1, 0], np.float32)})
    for label in (0, 1):
        data = fc.data.Dataset(pixels(0, 3, 1, 2, 2), np.full(3, label), ("a", "b"))
        assert ("Worst mistakes" in checked(report(model, data, "m", "s")).headings) == (label == 1)


def test_a_set_with_other_classes_is_refused(digits):
    model, _, _ = digits
    data = fc.data.Dataset(pixels(0, 3, 1, 28, 28), np.zeros(3, np.int64), ("a", "b"))
    with pytest.raises(ShapeError, match="tells 10 classes apart, the set has 2"):
        report(model, data, "m", "s", [EpochResult(1, 0.5, 0.1, 1.0, 1.0)])
