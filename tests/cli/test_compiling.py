import numba

from fastconv_cli.compiling import announce_compiling

LINE = "Preparing kernels for this machine (compiled once, then cached)...\n"


def test_the_first_compilation_is_announced_and_no_further_one(capsys):
    with announce_compiling():
        for summand in (1, 2):
            numba.njit(lambda x, summand=summand: x + summand)(1)
    assert capsys.readouterr() == ("", LINE)


def test_nothing_is_announced_where_nothing_is_compiled(capsys):
    double = numba.njit(lambda x: 2 * x)
    double(1)
    with announce_compiling():
        double(2)
    assert capsys.readouterr() == ("", "")
    numba.njit(lambda x: 3 * x)(1)
    assert capsys.readouterr() == ("", "")
