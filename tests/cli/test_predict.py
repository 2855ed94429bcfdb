import json

import numpy as np
import pytest

import fastconv as fc


@pytest.fixture(scope="module")
def images():
    return fc.data.digits()[0].images[:3]


def predictions(run, *arguments):
    result = run("predict", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["predictions"]


def test_predictions_are_the_models_most_probable_classes(run, model_file, images, tmp_path):
    np.save(tmp_path / "digits.npy", images)
    model = fc.load(model_file)
    expected = fc.functional.softmax(model(images))
    found = predictions(run, model_file, tmp_path / "digits.npy", "--top", 10)
    assert [each["image"] for each in found] == [0, 1, 2]
    assert [each["class"] for each in found] == [model.classes[label] for label in expected.argmax(1)]
    for each, row in zip(found, expected, strict=True):
        shares = list(each["probabilities"].values())
        assert shares == sorted(shares, reverse=True)
        np.testing.assert_allclose([each["probabilities"][name] for name in model.classes], row, rtol=1e-5)


def test_a_model_that_ends_in_softmax_is_not_given_another(run, model_file, images, tmp_path):
    np.save(tmp_path / "digits.npy", images)
    model = fc.load(model_file)
    ends = fc.nn.Sequential(model, fc.nn.Softmax())
    ends.set_images(model.mean, model.std, model.classes, model.input_shape)
    fc.save(ends, tmp_path / "ends.safetensors")
    one = predictions(run, model_file, tmp_path / "digits.npy")
    other = predictions(run, tmp_path / "ends.safetensors", tmp_path / "digits.npy")
    assert [each["probabilities"] for each in other] == [pytest.approx(each["probabilities"]) for each in one]


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (1, 1, 28, 28)])
def test_an_array_may_leave_out_leading_axes(run, model_file, images, tmp_path, shape):
    np.save(tmp_path / "digit.npy", images[0].reshape(shape))
    (found,) = predictions(run, model_file, tmp_path / "digit.npy")
    assert len(found["probabilities"]) == 3


def test_a_picture_gives_what_its_array_gives(run, model_file, images, tmp_path):
    image = pytest.importorskip("PIL.Image")
    np.save(tmp_path / "digit.npy", images[0])
    image.fromarray(images[0, 0]).save(tmp_path / "digit.png")
    image.fromarray(255 - images[0, 0]).save(tmp_path / "paper.pgm")
    (array,) = predictions(run, model_file, tmp_path / "digit.npy")
    (png,) = predictions(run, model_file, tmp_path / "digit.png")
    (paper,) = predictions(run, model_file, tmp_path / "paper.pgm", "--invert")
    assert png["probabilities"] == paper["probabilities"] == array["probabilities"]


def test_predictions_in_words_name_file_and_image(run, model_file, images, tmp_path):
    np.save(tmp_path / "one.npy", images[0])
    np.save(tmp_path / "three.npy", images)
    result = run("predict", model_file, tmp_path / "one.npy", tmp_path / "three.npy", "--top", 1)
    assert result.exit_code == 0, result.output
    one, first, _, third = result.stdout.splitlines()
    assert one.startswith(f"{tmp_path / 'one.npy'}: ")
    assert first.startswith(f"{tmp_path / 'three.npy'}[0]: ")
    assert third.startswith(f"{tmp_path / 'three.npy'}[2]: ")
    assert one.endswith("%)")


def test_no_file_is_wrong_usage(run, model_file):
    result = run("predict", model_file)
    assert result.exit_code == 2
    assert "FILES" in result.stderr
