from importlib.metadata import version

from fastconv.runs.environment import DECISIVE, differences, environment


def test_the_environment_has_versions_the_system_and_the_processor():
    found = environment()
    assert found["numba"] == version("numba")
    assert set(DECISIVE) | {"python", "system", "cpu"} == found.keys()
    assert all(found.values())


def test_only_what_can_change_bits_is_a_difference():
    now = environment()
    assert differences(now, now) == []
    assert differences({**now, "python": "2.7", "numpy": "1.0"}, now) == [f"numpy was 1.0, is {now['numpy']}"]
    assert differences({}, now) == []
