"""The loading study: shorter loaders under noise."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers import read_study

from qucnn_cirq import ConvolutionSpec, InputError, XZAnsatz
from qucnn_cirq.cli import main
from studies.loading.configuration import LoadingStudy
from studies.loading.figures import draw_loading
from studies.loading.job import run_loading

SETTINGS = ["images=2", "infidelities=[0.0, 1e-3]", "check_shots=100"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loading") / "results"
    study = read_study("loading", SETTINGS)
    run_loading(study, folder)
    return folder


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_csv(folder / "loading.csv", dtype={"budget": str}).set_index("budget")


def test_exact_loading_takes_seven_gates_and_errs_by_noise_alone(table):
    exact = table.loc["0.0"]
    assert exact.loader_gates == 7
    assert exact.largest_infidelity < 1e-18
    assert exact.error_without_noise < 1e-10
    assert exact.error > 1e-3
    assert exact.gain == 0


def test_a_budget_is_kept_and_pays(table):
    within, auto = table.loc["0.001"], table.loc["auto"]
    assert within.largest_infidelity <= 1e-3
    assert within.loader_gates < 4.5
    assert 0 < within.error_without_noise < 2e-3
    assert within.error < table.loc["0.0"].error
    assert auto.error <= within.error
    assert within.gain == pytest.approx(table.loc["0.0"].error - within.error)
    assert (table.gain_standard_error.iloc[1:] > 0).all()
    assert (table.root_mean_square_error >= table.error).all()


def test_the_folder_holds_everything_and_continues(folder):
    names = {path.name for path in folder.iterdir()}
    figures = {
        f"{name}.{suffix}" for name in ("loading", "device_map") for suffix in ("png", "svg", "pdf")
    }
    files = {"loading.csv", "device_map.csv", "summary.json", "configuration.toml"}
    assert names == files | figures
    summary = json.loads((folder / "summary.json").read_text())
    assert [row["budget"] for row in summary["budgets"]] == ["0.0", "0.001", "auto"]
    again = read_study(str(folder / "configuration.toml"))
    study = read_study("loading", SETTINGS)
    assert again == study
    before = pd.read_csv(folder / "loading.csv").drop(columns="seconds")
    run_loading(again, folder)
    pd.testing.assert_frame_equal(
        pd.read_csv(folder / "loading.csv").drop(columns="seconds"), before, check_exact=True
    )


def test_figure_shows_the_numbers(table):
    gates, error, _ = draw_loading(table.reset_index()).axes
    np.testing.assert_allclose(gates.lines[0].get_ydata(), table.loader_gates.iloc[1:-1])
    expected = 100 * table.gain.iloc[1:-1] / table.error.iloc[0]
    np.testing.assert_allclose(error.lines[0].get_ydata(), expected)
    assert all(axes.get_xscale() == "log" and axes.get_ylabel() for axes in (gates, error))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"infidelities": [1e-3]}, "give 0 first"),
        ({"infidelities": [0.0, 2.0]}, "infidelities"),
        ({"infidelities": "many"}, "list of numbers"),
        ({"images": 1}, "images"),
        ({"device": 3}, "give a text"),
        ({"noise": {}}, "under noise"),
    ],
)
def test_bad_settings_are_named(changes, message):
    changes = dict(changes)
    noise = changes.pop("noise", {"depolarizing": {"p2": 0.01}})
    with pytest.raises(InputError, match=message):
        LoadingStudy.from_mapping({"study": changes, "noise": noise})


def test_what_has_no_shorter_loaders_is_refused(tmp_path, capsys):
    arguments = ["study", "loading", "--out", str(tmp_path / "r"), "--set", "images=2", "--quiet"]
    assert main([*arguments, "--set", "convolution.overlap=inversion"]) == 2
    assert "no shorter loaders" in capsys.readouterr().err
    noise = {"depolarizing": {"p2": 0.01}}
    study = LoadingStudy.from_mapping({"noise": noise})
    ansatz = ConvolutionSpec(filters=XZAnsatz())
    with pytest.raises(InputError, match="fixed filters"):
        run_loading(
            LoadingStudy(images=2, noise=study.noise, convolution=ansatz), tmp_path / "other"
        )
