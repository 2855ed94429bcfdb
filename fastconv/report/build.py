"""What the page says about a network, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fastconv import explain
from fastconv._version import __version__
from fastconv.data.dataset import Dataset
from fastconv.errors import DataError
from fastconv.explain.predictions import Predictions
from fastconv.nn.activation import ReLU
from fastconv.nn.convolution import Conv2d
from fastconv.nn.layer import Layer
from fastconv.nn.summary import LayerSummary, summarize
from fastconv.plots import network
from fastconv.plots.confusion import confusion_matrix
from fastconv.plots.explanations import Explanation, explanations
from fastconv.plots.picture import as_svg, check_matplotlib
from fastconv.plots.training import training_curves
from fastconv.report.page import Section, figure, page, table
from fastconv.trainer import EpochResult

#: How many examples are shown: mistakes, and images that are explained.
MISTAKES, EXPLAINED = 32, 8

#: Of an image's shorter side, how much the square covers that is moved over it; and at most how many places it takes.
COVERED, MOST_PLACES = 0.2, 1024

#: Images that the strongest patches are looked for in.
SEARCHED = 10_000


def report(model: Layer, test: Dataset, name: str, source: str, history: Sequence[EpochResult] = ()) -> str:
    """A page of HTML about a model: how good it is on a test set, where it errs, and what it looks at.

    name, source: what the page calls the model and the set. Raises DataError where there is no matplotlib or an output
    is NaN, ShapeError where model and set do not fit.
    """
    check_matplotlib("report")
    shape = test.images.shape[1:]
    layers, said = summarize(model, shape), explain.predictions(model, test)
    if not np.isfinite(said.loss):
        raise DataError(f"{name}: its outputs for the test images are not numbers: look for NaN in its weights and in "
                        "the images")
    wrong = len(said.worst())
    low, high = said.interval()
    size = "×".join(map(str, shape))
    facts = [
        (f"{said.accuracy:.2%}", f"accuracy; 95 % interval {low:.2%} to {high:.2%}"),
        (f"{wrong:,}", f"of {len(test):,} test images wrong"),
        (f"{said.loss:.4f}", "mean cross-entropy"),
        (f"{sum(each.parameters for each in layers):,}", "parameters"),
        (_short(sum(each.multiply_adds for each in layers)), "multiply-adds an image"),
    ]
    sections = [*_training(history), _confusion(said), *_mistakes(test, said), *_network(model, test, said, layers),
                *_explanations(model, test, said), *_patches(model, test), _layers(layers)]
    return page(name, f"{len(test.classes)} classes of images {size}, tested on {source}", facts, sections,
                f"Written by fastconv {__version__}. Nothing on this page is loaded from elsewhere.")


def _training(history: Sequence[EpochResult]) -> Iterator[Section]:
    if history:
        seconds = sum(each.seconds for each in history)
        took = f" They took {seconds:,.1f} s." if np.isfinite(seconds) else ""
        yield Section("Training", f"{len(history)} epochs.{took}", figure(as_svg(training_curves(history))))


def _confusion(said: Predictions) -> Section:
    counts = said.confusion()
    right = np.diag(counts)
    found, claimed = counts.sum(axis=1), counts.sum(axis=0)
    rows = [(name, f"{of:,}", _share(hits, of), _share(hits, claims)) for name, hits, of, claims in zip(
        said.classes, right, found, claimed, strict=True)]
    return Section("Classes", "Rows are the right classes, columns what the network said. Recall: how many images of a "
                   "class were found. Precision: how many of those said to be of it were.",
                   '<div class="beside">' + figure(as_svg(confusion_matrix(counts, said.classes)))
                   + table(("class", "images", "recall", "precision"), rows, 1) + "</div>")


def _mistakes(test: Dataset, said: Predictions) -> Iterator[Section]:
    chosen = said.worst(MISTAKES)
    if len(chosen):
        yield Section("Worst mistakes", "Right class → what the network said, and how sure it was of that. First those "
                      "whose right class it held for least probable.",
                      figure(as_svg(network.mistakes(test.images, said, chosen))))


def _network(model: Layer, test: Dataset, said: Predictions, layers: Sequence[LayerSummary]) -> Iterator[Section]:
    first = next(((name, leaf) for name, leaf in model.leaves() if isinstance(leaf, Conv2d)), None)
    if first is not None:
        name, leaf = first
        yield Section("Filters", f"The kernels of the first convolution, {name}. Red adds to an activation, blue takes "
                      "away from it.", figure(as_svg(network.filters(leaf.weight)), width=min(
                          100, 12 * len(leaf.weight))))
    names = explain.stages(model, test.images.shape[1:], 3)
    if names:
        index = int(_examples(said, 1)[0])
        image = test.images[index:index + 1]
        kinds = {each.name: each.layer.partition("(")[0] for each in layers}
        maps = {f"{name} {kinds[name]}": explain.features(model, image, name)[0] for name in names}
        yield Section("Feature maps", f"What the stages of the network make of an image of class "
                      f"{said.classes[said.labels[index]]}, up to {network.MOST_CHANNELS} channels of each.",
                      figure(as_svg(network.feature_maps(image[0], maps))))


def _explanations(model: Layer, test: Dataset, said: Predictions) -> Iterator[Section]:
    height, width = test.images.shape[2:]
    square = max(1, round(COVERED * min(height, width)))
    right, wrong = _examples(said, EXPLAINED), said.worst(EXPLAINED)
    guided = any(isinstance(leaf, ReLU) for _, leaf in model.leaves())
    text = (f"Occlusion: where a square of {square}×{square} pixels makes the class less probable (red) or more "
            "probable (blue) when it covers the image there (Zeiler & Fergus 2014). Saliency: how strongly a pixel can "
            "change the class's score (Simonyan et al. 2014). ")
    if guided:
        text += ("Guided backpropagation: what speaks for the class, without the signals that hold it back "
                 "(Springenberg et al. 2015). ")
    content = ""
    for chosen, caption in ((right, "Images that are recognised, by class."),
                            (wrong, "The worst mistakes: what the wrong class that was said depends on.")):
        if len(chosen):
            content += figure(as_svg(explanations(_explain(model, test, said, chosen, square, guided))), caption,
                              round(100 * (1.3 * len(chosen) + 1) / (1.3 * EXPLAINED + 1)))
    yield Section("What classes depend on", text + "Each map has a scale of its own.", content)


def _explain(model: Layer, test: Dataset, said: Predictions, chosen: NDArray[np.intp], square: int,
             guided: bool) -> list[Explanation]:
    images, classes = test.images[chosen], said.predicted[chosen]
    stride = max(1, round(np.sqrt(images.shape[2] * images.shape[3] / MOST_PLACES)))
    covered = explain.occlusion(model, images, classes, square, stride)
    slopes = explain.saliency(model, images, classes)
    paths = explain.guided_backpropagation(model, images, classes) if guided else [None] * len(images)
    titles = [said.classes[said.predicted[index]] if said.predicted[index] == said.labels[index] else
              f"{said.classes[said.labels[index]]} → {said.classes[said.predicted[index]]}" for index in chosen]
    return [Explanation(*each) for each in zip(titles, images, covered, slopes, paths, strict=True)]


def _patches(model: Layer, test: Dataset) -> Iterator[Section]:
    images = test.images[:SEARCHED]
    names = explain.stages(model, images.shape[1:], 2)
    content = ""
    for name in names:
        found = explain.top_patches(model, images, name)
        rows, cols = min(found.field.rows.size, images.shape[2]), min(found.field.cols.size, images.shape[3])
        content += figure(as_svg(network.patches(found, images)),
                          f"Layer {name}, whose receptive fields are {rows}×{cols} pixels.")
    if names:
        yield Section("What excites neurons", f"Of each channel of a layer, the nine strongest activations in "
                      f"{len(images):,} test images, each in another image: what their receptive fields saw "
                      "(Zeiler & Fergus 2014).", content)


def _layers(layers: Sequence[LayerSummary]) -> Section:
    rows = [(each.name, each.layer, "×".join(map(str, each.output_shape)), f"{each.parameters:,}",
             f"{each.multiply_adds:,}") for each in layers]
    return Section("Layers", "From the image to the classes; output and multiply-adds of one image.",
                   table(("name", "layer", "output", "parameters", "multiply-adds"), rows, 2))


def _examples(said: Predictions, count: int) -> NDArray[np.intp]:
    """The first image of each class that is recognised, of so many classes."""
    right = said.predicted == said.labels
    found = [np.flatnonzero(right & (said.labels == label))[:1] for label in range(len(said.classes))]
    firsts = np.concatenate(found)
    return firsts[:count] if len(firsts) else np.arange(min(count, 1))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _short(count: int) -> str:
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return str(count)
