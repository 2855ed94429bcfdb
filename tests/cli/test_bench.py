import json

import pytest


@pytest.mark.slow
def test_bench_prints_one_json_document(run):
    result = run("bench", "--quick", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)
