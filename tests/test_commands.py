"""Commands about results that are there: plot, report, export, merge, status, noise; in process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_sweeps import compute

from qucnn_cirq.cli import main
from studies.commands.described import WIDTH
from studies.preset_files import presets
from studies.sweep.catalogue import load_study
from studies.sweep.described import settings_of
from studies.sweep.plan import make_plan
from studies.sweep.results import load
from studies.sweep.store import open_folder

SETTINGS = (
    "images=1",
    "device=grid:3x3",
    "convolution.kernel=[2, 2]",
    "convolution.stride=8",
    "convolution.filters={kind = 'ansatz', layers = 1}",
    "shots=[10, 100]",
    "noise.scale=1.0",
    "repeat=[0, 1]",
    "check_fraction=0.0",
)


def measured(folder: Path, part: slice = slice(None)) -> Path:
    kind, document = load_study("shots", SETTINGS)
    plan = make_plan(kind, document)
    open_folder(folder, plan)
    if part != slice(0):
        assert not compute(plan, folder, plan.points[part])
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measured(tmp_path_factory.mktemp("commands") / "results")


def test_plot_draws_again_and_says_where(results: Path, capsys: Any) -> None:
    assert main(["plot", str(results)]) == 0
    files = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert {file.stem for file in files} == {"error_against_shots", "device_map"}
    assert all(file.is_file() for file in files)
    drawn = pd.read_csv(results / "error_against_shots.csv")
    assert list(drawn["shots"]) == [10, 100] and set(drawn["repetitions"]) == {2}
    assert main(["plot", str(results), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"] == [file.stem for file in files]


def test_plot_and_export_need_measured_points(tmp_path: Path, capsys: Any) -> None:
    empty = measured(tmp_path / "empty", slice(0))
    for arguments in (["plot"], ["export", "--out", str(tmp_path / "table.csv")]):
        assert main([arguments[0], str(empty), *arguments[1:]]) == 2
        error = capsys.readouterr().err
        assert "no measured points yet" in error and error.count("\n") == 1


@pytest.mark.parametrize(("suffix", "read"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet)])
def test_export_writes_the_table(
    suffix: str, read: Any, results: Path, tmp_path: Path, capsys: Any
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="needs the extra [parquet]")
    table, file = load(results), tmp_path / f"table{suffix}"
    assert main(["export", str(results), "--out", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"rows": 4, "file": str(file)}
    pd.testing.assert_frame_equal(read(file), table, check_dtype=False)


def test_export_says_how_much_it_wrote(results: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["export", str(results), "--out", str(tmp_path / "again.csv")]) == 0
    assert capsys.readouterr().out == f"4 rows in {tmp_path / 'again.csv'}\n"


@pytest.mark.parametrize(
    ("file", "words"),
    [("table.txt", ".csv or .parquet"), ("folder.csv", "is a folder"), ("no/t.csv", "no folder")],
)
def test_export_refuses_files_that_cannot_be(
    file: str, words: str, results: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert main(["export", str(results), "--out", str(tmp_path / file)]) == 2
    assert words in capsys.readouterr().err


def test_merging_shards_gives_the_whole_table(results: Path, tmp_path: Path, capsys: Any) -> None:
    shards = [str(measured(tmp_path / f"{n}", slice(n, None, 2))) for n in (0, 1)]
    target = tmp_path / "whole"
    assert main(["merge", shards[0], "--out", str(target)]) == 0
    assert "2 of 4 points done" in capsys.readouterr().out
    assert main(["merge", *shards, "--out", str(target), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["done"] == 4 and "error_against_shots" in summary["figures"]
    columns = ["point", "rmse", "bias"]
    pd.testing.assert_frame_equal(load(target)[columns], load(results)[columns])


def test_status_says_how_far_a_sweep_is(results: Path, capsys: Any) -> None:
    assert main(["status", str(results)]) == 0
    assert "4 of 4 points done" in capsys.readouterr().out
    assert main(["status", str(results), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == 0


def test_a_report_holds_all_rows_and_compares_means(results: Path, capsys: Any) -> None:
    assert main(["report", str(results), "--title", "Shots", "--author", "A. B.", "--json"]) == 0
    page = Path(json.loads(capsys.readouterr().out)["report"]).read_text()
    assert "<h1>Shots</h1>" in page and "A. B. \N{MIDDLE DOT} qucnn_cirq" in page
    table = load(results)
    (content,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    rows = json.loads(content)["rows"]
    assert len(rows) == len(table)
    for row, value in zip(rows, table["rmse"], strict=True):
        assert any(cell == pytest.approx(value, rel=1e-5) for cell in row if cell is not None)
    means = [table.loc[table["shots"] == shots, "rmse"].mean() for shots in (10, 100)]
    assert f"falls from {means[0]:.3g} [" in page and f"] to {means[1]:.3g} [" in page


def test_noise_is_listed_and_calibrations_are_written(tmp_path: Path, capsys: Any) -> None:
    assert main(["noise"]) == 0
    assert "willow_pink" in capsys.readouterr().out
    assert main(["noise", "--json"]) == 0
    assert {"name", "description", "noise"} == set(json.loads(capsys.readouterr().out)[0])
    file = tmp_path / "calibration.toml"
    assert main(["noise", "--export", "willow_pink", str(file)]) == 0
    assert capsys.readouterr().out.strip() == str(file) and file.stat().st_size > 1000
    assert main(["noise", "--export", "grid:3x3", str(file)]) == 2
    assert "has no calibration" in capsys.readouterr().err


def test_what_reads_results_starts_without_cirq_and_pandas(results: Path, tmp_path: Path) -> None:
    verbs = (
        ["status", str(results)],
        ["export", str(results), "--out", str(tmp_path / "table.csv")],
        ["study", "--list"],
        ["merge", str(tmp_path / "absent"), "--out", str(tmp_path / "merged")],
    )
    program = (
        "import sys; from qucnn_cirq.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'cirq', 'pandas', 'matplotlib', 'scipy'} & set(sys.modules); "
        "print(sorted(heavy), code, file=sys.stderr)"
    )
    for verb in verbs:
        done = subprocess.run(
            [sys.executable, "-c", program, *verb], capture_output=True, text=True, check=True
        )
        assert done.stderr.splitlines()[-1] == f"[] {2 if verb[0] == 'merge' else 0}"


def test_an_exported_table_is_the_one_that_is_loaded(results: Path, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    assert main(["export", str(results), "--out", str(file)]) == 0
    pd.testing.assert_frame_equal(
        pd.read_csv(file, float_precision="round_trip"), load(results), check_dtype=False
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_studies_are_listed_with_what_they_do(
    terminal: bool, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert main(["study", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(presets())
    assert all(len(line.split()) > 4 for line in lines)
    # A pipe gets whole lines.
    assert all(len(line) <= WIDTH for line in lines) == terminal
    assert any(line.endswith(" ...") for line in lines) == terminal
    assert main(["columns", "systems"]) == 0
    meanings = capsys.readouterr().out.splitlines()
    assert any(line.startswith(" ") for line in meanings) == terminal
    assert main(["study", "--list", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == list(presets())
    assert main(["study"]) == 2
    assert "qucnn study --list" in capsys.readouterr().err


@pytest.mark.parametrize("preset", presets())
def test_the_help_of_a_study_tells_all_its_settings(preset: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["study", preset, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    study, document = load_study(preset)
    settings = settings_of(study)
    assert [setting.key for setting in settings] == [
        key for key in study.settings.study_keys() if key in {each.key for each in settings}
    ]
    assert {setting.key for setting in settings} == set(study.study_keys)
    assert all(f"\n  {setting.key} = " in out and setting.meaning for setting in settings)
    for key in (*document.get("axes", {}), *document.get("zip", {})):
        assert f"\n  {key} = " in out


def test_the_help_of_a_study_that_there_is_not_names_those_there_are(capsys: Any) -> None:
    assert main(["study", "forwards", "--help"]) == 2
    assert "Did you mean 'forward'?" in capsys.readouterr().err


def test_columns_are_explained(results: Path, capsys: Any) -> None:
    assert main(["columns", "shots", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(load(results).columns) - {"shots", "repeat"} <= set(told)
    assert main(["columns", "shots"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name} " in out for name in told)
