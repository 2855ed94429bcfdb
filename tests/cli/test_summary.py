import json

import pytest

from fastconv.models import MODELS

# By hand: (kernel area × input channels) × outputs; a bias costs no multiplication.
LENET5_MULTIPLY_ADDS = 25 * 6 * 28 * 28 + 25 * 6 * 16 * 10 * 10 + 400 * 120 + 120 * 84 + 84 * 10
LENET5_PARAMETERS = 26 * 6 + (25 * 6 + 1) * 16 + 401 * 120 + 121 * 84 + 85 * 10


def test_summary_of_lenet5_is_the_default(run):
    document = json.loads(run("summary", "--json").stdout)
    assert document["model"] == "lenet5"
    assert document["input_shape"] == [1, 28, 28]
    assert document["parameters"] == LENET5_PARAMETERS
    assert document["multiply_adds"] == LENET5_MULTIPLY_ADDS
    assert document["layers"][-1]["output_shape"] == [10]
    assert sum(layer["parameters"] for layer in document["layers"]) == LENET5_PARAMETERS


#: What networks are for that are not for digits.
IMAGES = {"resnet8": "3×32×32", "resnet20": "3×32×32", "se_resnet20": "3×32×32", "ds_cnn": "1×49×10",
          "mobilenet_v1": "3×96×96", "shufflenet_v2": "3×224×224", "se_shufflenet_v2": "3×224×224"}


@pytest.mark.parametrize("model", list(MODELS))
def test_every_model_has_a_table_with_totals(run, model):
    result = run("summary", model)
    assert result.exit_code == 0
    assert f"{model}, images {IMAGES.get(model, '1×28×28')}" in result.stdout
    assert "total" in result.stdout


def test_a_saved_file_is_summarised(run, model_file):
    assert json.loads(run("summary", model_file, "--json").stdout)["parameters"] == LENET5_PARAMETERS


def test_images_that_do_not_fit_are_an_error_that_names_the_layer(run):
    result = run("summary", "--input", 3, 28, 28)
    assert result.exit_code == 1
    assert 'Conv2d "0"' in result.stderr
