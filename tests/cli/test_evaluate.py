import json

import pytest

import fastconv as fc


def test_evaluate_prints_what_the_library_measures(run, model_file, digits):
    _, test = fc.data.mnist(digits)
    trainer = fc.Trainer(fc.load(model_file), fc.optim.SGD(lr=1.0), loss=fc.nn.CrossEntropyLoss())
    result = run("evaluate", model_file, "--data", digits, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document.pop("model") == str(model_file)
    assert document == pytest.approx({"images": 200, **trainer.evaluate(test)})


def test_evaluate_in_words(run, model_file, digits):
    result = run("evaluate", model_file, "--data", digits)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Test accuracy ")
    assert result.stdout.endswith(" on 200 images\n")


def test_the_embedded_digits_are_the_default(run, model_file):
    assert run("evaluate", model_file).stdout.endswith(" on 1,000 images\n")
