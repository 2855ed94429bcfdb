"""The classifier in scikit-learn's own checks and tools."""

from __future__ import annotations

import importlib
import pickle
import sys

import numpy as np
import pytest

import fastconv as fc
from fastconv import data, models, nn
from fastconv.errors import CheckpointError, ShapeError

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastconv.sklearn import CNNClassifier

#: 8×8 pixels from 0 to 16, flat, as scikit-learn has them.
X, Y = load_digits(return_X_y=True)
FEW, FEW_LABELS = X[:300], Y[:300]


def narrow(num_classes: int) -> nn.Sequential:
    """A network for 1×8×8."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, num_classes))


@parametrize_with_checks([CNNClassifier()])
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


def test_cross_validation_finds_digits_recognised():
    assert cross_val_score(CNNClassifier(epochs=8), X, Y, cv=3).mean() > 0.95


def test_a_grid_search_chooses_the_network_and_the_learning_rate():
    search = GridSearchCV(CNNClassifier(epochs=4), {"model": [None, narrow], "lr": [1e-6, 6e-3]}, cv=2)
    search.fit(FEW, FEW_LABELS)
    assert search.best_params_["lr"] == 6e-3
    assert search.best_score_ > 0.7


@pytest.mark.slow
def test_other_processes_fit_the_same_classifiers():
    alone, spread = (cross_val_score(CNNClassifier(epochs=4), FEW, FEW_LABELS, cv=2, n_jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(alone, spread)


def test_a_pipeline_scales_before_it_classifies():
    pipeline = make_pipeline(MinMaxScaler(), CNNClassifier(image_shape=(8, 8))).fit(FEW, FEW_LABELS)
    assert pipeline.score(X[300:], Y[300:]) > 0.8


def test_flat_images_and_images_are_the_same():
    images = X.reshape(-1, 8, 8)
    fitted = [CNNClassifier(epochs=1).fit(x, Y) for x in (X, images, images[:, None])]
    expected = fitted[0].predict_proba(X)
    for each in fitted:
        assert each.image_shape_ == (1, 8, 8)
        for x in (X, images, images[:, None]):
            np.testing.assert_array_equal(each.predict_proba(x), expected)


def test_bytes_and_floats_of_the_same_value_are_the_same_images():
    small = X.astype(np.uint8)
    fitted = CNNClassifier(epochs=2).fit(small, Y)
    np.testing.assert_allclose(fitted.predict_proba(X), fitted.predict_proba(small), atol=1e-5)
    np.testing.assert_allclose(fitted.mean_, X.mean(), rtol=1e-5)
    np.testing.assert_allclose(fitted.std_, X.std(), rtol=1e-5)
    floats = CNNClassifier(epochs=2).fit(X, Y)
    np.testing.assert_allclose(floats.predict_proba(small), fitted.predict_proba(X), atol=0.05)


def test_classes_are_whatever_the_labels_are():
    names = np.array(["zero", "one", "two"])
    chosen = FEW_LABELS < 3
    fitted = CNNClassifier().fit(FEW[chosen], names[FEW_LABELS[chosen]])
    assert list(fitted.classes_) == sorted(names)
    assert list(fitted.predict(FEW[chosen][:3])) == list(names[FEW_LABELS[chosen][:3]])
    np.testing.assert_allclose(fitted.predict_proba(FEW[:5]).sum(axis=1), 1)


def test_features_that_are_no_square_are_rows_and_image_shape_says_otherwise():
    x, y = np.random.default_rng(0).normal(size=(20, 12)), np.arange(20) % 2
    assert CNNClassifier(epochs=1).fit(x, y).image_shape_ == (1, 1, 12)
    assert CNNClassifier(epochs=1, image_shape=(3, 2, 2)).fit(x, y).image_shape_ == (3, 2, 2)
    with pytest.raises(ShapeError, match=r"expected 9 features for images \(1, 3, 3\), got 12"):
        CNNClassifier(image_shape=(3, 3)).fit(x, y)


def test_images_of_another_shape_are_refused():
    fitted = CNNClassifier(epochs=1).fit(X.reshape(-1, 8, 8), Y)
    with pytest.raises(ValueError, match=r"expected images \(1, 8, 8\), as in fit, got \(1, 4, 16\)"):
        fitted.predict(X.reshape(-1, 4, 16))
    with pytest.raises(ValueError, match="expecting 64 features"):
        fitted.predict(X.reshape(-1, 8, 8)[:, :7])


def test_networks_have_names_or_are_functions():
    train, _ = data.digits()
    images, labels = train.images[:200], train.labels[:200]
    fitted = CNNClassifier("lenet5", epochs=1).fit(images, labels)
    assert repr(fitted.model_) == repr(models.lenet5(len(fitted.classes_)))
    assert repr(CNNClassifier(narrow, epochs=1).fit(X, Y).model_) == repr(narrow(10))


@pytest.mark.parametrize("options", [{"model": "lenet6"}, {"optimizer": "newton"}, {"schedule": "sometimes"}])
def test_unknown_names_are_refused_in_fit(options):
    (parameter, name), = options.items()
    with pytest.raises(ValueError, match=f"expected {parameter} to be one of .*, got '{name}'"):
        CNNClassifier(**options).fit(FEW, FEW_LABELS)


def test_the_random_state_decides_everything():
    def fitted(state, augment=None):
        return CNNClassifier(epochs=2, random_state=state, augment=augment).fit(FEW, FEW_LABELS).predict_proba(FEW)

    augment = data.Augmentation(shift=1, mixup=0.2)
    np.testing.assert_array_equal(fitted(3), fitted(3))
    np.testing.assert_array_equal(fitted(3, augment), fitted(3, augment))
    np.testing.assert_array_equal(fitted(np.random.RandomState(5)), fitted(np.random.RandomState(5)))
    assert not np.array_equal(fitted(3), fitted(4))
    assert not np.array_equal(fitted(3), fitted(3, augment))


def test_an_optimizer_may_be_given_as_such():
    momentum = fc.optim.SGD(lr=0.01, momentum=0.9)
    one = CNNClassifier(epochs=2, optimizer=momentum).fit(FEW, FEW_LABELS)
    other = CNNClassifier(epochs=2, optimizer="momentum", lr=0.01).fit(FEW, FEW_LABELS)
    np.testing.assert_array_equal(one.predict_proba(FEW), other.predict_proba(FEW))


def test_a_pickle_holds_the_network_as_safetensors():
    fitted = CNNClassifier(epochs=2).fit(FEW, FEW_LABELS)
    assert isinstance(fitted.__getstate__()["model_"], bytes)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(FEW), fitted.predict_proba(FEW))
    assert again.loss_curve_ == fitted.loss_curve_
    assert again.get_params() == fitted.get_params()
    with pytest.raises(CheckpointError, match="cannot be read as a model"):
        again.__setstate__(fitted.__getstate__() | {"model_": b"nothing"})


def test_a_clone_is_not_fitted():
    with pytest.raises(NotFittedError):
        clone(CNNClassifier(epochs=1).fit(FEW, FEW_LABELS)).predict(FEW)


def test_without_scikit_learn_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    monkeypatch.delitem(sys.modules, "fastconv.sklearn")
    with pytest.raises(ImportError, match=r'pip install "fastconv\[sklearn\]"'):
        importlib.import_module("fastconv.sklearn")


def test_an_augmentation_by_name_is_refused_with_what_makes_one():
    with pytest.raises(TypeError, match=r"data\.parse_augmentation\('digits'\)"):
        CNNClassifier(augment="digits", epochs=1).fit(np.zeros((4, 8, 8), np.uint8), [0, 1, 0, 1])
