"""Mitigation as a setting of studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import studies
from qucnn_cirq.errors import InputError
from qucnn_cirq.mitigation import METHODS
from studies.estimating import mitigation_lines
from studies.mitigation_cost import cost_lines, with_circuits
from studies.sweep.catalogue import study_named
from studies.sweep.job import RunOptions, dry_run, run_sweep

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}


def a_row(name: str, noise: Any = None, convolution: Any = None, **study: Any) -> dict[str, Any]:
    return measured(name, noise, convolution, **study).rows[-1]


def point(name: str, noise: Any = None, convolution: Any = None, **study: Any) -> Any:
    kind = study_named(name)
    small = {**SMALL, **(convolution or {})}
    document = {"study": {"name": name, **study}, "convolution": small, "noise": noise or NOISE}
    return kind, kind.settings.from_mapping(document)


def measured(name: str, *about: Any, earlier: Any = None, **study: Any) -> Any:
    kind, settings = point(name, *about, **study)
    more = () if earlier is None else (earlier,)
    return kind.measure(settings, np.random.SeedSequence(5), *more)


def costs(name: str, **study: Any) -> Any:
    kind, settings = point(name, **study)
    return kind.cost(settings)


SMALL = {"kernel": [2, 2], "stride": 4, "overlap": "destructive"}
FIXED = {"filters": {"kind": "fixed", "values": [1, 2, -1, 0.5]}}
FORWARD = {"images": 2, "shots": 4000, "check_patches": 0, "convolution": FIXED}


@pytest.mark.parametrize("name", ["forward", "noise"])
@pytest.mark.parametrize("mitigation", ["readout+two_point", "optimal"])
def test_maps_become_less_wrong(name: str, mitigation: str) -> None:
    prefix = "noisy_" if name == "forward" else ""
    raw = a_row(name, **FORWARD)
    found = a_row(name, mitigation=mitigation, **FORWARD)
    assert found[f"{prefix}systematic_rmse"] < 0.3 * raw[f"{prefix}systematic_rmse"]
    assert abs(found[f"{prefix}bias"]) < abs(raw[f"{prefix}bias"])
    ratio = found[f"{prefix}rmse"] / found[f"{prefix}predicted_rmse"]
    assert 0.7 < ratio < 1.3
    assert "estimate_low" not in found


@pytest.mark.parametrize("name", ["forward", "noise"])
def test_raw_is_what_there_is_without_mitigation(name: str) -> None:
    prefix = "noisy_" if name == "forward" else ""
    plain, raw = a_row(name, **FORWARD), a_row(name, mitigation="raw", **FORWARD)
    for column in ("systematic_rmse", "predicted_rmse"):
        assert raw[prefix + column] == pytest.approx(plain[prefix + column], rel=0.02)


@pytest.mark.parametrize("name", ["forward", "noise"])
def test_more_shots_are_added(name: str) -> None:
    settings = {**FORWARD, "mitigation": "readout"}
    first = measured(name, **{**settings, "shots": 1000})
    both = measured(name, earlier=first.arrays, **settings)
    key = "noisy_counts" if name == "forward" else "counts"
    assert (both.arrays[key] >= first.arrays[key]).all()
    prefix = "noisy_" if name == "forward" else ""
    row = both.rows[0]
    assert 0.7 < row[f"{prefix}rmse"] / row[f"{prefix}predicted_rmse"] < 1.3
    whole = measured(name, **settings).arrays
    variance = f"{prefix}variance"
    assert both.arrays[variance].mean() == pytest.approx(whole[variance].mean(), rel=0.02)


@pytest.mark.parametrize("name", ["forward", "noise"])
@pytest.mark.parametrize("mitigation", METHODS)
def test_every_method_serves_with_its_cost(name: str, mitigation: str) -> None:
    prefix = "noisy_" if name == "forward" else ""
    settings = {**FORWARD, "mitigation": mitigation, "check_patches": 2, "check_fraction": 1.0}
    found = measured(name, **settings)
    row = found.rows[0]
    raw = a_row(name, **FORWARD)
    assert row[f"{prefix}systematic_rmse"] < 0.3 * raw[f"{prefix}systematic_rmse"]
    # The random circuits of PEC are the same for all patches.
    assert 0.5 < row[f"{prefix}rmse"] / row[f"{prefix}predicted_rmse"] < 1.5
    circuits = {"zne": 2, "zne_richardson": 3, "zne_exponential": 2, "pec": 100, "shadows": 3}
    assert row["circuits_a_patch"] == circuits.get(mitigation, 2)
    plain = raw["two_qubit_gates"]
    gates = {"zne": 1.5 * plain, "pec": plain}
    assert row["gates_of_a_shot"] == pytest.approx(gates.get(mitigation, row["gates_of_a_shot"]))
    is_calibrated = mitigation in ("self_overlap", "purity")
    assert (row["calibration_circuits"], row["calibration_shots_taken"]) == (is_calibrated, 0)
    # The method's own circuits are run again, four of each patch at most.
    own = min(4, row["circuits_a_patch"] + is_calibrated)
    assert row["check_items"] == 2 * own and row["check_largest_z"] < 5
    assert f"{prefix}counts" not in found.arrays
    expected, few = (costs(name, mitigation=each, **FORWARD) for each in (mitigation, None))
    assert expected.circuits == row["circuits_a_patch"] * few.circuits
    assert expected.shots == few.shots


@pytest.mark.parametrize("name", ["forward", "noise"])
def test_more_shots_of_a_method_have_circuits_of_their_own(name: str) -> None:
    settings = {**FORWARD, "mitigation": "pec"}
    prefix = "noisy_" if name == "forward" else ""
    first = measured(name, **{**settings, "shots": 2000})
    both = measured(name, earlier=first.arrays, **settings)
    second = 2 * both.arrays[f"{prefix}estimates"] - first.arrays[f"{prefix}estimates"]
    once = measured(name, **{**settings, "shots": 2000}).arrays[f"{prefix}estimates"]
    assert (once == first.arrays[f"{prefix}estimates"]).all()
    assert np.abs(second - once).max() > 1e-4
    assert both.arrays["rounds"].tolist() == [2000, 2000]


ANSATZ = {"filters": {"kind": "ansatz", "layers": 1}}


def test_gradients_are_of_mitigated_overlaps() -> None:
    settings = {"method": "parameter_shift", "draws": 4, "shots": 2000, "check_patches": 0}
    raw = a_row("gradient", convolution=ANSATZ, **settings)
    found = a_row("gradient", convolution=ANSATZ, mitigation="readout+two_point", **settings)
    assert found["bias_rmse"] < 0.2 * raw["bias_rmse"]
    assert found["formula_chi_squared"] < 3 * found["formula_items"]


def test_what_is_learned_under_noise_may_be_mitigated() -> None:
    settings = {
        "method": "parameter_shift", "iterations": 2, "target": "random", "starts": 1,
        "check_patches": 0,
    }  # fmt: skip
    rows = [
        a_row("learning", convolution=ANSATZ, mitigation=each, **settings)
        for each in (None, "readout+two_point")
    ]
    assert rows[0]["fidelity"] != rows[1]["fidelity"]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("forward", {**FORWARD, "mitigation": "rawe"}, "unknown mitigation 'rawe'"),
        ("forward", {**FORWARD, "mitigation": "readout+raw"}, "'raw' corrects no other one"),
        ("forward", {**FORWARD, "mitigation": "zne+readout"}, "'zne' is no estimator, and stands"),
        (
            "forward",
            {**FORWARD, "mitigation": "zne", "keep_outcomes": True},
            "keeps outcomes of the plain circuit, and mitigation = 'zne' runs others",
        ),
        (
            "gradient",
            {"mitigation": "self_overlap", "method": "parameter_shift", "convolution": ANSATZ},
            "has to be a fixed real vector, not an ansatz",
        ),
        (
            "noise",
            {**FORWARD, "mitigation": "raw", "precision": 0.1},
            "precision looks at the mean",
        ),
        ("gradient", {"mitigation": "raw", "method": "measured_once"}, "an estimator of its own"),
        ("gradient", {"mitigation": "raw", "method": "coin"}, "'coin' reads single outcomes"),
        (
            "gradient",
            {"mitigation": "raw", "convolution": {**ANSATZ, "overlap": "ancilla"}},
            "'in_circuit' reads single outcomes",
        ),
        (
            "learning",
            {"mitigation": "raw", "method": "exact", "target": "random"},
            "'exact' runs no circuits",
        ),
        (
            "training",
            {"mitigation": "raw", "noise": "ideal"},
            "no effect where no circuits are run",
        ),
    ],
)
def test_what_mitigation_does_not_go_with(
    name: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        measured(name, **settings)


@pytest.mark.parametrize("name", ["forward", "noise"])
def test_what_mitigation_would_make_is_said(name: str) -> None:
    prefix = "noisy_" if name == "forward" else ""
    raw, found = (
        measured(name, mitigation=each, **{**FORWARD, "images": 4}).rows[0]
        for each in (None, "readout+two_point")
    )
    assert raw["mitigated_rmse"] == pytest.approx(found[f"{prefix}predicted_rmse"], rel=0.1)
    assert raw["mitigated_rmse"] < raw[f"{prefix}rmse"]
    assert "mitigated_rmse" not in found
    table = pd.DataFrame([raw])
    (line,) = mitigation_lines(table, f"{prefix}rmse")
    assert line.startswith("mitigation = 'readout+two_point' would make 0.")
    assert mitigation_lines(table.drop(columns="mitigated_rmse"), "rmse") == []


def test_costs_are_said_in_figures_and_summaries() -> None:
    rows = [
        {"mitigation": each, **a_row("noise", mitigation=each, **FORWARD)}
        for each in ("readout+two_point", "zne", "self_overlap")
    ]
    table = pd.DataFrame(rows)
    assert cost_lines(table) == [
        f"readout+two_point takes {rows[0]['calibration_circuits']} calibration circuits (exact), "
        "of the same shots a patch",
        "zne takes 2 circuits of 6.0 gates, of the same shots a patch",
        "self_overlap takes 2 circuits of 4.0 gates, 1 calibration circuits (exact), of the same "
        "shots a patch",
    ]
    assert with_circuits(table)["mitigation"].tolist() == [
        "readout+two_point",
        "zne (2 circuits)",
        "self_overlap (2 circuits)",
    ]
    alone = table.drop(columns="mitigation")[1:2]
    assert cost_lines(alone) == [
        "mitigation takes 2 circuits of 6.0 gates, of the same shots a patch"
    ]
    plain = table.drop(columns="circuits_a_patch")
    assert cost_lines(plain) == [] and with_circuits(plain) is plain


def test_other_studies_count_the_circuits_of_a_method() -> None:
    settings = {"method": "parameter_shift", "draws": 2, "shots": 2000, "check_patches": 1}
    raw, found = (
        a_row("gradient", convolution=ANSATZ, mitigation=each, check_fraction=1.0, **settings)
        for each in (None, "zne")
    )
    assert found["circuits"] == 2 * raw["circuits"] and found["shots_taken"] == raw["shots_taken"]
    assert found["check_items"] == 2 * raw["check_items"]
    assert found["bias_rmse"] < 0.3 * raw["bias_rmse"]
    settings = {"method": "parameter_shift", "iterations": 1, "target": "random", "starts": 1}
    row = a_row("learning", convolution=ANSATZ, mitigation="zne", **settings)
    assert (row["circuits"], row["circuits_a_patch"]) == (2 * raw["circuits"], 2)
    row = a_row(
        "training", convolution=ANSATZ, mitigation="zne", images=10, test_images=10, epochs=1,
    )  # fmt: skip
    assert row["circuits_a_patch"] == 2


def test_a_dry_run_names_what_a_method_does_not_serve() -> None:
    study = {"name": "gradient", "method": "parameter_shift"}
    axes = {"mitigation": ["zne", "self_overlap"], "noise": [NOISE, "willow_pink"]}
    document = {"study": study, "convolution": {**SMALL, **ANSATZ}, "axes": axes}
    found = dry_run(study_named("gradient"), document)
    assert [each["values"]["mitigation"] for each in found["failed"]] == ["self_overlap"] * 2
    assert "not an ansatz with angles" in found["failed"][0]["error"]


def test_points_of_methods_do_not_depend_on_the_others(tmp_path: Path) -> None:
    study = {"name": "noise", **{k: v for k, v in FORWARD.items() if k != "convolution"}}
    document = {"study": study, "convolution": {**SMALL, **FIXED}, "noise": NOISE}
    tables = []
    for number, names in enumerate((["pec", "zne", "raw"], ["zne", "pec"])):
        swept = {**document, "axes": {"mitigation": names}}
        options = RunOptions(workers=1 + number)
        run_sweep(study_named("noise"), swept, tmp_path / str(number), options, quiet=True)
        tables.append(studies.load(tmp_path / str(number)).set_index("mitigation"))
    for name in ("zne", "pec"):
        assert tables[0].loc[name, "rmse"] == tables[1].loc[name, "rmse"]
