"""The loading study: shorter loaders under noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import sweep_in_process

from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from studies.loading.figures import draw, draw_loading, gains
from studies.loading.study import LoadingPoint
from studies.sweep.catalogue import load_study
from studies.sweep.results import read_results

SETTINGS = ["images=2", "infidelity=[0.0, 1e-3, 'auto']", "check_shots=100"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loading") / "results"
    kind, document = load_study("loading", SETTINGS)
    sweep_in_process(kind, document, path)
    return path


@pytest.fixture(scope="module")
def table(folder: Path) -> pd.DataFrame:
    return gains(read_results(folder)).set_index("infidelity")


def test_exact_loading_takes_four_gates_and_errs_by_noise_alone(table: pd.DataFrame) -> None:
    exact = table.loc[0.0]
    assert exact.loader_gates == pytest.approx(4, abs=0.1)
    assert exact.largest_infidelity < 1e-18
    assert exact.error_without_noise < 1e-10
    assert exact.error > 1e-3
    assert exact.gain == 0


def test_a_budget_is_kept_and_pays(table: pd.DataFrame) -> None:
    within, auto = table.loc[0.001], table.loc["auto"]
    assert within.largest_infidelity <= 1e-3
    assert within.loader_gates < 4.5
    assert 0 < within.error_without_noise < 2e-3
    assert within.error < table.loc[0.0].error
    assert auto.error <= within.error
    assert within.gain == pytest.approx(table.loc[0.0].error - within.error)
    assert (table.gain_standard_error.iloc[1:] > 0).all()
    assert (table.root_mean_square_error >= table.error).all()
    assert (table.check_items == 1).all()


def test_numbers_do_not_change_unseen(table: pd.DataFrame) -> None:
    columns = ["error", "error_without_noise", "loader_gates", "gain_standard_error"]
    expected = [
        [0.0157918000533228, 0.0, 3.97097242380261, 0.0],
        [0.0156367746221991, 0.000364512259095374, 3.56603773584906, 0.000164512513997717],
        [0.0155063313459191, 0.000313666673078638, 3.18577648766328, 0.000251148760254898],
    ]
    np.testing.assert_allclose(table[columns].to_numpy(float), expected, rtol=1e-10, atol=1e-12)


def test_the_figure_shows_the_numbers(table: pd.DataFrame, folder: Path) -> None:
    gates, error, _ = draw_loading(table.reset_index()).axes
    np.testing.assert_allclose(gates.lines[0].get_ydata(), table.loader_gates.iloc[1:-1])
    expected = 100 * table.gain.iloc[1:-1] / table.error.iloc[0]
    np.testing.assert_allclose(error.lines[0].get_ydata(), expected)
    assert all(axes.get_xscale() == "log" and axes.get_ylabel() for axes in (gates, error))


def test_other_axes_are_drawn_apart_and_without_exact_loading_nothing_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, pd.DataFrame] = {}
    monkeypatch.setattr(
        "studies.loading.figures.save_drawn",
        lambda figure, data, folder, name: drawn.update({name: data}),
    )
    small = ["images=2", "check_fraction=0.0", "convolution.stride=6"]
    swept = [*small, "infidelity=[0.0, 1e-2]", "axes.noise.scale=[0.5, 2.0]"]
    kind, document = load_study("loading", swept)
    sweep_in_process(kind, document, tmp_path / "two")
    results = read_results(tmp_path / "two")
    assert draw(results, tmp_path) == ["loading", "loading_2"]
    assert [own["noise.scale"].unique().tolist() for own in drawn.values()] == [[0.5], [2.0]]
    assert all((own["gain"] != 0).sum() == 1 for own in drawn.values())
    assert kind.text(results).count("noise.scale = ") == 2
    kind, document = load_study("loading", [*small, "infidelity=[1e-3, 1e-2]"])
    sweep_in_process(kind, document, tmp_path / "none")
    results = read_results(tmp_path / "none")
    assert draw(results, tmp_path) == []
    assert kind.text(results).endswith("add the budget 0, which is exact loading")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"infidelity": 2.0}, "infidelity"),
        ({"infidelity": "many"}, "infidelity"),
        ({"images": 1}, "images"),
        ({"device": 3}, "give a text"),
        ({"noise": {}}, "under noise"),
        ({"convolution": {"filters": {"kind": "ansatz"}}}, "fixed filters"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, Any], message: str) -> None:
    changes = dict(changes)
    noise = changes.pop("noise", {"depolarizing": {"p2": 0.01}})
    convolution = changes.pop("convolution", {})
    with pytest.raises(InputError, match=message):
        LoadingPoint.from_mapping({"study": changes, "noise": noise, "convolution": convolution})


def test_what_has_no_shorter_loaders_is_refused(tmp_path: Path, capsys: Any) -> None:
    arguments = ["study", "loading", "--dry-run", "--set", "images=2", "--quiet"]
    arguments += ["--set", "infidelity=[0.0, 1e-2]"]
    assert main([*arguments, "--set", "convolution.overlap=inversion"]) == 1
    assert "no shorter loaders" in capsys.readouterr().out


def test_a_folder_from_before_it_was_a_sweep_is_told_and_kept(tmp_path: Path, capsys: Any) -> None:
    old = {
        "configuration.toml": '[study]\nname = "loading"\ninfidelities = [0.0, 0.1]\n',
        "summary.json": "{}",
        "loading.csv": "budget,error\n",
    }
    for name, content in old.items():
        (tmp_path / name).write_text(content)
    assert main(["report", str(tmp_path)]) == 2
    assert "of an earlier version, which was no sweep" in capsys.readouterr().err
    small = ["--set", "images=2", "--set", "infidelity=[0.0, 1e-2]"]
    assert main(["study", "loading", "--out", str(tmp_path), "--quiet", *small]) == 2
    assert "choose another folder" in capsys.readouterr().err
    assert {name: (tmp_path / name).read_text() for name in old} == old
