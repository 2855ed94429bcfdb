import math

from fastconv_cli.sparkline import ASCII_LEVELS, Curve, sparkline


def test_the_lowest_and_the_highest_value_have_the_lowest_and_the_highest_level():
    assert sparkline([0, 7, 3.5]) == "▁█▅"
    assert sparkline([1, 1]) == "▁▁"
    assert sparkline([0, 7], ASCII_LEVELS) == "_#"


def curve(*values, width=8, logarithmic=False):
    made = Curve(width, logarithmic)
    for place, value in values:
        made.add(place, value)
    return made


def test_values_stand_where_they_belong_and_nothing_comes_after_the_last():
    assert curve((0.0, 0.0), (0.125, 1.0)).text() == "▁█"
    assert curve((0.5, 0.0), (0.99, 1.0)).text() == "    ▁▁▁█"


def test_values_in_one_place_are_averaged():
    assert curve((0.0, 0.0), (0.01, 2.0), (0.2, 0.0), (0.3, 2.0)).text() == "▅▁█"


def test_a_logarithmic_curve_shows_ratios():
    assert curve((0.0, 1.0), (0.13, 0.1), (0.26, 0.01), logarithmic=True).text() == "█▅▁"
    assert curve((0.0, 1.0), (0.13, 0.0), logarithmic=True).text() == "█▁"


def test_what_is_no_number_has_no_height_but_is_the_last_value():
    made = curve((0.0, 1.0), (0.2, math.nan))
    assert made.text() == "▁"
    assert math.isnan(made.last)
    assert curve().text() == ""
