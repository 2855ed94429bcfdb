import json
import sys

import pytest

from fastconv_bench.machine import Machine
from fastconv_bench.report import Report, Row, workloads
from fastconv_bench.timing import Times


def report(milliseconds):
    """A report as of a machine with a peak of 100 GFLOP/s; NumPy takes 30 ms."""
    times = {"fastconv": Times(milliseconds / 1e3, milliseconds / 1e3, 0.01), "NumPy": Times(0.03, 0.03, 0.01)}
    row = Row("LeNet-5 training step", images=128, flop=1.5e8, bytes=0.0, times=times)
    return Report("0.1.0", False, Machine("a CPU", 2, 6e10, 1e11, 2e10), (row,))


@pytest.fixture
def measured(monkeypatch):
    """Has measurements end at once, with a training step of some milliseconds; returns what was asked of them."""
    asked = []

    def measure(milliseconds):
        def fake(quick, threads, progress):
            progress("a workload")
            asked.append((quick, threads))
            return report(milliseconds)

        monkeypatch.setattr("fastconv_bench.report.run", fake)
        return asked

    return measure


def failed(result, *messages):
    """Asserts that a command failed with one line on standard error that contains every message."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    for message in messages:
        assert message in line


def test_the_table_has_the_machine_the_figures_and_what_they_mean(run, measured):
    asked = measured(3)
    result = run("bench", "--threads", 2)
    assert result.exit_code == 0, result.output
    assert asked == [(False, 2)]
    shown = " ".join(result.stdout.split())
    for text in ("a CPU, 2 threads", "peak 100 GFLOP/s (60 on one core)", "memory 20 GB/s", "3,000 µs", "42,667",
                 "50 GFLOP/s", "50%", "10.0×", "× says how many times longer"):
        assert text in shown


def test_json_has_the_times_and_the_figures_that_follow_from_them(run, measured):
    asked = measured(3)
    result = run("bench", "--quick", "--json")
    assert result.exit_code == 0, result.output
    assert [quick for quick, _ in asked] == [True]
    (workload,) = json.loads(result.stdout)["workloads"]
    assert workload["images_per_second"] == pytest.approx(128 / 0.003)
    assert workload["gflops"] == pytest.approx(50)
    assert workload["share_of_limit"] == pytest.approx(0.5)
    assert workload["ratios"] == {"NumPy": pytest.approx(10)}


@pytest.mark.parametrize(("milliseconds", "verdict"), [(6, "slower"), (3, ""), (1, "faster")])
def test_a_saved_report_shows_what_has_changed_since(run, measured, tmp_path, milliseconds, verdict):
    measured(3)
    assert run("bench", "--save", tmp_path / "old.json").exit_code == 0
    measured(milliseconds)
    result = run("bench", "--compare", tmp_path / "old.json", "--json")
    assert result.exit_code == 0, result.output
    (change,) = json.loads(result.stdout)["changes"]
    assert change == {"workload": "LeNet-5 training step", "ratio": pytest.approx(milliseconds / 3), "verdict": verdict}
    assert verdict in run("bench", "--compare", tmp_path / "old.json").stdout


def test_a_saved_report_is_the_printed_document(run, measured, tmp_path):
    measured(3)
    result = run("bench", "--save", tmp_path / "report.json", "--json")
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(result.stdout)


def test_a_plot_is_a_picture(run, measured, tmp_path):
    pytest.importorskip("matplotlib")
    measured(3)
    assert run("bench", "--plot", tmp_path / "plot.png").exit_code == 0
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"machine": {"peak": "high"}}', '{"machine": {"peak": 1}}'])
def test_what_is_no_report_is_refused_before_measuring(run, measured, tmp_path, content):
    asked = measured(3)
    (tmp_path / "old.json").write_text(content)
    failed(run("bench", "--compare", tmp_path / "old.json"), "old.json", "not a report saved by fastconv bench")
    assert asked == []


def test_a_report_that_does_not_exist_is_refused_before_measuring(run, measured, tmp_path):
    asked = measured(3)
    failed(run("bench", "--compare", tmp_path / "none.json"), "none.json", "No such file")
    assert asked == []


@pytest.mark.parametrize("option", ["--save", "--plot"])
def test_an_unwritable_file_is_refused_before_measuring(run, measured, tmp_path, option):
    asked = measured(3)
    (tmp_path / "folder.png").mkdir()
    failed(run("bench", option, tmp_path / "missing" / "file.png"), "cannot be written")
    failed(run("bench", option, tmp_path / "folder.png"), "expected a file, found a folder")
    assert asked == []


def test_an_existing_file_is_kept_when_the_report_cannot_be_measured(run, measured, tmp_path):
    asked = measured(3)
    path = tmp_path / "report.json"
    path.write_text("precious")
    failed(run("bench", "--save", path, "--plot", tmp_path / "missing" / "plot.png"), "cannot be written")
    assert asked == []
    assert path.read_text() == "precious"


@pytest.mark.parametrize("damage", [lambda content: content[:-10], lambda content: content.replace(b"{", b"["),
                                    lambda content: content[:50] + b"\xff" + content[50:]],
                         ids=["cut short", "other brackets", "no text"])
def test_a_damaged_report_is_refused_before_measuring(run, measured, tmp_path, damage):
    asked, path = measured(3), tmp_path / "old.json"
    path.write_bytes(damage(json.dumps(report(3).to_dict()).encode()))
    failed(run("bench", "--compare", path, "--save", tmp_path / "new.json"), "old.json", "not a report saved by")
    assert asked == []
    assert not (tmp_path / "new.json").exists()


def test_a_folder_is_no_report(run, measured, tmp_path):
    asked = measured(3)
    failed(run("bench", "--compare", tmp_path), str(tmp_path))
    assert asked == []


def test_a_plot_without_matplotlib_is_refused_before_measuring(run, measured, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    asked = measured(3)
    failed(run("bench", "--plot", tmp_path / "plot.png"), "plot.png", 'pip install "fastconv[plots]"')
    assert asked == []


def test_a_plot_of_an_unknown_format_is_wrong_usage(run, measured, tmp_path):
    asked = measured(3)
    result = run("bench", "--plot", tmp_path / "plot.txt")
    assert result.exit_code == 2
    assert "plot.txt: expected a name that ends in .png, .svg or .pdf" in result.stderr
    assert asked == []


@pytest.mark.slow
def test_a_quick_run_measures_every_workload_of_fastconv_and_numpy_and_a_second_is_compared_with_it(run, tmp_path):
    path, names = tmp_path / "report.json", [each.name for each in workloads()]
    result = run("bench", "--quick", "--json", "--save", path)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [each["workload"] for each in document["workloads"]] == names
    assert document["machine"]["peak"] >= document["machine"]["peak_one_core"] > 0
    for each in document["workloads"]:
        assert each["times"]["fastconv"]["best"] > 0
        alone = "10 M parameters" in each["workload"] or each["workload"].startswith(("resnet8", "ds_cnn"))
        assert alone or each["ratios"]["NumPy"] > 0
    assert json.loads(path.read_text()) == document
    second = run("bench", "--quick", "--json", "--compare", path)
    assert second.exit_code == 0, second.output
    changes = json.loads(second.stdout)["changes"]
    assert [each["workload"] for each in changes] == names
    for each in changes:
        assert each["ratio"] > 0
        assert each["verdict"] in ("slower", "", "faster")
