"""The mitigation study: methods on the same shots, on patches that none has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import extract_patches
from studies.mitigation.configuration import MitigationPoint
from studies.mitigation.figures import _ladder_figure, best_data, draw, ladder_data, rungs, text
from studies.mitigation.lines import error_data, plot_error
from studies.mitigation.study import COLUMNS, measure
from studies.sweep.catalogue import load_study
from studies.sweep.plan import make_plan
from studies.sweep.results import read_results
from tests.helpers import sweep_in_process

KERNEL = [1.0, 2.0, -1.0, 0.5]
NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
SMALL = [
    "images=4",
    "training=2",
    "convolution.kernel=[2, 2]",
    "convolution.stride=4",
    f"convolution.filters={{kind = 'fixed', values = {KERNEL}}}",
    'noise=["depolarizing_readout"]',
    'convolution.overlap=["ancilla", "destructive"]',
    "shots=[100, 10000]",
    'method=["raw", "readout+two_point", "optimal", "mixed", "zne", "bound"]',
]


def a_row(**study: Any) -> dict[str, Any]:
    point = MitigationPoint.from_mapping(
        {
            "study": {"name": "mitigation", "images": 4, "training": 2, **study},
            "convolution": {
                "kernel": [2, 2],
                "stride": 4,
                "overlap": "destructive",
                "filters": {"kind": "fixed", "values": KERNEL},
            },
            "noise": NOISE,
        }
    )
    return dict(measure(point, np.random.SeedSequence(3)).rows[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mitigation") / "results"
    sweep_in_process(*load_study("mitigation", SMALL), path)
    return path


def test_raw_errs_as_a_layer_does() -> None:
    spec = ConvolutionSpec(kernel=2, stride=4, filters=FixedFilter(KERNEL), overlap="destructive")
    layer = QuantumConvolution(compile_convolution(spec), noise=NOISE, shots=None)
    patches = extract_patches(load_mnist("train", 4).images[2:], spec)
    means = layer.run(patches).estimates
    errors = means - ideal_overlaps(patches, spec)
    row = a_row(shots=100)
    assert row["patches"] == patches.n_occupied
    assert row["bias"] == pytest.approx(errors.mean(), abs=1e-12)
    assert row["systematic_rmse"] == pytest.approx(np.sqrt((errors**2).mean()), abs=1e-12)
    variance = (1 - means**2).mean() / 100
    assert row["shot_rmse"] == pytest.approx(np.sqrt(variance))
    assert row["rmse"] == pytest.approx(np.sqrt((errors**2).mean() + variance))
    assert row["rmse"] == row["raw_rmse"]


@pytest.mark.parametrize("method", ["raw", "optimal", "readout+two_point"])
def test_the_parts_of_an_error_add_up(method: str) -> None:
    row = a_row(method=method)
    parts = [row[name] for name in ("bias", "shrinkage", "rest", "shot_rmse")]
    assert row["rmse"] ** 2 == pytest.approx(sum(part**2 for part in parts))


def test_methods_gain_and_wrong_rates_cost() -> None:
    raw, right = a_row(shots=10**6), a_row(shots=10**6, method="optimal")
    wrong = a_row(shots=10**6, method="optimal", assumed_scale=2.0)
    other = a_row(shots=10**6, method="optimal", assumed="ideal")
    assert right["rmse"] < 0.3 * raw["rmse"]
    assert right["rmse"] < wrong["rmse"] and right["rmse"] < other["rmse"]
    assert a_row(method="bound")["rmse"] < a_row(method="optimal")["rmse"]


def test_assumed_noise_tells_points_apart_and_is_read_again() -> None:
    study, document = load_study(
        {"study": {"name": "mitigation"}}, ["axes.assumed=['ideal', 'depolarizing_readout']"]
    )
    points = make_plan(study, document).points
    assert len({point.identity for point in points}) == 2
    for point in points:
        assert study.read(point.settings.to_mapping()) == point.settings


def test_shots_are_shared_with_the_conjugate_circuit() -> None:
    settings = {"images": 4, "training": 2, "method": "optimal", "shots": 100_000}
    rows = []
    for twirl in ("none", "conjugate"):
        point = MitigationPoint.from_mapping(
            {
                "study": {"name": "mitigation", "twirl": twirl, **settings},
                "convolution": {"kernel": [4, 4], "stride": 2, "overlap": "inversion"},
                "noise": {"calibrated": "willow_pink"},
            }
        )
        rows.append(measure(point, np.random.SeedSequence(3)).rows[0])
    alone, shared = rows
    assert shared["rmse"] < 0.5 * alone["rmse"]
    assert (alone["circuits_a_patch"], shared["circuits_a_patch"]) == (1, 2)
    assert shared["raw_rmse"] == alone["raw_rmse"]


def test_calibrations_of_few_shots_cost_precision() -> None:
    exact = a_row(method="readout+two_point", shots=10**6)
    few = a_row(method="readout+two_point", shots=10**6, calibration_shots=200)
    assert few["calibration_shots_taken"] == 200 * few["calibration_circuits"]
    assert exact["calibration_shots_taken"] == 0
    assert few["rmse"] > exact["rmse"]


def test_a_method_that_does_not_serve_a_test_says_so(folder: Path) -> None:
    table = read_results(folder).table()
    refused = table[table["refused"].notna()]
    assert set(refused["method"]) == {"mixed"}
    assert set(refused["convolution.overlap"]) == {"ancilla"}
    assert refused["rmse"].isna().all()
    said = text(read_results(folder))
    assert "not possible: mixed: no outcome of this circuit" in said
    assert "destructive test, 10,000 shots: optimal, RMSE 0.0" in said


def test_a_sweep_of_methods_that_serve_no_test_says_so(tmp_path: Path) -> None:
    settings = [*SMALL, 'convolution.overlap="ancilla"', "shots=100", "method=['mixed']"]
    sweep_in_process(*load_study("mitigation", settings), tmp_path / "results")
    said = text(read_results(tmp_path / "results"))
    assert said.startswith("not possible: mixed: no outcome of this circuit")


def test_a_method_that_is_not_swept_is_not_called_raw(tmp_path: Path) -> None:
    settings = [*SMALL, 'convolution.overlap="destructive"', "shots=100", "method='bound'"]
    sweep_in_process(*load_study("mitigation", settings), tmp_path / "results")
    said = text(read_results(tmp_path / "results"))
    assert said.lstrip().startswith("the method ") and "raw  " not in said


def test_the_ladder_is_drawn_with_its_numbers(folder: Path, tmp_path: Path) -> None:
    results = read_results(folder)
    assert draw(results, tmp_path) == ["ladder"]
    drawn = pd.read_csv(tmp_path / "ladder.csv")
    assert set(drawn["panel"]) == {"ancilla test", "destructive test"}
    assert len(drawn) == 22
    own = results.table()
    own = own[own["convolution.overlap"] == "destructive"]
    assert rungs(own)[-1] == "bound" and rungs(own)[0] in ("raw", "zne")
    assert ladder_data(own)["rmse"].notna().all()
    with pytest.raises(InputError, match="there twice"):
        ladder_data(pd.concat([own, own]))


def test_the_best_method_is_found_over_noise_and_shots(folder: Path) -> None:
    table = read_results(folder).table()
    own = table[(table["convolution.overlap"] == "destructive") & table["rmse"].notna()]
    data = best_data(own.assign(**{"noise.scale": 1.0}))
    assert list(data["shots"]) == [100, 10_000]
    for _, row in data.iterrows():
        there = own[(own["shots"] == row["shots"]) & (own["method"] != "bound")]
        assert row["rmse"] == there["rmse"].min() and row["margin"] >= 0
        assert row["method"] != "bound"


def test_every_column_is_explained(folder: Path) -> None:
    row = a_row(method="zne")
    assert set(row) <= set(COLUMNS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["method=rawe"], "unknown mitigation 'rawe'. .*Did you mean 'raw'"),
        (["method='readout+raw'"], "'raw' corrects no other one"),
        (["method='likelihood+readout'"], "'likelihood' is not linear"),
        (["assumed_scale=1000", "noise='depolarizing_readout'"], "a scale of 1000 takes"),
        (["method='zne+readout'"], "'zne' is no estimator, and stands alone"),
        (["images=4", "training=4"], "training = 4 of images = 4 leaves none"),
        (["convolution.backward=true"], "backward = true is not possible"),
        (["convolution.filters={kind='ansatz'}"], "takes one filter without parameters"),
    ],
)
def test_wrong_settings_are_refused(settings: list[str], message: str) -> None:
    kind, document = load_study("mitigation", settings)
    document.pop("axes", None)
    with pytest.raises(InputError, match=message):
        kind.read(document)


def test_the_preset_is_read() -> None:
    kind, document = load_study("mitigation", quick=True)
    assert len(document["axes"]["method"]) >= 12
    assert kind.title.endswith("cost?")


def test_panels_of_the_ladder_have_rows_of_their_own_methods_in_words() -> None:
    rows = [
        {"method": name, "rmse": size, "systematic_rmse": size, "bias": 0.0}
        for name, size in (("zne", 0.3), ("readout+two_point", 0.2), ("mixed_each", 0.1))
    ]
    panels = [({"a": 1}, pd.DataFrame(rows)), ({"a": 2}, pd.DataFrame(rows[:2]))]
    figure, _ = _ladder_figure(panels)
    labels = [[text.get_text() for text in axes.get_yticklabels()] for axes in figure.axes]
    assert labels[0] == ["ZNE, line", "readout + two points", "mixed for each patch"]
    assert labels[1] == labels[0][:2]


def test_errors_are_drawn_against_how_wrong_the_rates_are(tmp_path: Path) -> None:
    settings = [
        *(each for each in SMALL if not each.startswith(("noise", "convolution.o", "shots", "m"))),
        "assumed_scale=[0.5, 1.0, 2.0]",
        'method=["raw", "optimal"]',
        "convolution.overlap=destructive",
    ]
    path = tmp_path / "results"
    sweep_in_process(*load_study("mitigation_drift", settings), path)
    results = read_results(path)
    assert draw(results, tmp_path) == ["error_against_assumed_scale"]
    drawn = pd.read_csv(tmp_path / "error_against_assumed_scale.csv")
    optimal = drawn[drawn["series"] == "optimal weights"].set_index("assumed_scale")["rmse"]
    assert optimal[1.0] < min(optimal[0.5], optimal[2.0])
    raw = drawn[drawn["series"] == "raw mean"]["rmse"]
    assert len(raw) == 3 and raw.nunique() == 1


def test_exact_calibrations_are_dashed_lines() -> None:
    table = pd.DataFrame(
        {
            "method": "readout",
            "calibration_shots": [0, 100, 10_000],
            "rmse": [0.01, 0.03, 0.02],
            "systematic_rmse": 0.0,
            "bias": 0.0,
        }
    )
    axes = plot_error(Figure().subplots(), table, "calibration_shots")
    assert axes.lines[0].get_xdata().tolist() == [100, 10_000]
    dashed = [line for line in axes.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert [line.get_ydata()[0] for line in dashed] == [0.01]
    assert len(error_data(table, "calibration_shots")) == 3


def test_purities_are_those_of_circuits_that_load_every_patch() -> None:
    settings = {"images": 2, "training": 1, "shots": 10**6}
    found = [
        dict(
            measure(
                MitigationPoint.from_mapping(
                    {
                        "study": {"name": "mitigation", "method": method, **settings},
                        "convolution": {"kernel": [4, 4], "stride": 6, "overlap": "destructive"},
                        "noise": NOISE,
                    }
                ),
                np.random.SeedSequence(3),
            ).rows[0]
        )
        for method in ("purity", "self_overlap")
    ]
    assert found[0]["systematic_rmse"] < 1.3 * found[1]["systematic_rmse"]
    assert found[0]["calibration_circuits"] >= 1
