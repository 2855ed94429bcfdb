import numba

from fastconv.kernels import cache
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


def test_it_is_said_where_nothing_can_be_kept(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "folders", lambda: [tmp_path / "file" / "kernels"])
    with announce_compiling():
        numba.njit(lambda x: 4 * x)(1)
    assert capsys.readouterr() == ("", (
        "Preparing kernels for this machine (anew in each process: no folder for compiled kernels can be written "
        f"({tmp_path / 'file' / 'kernels'}); set NUMBA_CACHE_DIR to one that can)...\n"))
