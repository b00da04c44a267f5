"""The budget study and `qucnn budget`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import sweep_in_process
from matplotlib.figure import Figure

from qucnn_cirq import error_budget
from qucnn_cirq.cli import main
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.devices import load_device
from qucnn_cirq.drawing.share_map import plot_share_map, share_limit
from qucnn_cirq.drawing.theme import theme
from studies.budget import figures
from studies.budget.figures import draw, text
from studies.commands.budget import budget_document
from studies.point import program_of
from studies.runs.results import read_results
from studies.runs.run import configured
from studies.sweep.catalogue import load_study
from studies.sweep.plan import make_plan

SMALL = ["images=1", "convolution.kernel=[2, 2]", "convolution.stride=6",
         "convolution.filters={kind='fixed', values=[1, 2, 3, -1]}"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("budget") / "results"
    kind, document = load_study("budget", SMALL)
    sweep_in_process(kind, document, path)
    return path


def test_rows_add_up_to_the_error_of_their_point(folder: Path) -> None:
    table = read_results(folder).table()
    kind, document = load_study("budget", SMALL)
    images = load_mnist("train", 1).images
    for point in make_plan(kind, document).points:
        own = table[table["convolution.overlap"] == point.values["convolution.overlap"]]
        budget = error_budget(program_of(point.settings), "willow_pink", images)
        assert own["square"].sum() == pytest.approx(budget.rms**2, rel=1e-8)
        assert own["bias"].sum() == pytest.approx(budget.bias, rel=1e-7)
        assert own["share"].sum() == pytest.approx(1)
        assert (own["rms"] == own["rms"].iloc[0]).all()
        readout = own[own["stage"] == "readout"].iloc[0]
        assert readout["rms_without_stage"] == pytest.approx(budget.rms_without(stage="readout"))
        errors = read_results(folder).arrays(point.identity)["errors"]
        assert np.allclose(errors, budget.errors, atol=1e-14)


def test_figures_have_their_numbers_beside_them(folder: Path, tmp_path: Path) -> None:
    results = read_results(folder)
    with theme():
        names = draw(results, tmp_path)
    assert names == ["budget", "budget_map", "budget_improvement"]
    for name in names:
        for suffix in ("png", "csv"):
            assert (tmp_path / f"{name}.{suffix}").stat().st_size > 100
    shown = text(results)
    assert shown.count("by stage:") == 3 and "overlap ancilla" in shown


def test_many_points_are_drawn_on_several_pages_that_say_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales = [0.2 * number for number in range(1, 14)]
    kind, document = load_study(
        "budget", [*SMALL, "convolution.overlap=inversion", f"noise.scale={scales}"]
    )
    sweep_in_process(kind, document, tmp_path / "sweep")
    results = read_results(tmp_path / "sweep")
    notes: dict[str, tuple[str, int]] = {}
    save = figures.save_drawn

    def noted(figure: Figure, data: Any, folder: Path, name: str) -> None:
        notes[name] = (
            figure.get_suptitle(),
            sum(bool(axes.get_title("left")) for axes in figure.axes),
        )
        save(figure, data, folder, name)

    monkeypatch.setattr(figures, "save_drawn", noted)
    with theme():
        names = draw(results, tmp_path)
    assert names[3:6] == ["budget_2", "budget_map_2", "budget_improvement_2"] and len(names) == 9
    assert notes["budget"] == ("points 1 to 6 of 13, in the order of the sweep", 6)
    assert notes["budget_map_3"] == ("point 13 of 13, in the order of the sweep", 1)
    shown = pd.concat(pd.read_csv(tmp_path / f"{name}.csv") for name in names[::3])
    assert np.allclose(sorted(shown["noise.scale"].unique()), scales)
    # Of still more points some are drawn, from one end of the sweep to the other.
    assert figures.drawn_numbers(7) == list(range(7))
    some = figures.drawn_numbers(100)
    assert (some[0], some[-1], len(some)) == (0, 99, 24) and set(np.diff(some)) == {4, 5}


def test_findings_name_the_largest_shares(folder: Path) -> None:
    lines = read_results(folder).findings()
    assert len(lines) == 3
    assert lines[0].startswith("Overlap inversion: the RMS error is ")
    assert all("readout" in line and "without)" in line for line in lines)


def test_a_map_says_shares_in_the_discs() -> None:
    shares = {"4,4": 0.6, "4,5": -0.2, "4,4:4,5": 0.6}
    with theme("white"):
        axes = Figure(figsize=(3, 3)).subplots()
        plot_share_map(axes, load_device("willow_pink"), shares, share_limit([shares]))
    assert {each.get_text() for each in axes.texts} == {"60", "\N{MINUS SIGN}20"}


def test_the_command_prints_one_point(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [each for setting in SMALL for each in ("--set", setting)]
    command = ["budget", "noise", "--set", "noise.scale=1.0", *chosen]
    command += ["--set", "convolution.overlap=inversion"]
    assert main(command) == 0
    found = capsys.readouterr()
    assert "by mechanism: " in found.out and "readout.p10 = 0.03" in found.out
    (line,) = (line for line in found.err.splitlines() if "no such setting" in line)
    assert "repeat" in line and "shots" in line
    assert main([*command, "--json", "--quiet"]) == 0
    found = capsys.readouterr()
    data: dict[str, Any] = json.loads(found.out)
    assert found.err == ""
    assert sum(row["share"] for row in data["stage"]) == pytest.approx(1)
    assert {row["key"] for row in data["rates"]} >= {"depolarizing.p2", "readout.p01", "scale"}


def test_a_file_of_a_layer_alone_has_a_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = tmp_path / "layer.toml"
    tables = "[convolution]\nkernel = [2, 2]\noverlap = 'inversion'\nstride = 6\n"
    tables += "filters = { kind = 'fixed', values = [1, 2, 3, -1] }\n"
    layer.write_text(f"{tables}[noise]\nreadout = {{ p01 = 0.01, p10 = 0.02 }}\n")
    command = ["budget", str(layer), "--set", "images=1", "--json"]
    assert main(command) == 0
    alone = json.loads(capsys.readouterr().out)
    layer.write_text(f"{layer.read_text()}[study]\nimages = 1\nname = 'budget'\n")
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == alone
    layer.write_text(f"{tables}[study]\nimages = 1\n")
    assert main([*command, "--set", "noise.readout={p01 = 0.01, p10 = 0.02}"]) == 0
    assert json.loads(capsys.readouterr().out) == alone
    assert main(command) == 2
    assert "without noise there is no error" in capsys.readouterr().err
    layer.write_text("[noise]\ndepolarizing = { p2 = 0.01 }\n")
    assert main(command) == 2
    assert "has no table [convolution] and names no study" in capsys.readouterr().err
    layer.write_text(f"{tables}[study]\nname = 3\n")
    assert main(command) == 2


def test_points_without_noise_are_left_out() -> None:
    _, document = configured("accuracy")
    own, left, ideal = budget_document(document, ("images",))
    assert own["axes"]["noise.scale"] == [0.3, 1.0, 3.0, 10.0, 30.0]
    assert (set(left) & set(document["axes"]), ideal) == (set(), ["noise.scale = 0.0"])
    table = {"shots": [1, 2, 3, 1], "noise.scale": [1.0, 1.0, 0.0, 2.0]}
    given = {"study": {}, "zip": table, "axes": {"noise": ["ideal", "willow_pink", {}]}}
    own, left, ideal = budget_document(given, ("images",))
    assert own["zip"] == {"noise.scale": [1.0, 2.0]} and left == ["shots"]
    assert own["axes"] == {"noise": ["willow_pink"]}
    assert ideal == ["noise = 'ideal'", "noise = {}", "noise.scale = 0.0"]


def test_the_command_runs_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [each for setting in SMALL for each in ("--set", setting)]
    chosen += ["--set", "noise.scale=[0.5, 1.0]", "--set", "convolution.overlap=inversion"]
    assert main(["budget", "noise", *chosen, "--out", str(tmp_path / "b"), "--quiet"]) == 0
    table = read_results(tmp_path / "b").table()
    assert sorted(set(table["noise.scale"])) == [0.5, 1.0]
    assert "largest places" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["noise", *(each for setting in SMALL for each in ("--set", setting))], "60 points"),
        (["forward", "--set", "noise={}"], "no error to share out"),
        (["forward", "--set", "device=nowhere"], "nowhere"),
        (["nothing"], "nothing"),
    ],
)
def test_the_command_refuses_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["budget", *arguments, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
