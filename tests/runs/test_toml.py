import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.runs.toml import to_toml

TEXT = st.text(st.characters(codec="utf-8"))
PLAIN = st.one_of(TEXT, st.booleans(), st.integers(-2**63, 2**63 - 1), st.floats(allow_nan=False))
VALUES = st.one_of(PLAIN, st.lists(PLAIN, max_size=3))
TABLES = st.dictionaries(TEXT, VALUES, max_size=5)


@given(st.dictionaries(TEXT, st.one_of(VALUES, TABLES), max_size=6))
def test_what_is_written_is_read_again(table):
    assert tomllib.loads(to_toml(table)) == table


def test_none_is_left_out():
    assert to_toml({"a": None, "b": 1, "t": {"c": None, "d": 2.5}}) == "b = 1\n\n[t]\nd = 2.5\n"


def test_what_toml_cannot_say_is_refused():
    with pytest.raises(TypeError, match="TOML has no ndarray"):
        to_toml({"a": np.zeros(2)})
