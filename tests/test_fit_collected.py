"""Noise fitted to counts of circuits that were run elsewhere."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pandas as pd
import pytest
from helpers import undrawn
from matplotlib.figure import Figure

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, compile_convolution
from qucnn_cirq.cli import main
from qucnn_cirq.fitting import design, design_circuits
from studies.elsewhere import making_results
from studies.elsewhere.collecting import collect
from studies.elsewhere.fitting import fit_collected
from studies.elsewhere.handing_out import jobs
from studies.elsewhere.job_folder import Jobs
from studies.elsewhere.no_study import jobs_of
from studies.gradient.figures import gradient_error_data, plot_gradient_error
from studies.noise.findings import findings
from studies.noise.lines import error_data, plot_error
from studies.runs.results import read_results
from studies.settings import settings_texts
from studies.sweep.catalogue import load_study
from studies.sweep.plan import make_plan, seed_of

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
START = {"depolarizing": {"p1": 0.001, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.02}}
FREE = ["depolarizing.p1", "depolarizing.p2", "readout.p01", "readout.p10"]
TRUTH = np.array([0.002, 0.01, 0.01, 0.03])
STUDY = {
    "images": 2,
    "shots": 3000,
    "check_patches": 0,
    "convolution.kernel": [2, 2],
    "convolution.stride": 8,
    "convolution.overlap": "destructive",
    "convolution.filters": [
        {"kind": "fixed", "values": [1, 2, -1, 0.5]},
        {"kind": "fixed", "values": [1, 0, 1, 2]},
    ],
    "noise": NOISE,
}

ONE = {"noise.scale": [1.0], "convolution.overlap": ["destructive"], "repeat": [0]}


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_results, "finish", undrawn)


def run(found: Jobs, noise: Any = NOISE) -> None:
    """Runs all circuits by Cirq's density matrix, and collects."""
    for number, file in enumerate(found.files):
        batch = cirq.read_json(file)
        simulator = cirq.DensityMatrixSimulator(seed=number)
        results = [
            simulator.run(as_noise(noise).noisy_circuit(circuit), repetitions=shots)
            for circuit, shots in zip(batch["circuits"].values(), batch["shots"], strict=True)
        ]
        path = found.folder / f"r_{file.name}"
        cirq.to_json(results, str(path))
        assert not collect(found.folder, [path]).refused


def test_a_design_is_handed_out_collected_and_fitted(tmp_path: Path) -> None:
    kernel = np.array([[0.9, 0.3], [0.2, 0.6]])
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(kernel), overlap="destructive")
    program = compile_convolution(spec, "willow_pink")
    best = design(design_circuits(program), NOISE, FREE, 60_000)
    found = jobs_of(
        {job.name: job.circuit for job in best.jobs},
        {job.name: job.shots for job in best.jobs},
        tmp_path / "jobs",
        "willow_pink",
    )
    with pytest.raises(InputError, match="no counts yet"):
        fit_collected(found.folder, START)
    run(found)
    with pytest.raises(InputError, match="start from"):
        fit_collected(found.folder)
    fit = fit_collected(found.folder, START)
    assert set(fit.keys) == set(FREE)
    order = [fit.keys.index(key) for key in FREE]
    assert (np.abs(fit.values[order] - TRUTH) < 4 * fit.errors[order]).all()
    assert (fit.errors[order] < 1.2 * best.errors).all()
    shots = collect(found.folder).counts
    assert sum(each.shots for each in fit.counted) == sum(
        sum(own.values()) for own in shots.values()
    )


def test_a_study_tells_the_noise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = jobs("forward", tmp_path / "jobs", settings=STUDY, parallel=2)
    run(found)
    fit = fit_collected(found.folder)
    assert len(fit.counted) >= 2
    order = [fit.keys.index(key) for key in FREE]
    assert (np.abs(fit.values[order] - TRUTH) < 4 * fit.errors[order]).all()
    out = tmp_path / "noise.toml"
    keys = ["--free", "depolarizing.p2", "--free", "readout.p10"]
    assert main(["fit", str(found.folder), "--out", str(out), *keys, "--profile"]) == 0
    printed = capsys.readouterr().out
    assert "depolarizing.p2 = 0.0" in printed and "chi-squared" in printed
    fitted = NoiseConfiguration.from_toml(out)
    assert fitted.readout.p01 == 0.01 and abs(fitted.readout.p10 - 0.03) < 0.004
    assert main(["--json", "fit", str(found.folder), "--noise", "willow_pink"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["key"] for each in shown["numbers"]] == ["scale"]
    assert shown["numbers"][0]["low"] < shown["numbers"][0]["value"] < shown["numbers"][0]["high"]


def test_points_of_different_noise_need_a_start(tmp_path: Path) -> None:
    axes = {"noise.scale": [0.5, 1.0]}
    found = jobs("noise", tmp_path / "jobs", axes, settings=STUDY)
    run(found)
    with pytest.raises(InputError, match="different noise"):
        fit_collected(found.folder)
    assert fit_collected(found.folder, NOISE, ["scale"]).values[0] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("name", "prefix"), [("forward", "noisy_"), ("noise", "")])
def test_predictions_of_fitted_noise_stand_beside_the_same_measured_numbers(
    tmp_path: Path, name: str, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    axes = ONE if name == "noise" else None
    found = jobs(name, tmp_path / "jobs", axes, settings={**STUDY, "noise": START})
    run(found)
    plain = collect(found.folder).results
    assert plain is not None
    before = plain.table().iloc[0]
    point = before["point"]
    measured = plain.arrays(point)[f"{prefix}estimates"]
    fit = fit_collected(found.folder)
    fitted = tmp_path / "fitted.toml"
    fit.write(fitted)
    assert as_noise(str(fitted)).configuration == fit.noise
    assert main(["--json", "collect", str(found.folder), "--noise", str(fitted)]) == 0
    assert json.loads(capsys.readouterr().out)["complete"] == 1
    other = read_results(found.folder / "results")
    after = other.table().iloc[0]
    for column in ("rmse", "mean_estimate", "measured_bias", "measured_bias_error"):
        if f"{prefix}{column}" in before:
            assert after[f"{prefix}{column}"] == before[f"{prefix}{column}"]
    assert after["point"] == point
    assert (other.arrays(point)[f"{prefix}estimates"] == measured).all()
    column = f"{prefix}predicted_rmse"
    assert abs(after[column] / after[f"{prefix}rmse"] - 1) < 0.2
    assert after[column] != before[column] and f"{column}_low" not in before
    assert after[f"{column}_low"] < after[column] < after[f"{column}_high"]
    # The interval is that of the derivative of what a sweep predicts.

    def predicted(noise: NoiseConfiguration) -> float:
        settings = settings_texts({"noise": noise.to_mapping()})
        study, document = load_study(str(found.folder / "configuration.toml"), settings)
        (own,) = make_plan(study, document).points
        return float(study.measure(own.settings, seed_of(own.identity), None).rows[0][column])

    expected = fit.predict(predicted)
    np.testing.assert_allclose(after[column], expected.value, rtol=1e-6)
    np.testing.assert_allclose(after[f"{column}_low"], expected.low, rtol=1e-3)
    if name == "noise":
        told = " ".join(findings(other))
        assert "by what the fit of the noise leaves open" in told and "off on average" in told
    # Told apart, said, and made anew without it.
    (origin,) = other.origins
    assert "fitted.toml: depolarizing p1=" in str(origin["predicting"])
    assert "predicting noise" in other.plan.digests(point)
    again = collect(found.folder, noise=fit).results
    assert again is not None and again.table().iloc[0][column] == after[column]
    once_more = collect(found.folder).results
    assert once_more is not None and "predicting" not in once_more.origins[0]
    assert once_more.table().iloc[0][column] == before[column]


@pytest.mark.parametrize("is_fitted", [False, True])
def test_figures_draw_the_interval_of_a_prediction(is_fitted: bool) -> None:
    table = pd.DataFrame(
        {
            "shots": [100, 100, 1000, 1000],
            "repeat": [0, 1, 0, 1],
            "patches": 5,
            "rmse": [0.05, 0.06, 0.03, 0.04],
            "rmse_low": 0.02,
            "rmse_high": 0.07,
            "predicted_rmse": [0.05, 0.05, 0.03, 0.03],
        }
    )
    if is_fitted:
        table["predicted_rmse_low"] = [0.03, 0.05, 0.02, 0.02]
        table["predicted_rmse_high"] = 0.06
    drawings = [
        (partial(plot_error, x="shots"), error_data(table, "shots")),
        (plot_gradient_error, gradient_error_data(table)),
    ]
    for plot, data in drawings:
        axes = plot(Figure().subplots(), table)
        words = "predicted: 95 % interval by the fit of its noise"
        assert (words in axes.get_legend_handles_labels()[1]) == is_fitted
        assert ("predicted_low" in data) == is_fitted
        if is_fitted:
            # What the fit leaves open is common to repetitions.
            np.testing.assert_allclose(data["predicted_low"], [np.sqrt(0.0017), 0.02])
            ends = {round(np.sqrt(0.0017), 9), 0.02, 0.06}
            bands = [each.get_paths() for each in axes.collections]
            assert any(ends == set(np.round(own[0].vertices[:, 1], 9)) for own in bands if own)


@pytest.mark.parametrize("method", ["readout+two_point", "zne"])
def test_mitigation_assumes_the_noise_of_the_study_whatever_predicts(
    tmp_path: Path, method: str
) -> None:
    settings = {**STUDY, "mitigation": method, "images": 1, "shots": 1000}
    found = jobs("forward", tmp_path / "jobs", settings=settings)
    run(found)
    first = collect(found.folder).results
    assert first is not None
    point = first.table()["point"][0]
    before = first.arrays(point)
    second = collect(found.folder, noise={"depolarizing": {"p2": 0.03}}).results
    assert second is not None
    after = second.arrays(point)
    for name in ("noisy_estimates", "noisy_variance", "ideal_estimates"):
        assert name not in before or (after[name] == before[name]).all()
    assert np.abs(after["noisy_means"] - before["noisy_means"]).max() > 1e-3


@pytest.mark.parametrize("method", ["pec", "self_overlap", "purity"])
def test_methods_are_predicted_by_the_noise_that_predicts(tmp_path: Path, method: str) -> None:
    settings = {**STUDY, "mitigation": method, "images": 1, "shots": 1000}
    found = jobs("forward", tmp_path / "jobs", settings=settings)
    run(found)
    means = []
    for noise in (None, NOISE, {**NOISE, "depolarizing": {"p1": 0.002, "p2": 0.05}}):
        results = collect(found.folder, noise=noise).results
        assert results is not None
        means.append(results.arrays(results.table()["point"][0])["noisy_means"])
    np.testing.assert_allclose(means[1], means[0], atol=1e-12)
    assert np.abs(means[2] - means[0]).max() > 1e-3


def test_noise_that_drifts_predicts_as_that_of_the_study_does(tmp_path: Path) -> None:
    drifting = {**NOISE, "drift": {"sd": 0.3}}
    settings = {**STUDY, "images": 3, "noise": drifting, "shots": 300}
    found = jobs("noise", tmp_path / "jobs", ONE, settings=settings)
    run(found)

    def row(noise: Any) -> dict[str, Any]:
        results = collect(found.folder, noise=noise).results
        assert results is not None and not results.status().failed
        return dict(results.table().drop(columns="seconds").iloc[0].dropna())

    def numbers(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row.items() if not isinstance(value, str)}

    own, same, steady = row(None), row(drifting), row(NOISE)
    assert same.keys() == own.keys()
    assert numbers(same) == pytest.approx(numbers(own), rel=1e-9)
    assert own["bias"] != own["bias_over_drift"]
    # Where what predicts does not drift there is nothing to take a mean over.
    assert not any("over_drift" in name for name in steady)
    assert steady["measured_bias"] == own["measured_bias"]


@pytest.mark.parametrize(
    ("study", "more"),
    [("forward", {"mitigation": "zne"}), ("mitigation", {"method": "readout", "training": 1})],
)
def test_what_was_measured_stays_where_noise_predicts_nothing(
    tmp_path: Path, study: str, more: dict[str, Any]
) -> None:
    settings = {**STUDY, **more, "images": 2, "shots": 300}
    if study == "mitigation":
        settings["convolution.filters"] = STUDY["convolution.filters"][0]
        del settings["check_patches"]
    found = jobs({"study": {"name": study}}, tmp_path / "jobs", settings=settings)
    run(found)
    before = collect(found.folder).results
    assert before is not None
    with pytest.raises(InputError, match=r"does not predict these points: noise\.drift"):
        collect(found.folder, noise={**NOISE, "drift": {"sd": 0.2}})
    after = read_results(before.folder)
    assert after.table().equals(before.table()) and len(after.table()) == 1


def test_noise_is_refused_where_nothing_is_predicted(tmp_path: Path) -> None:
    settings = {
        "convolution.kernel": [2, 2],
        "convolution.overlap": "inversion",
        "convolution.filters": {"kind": "ansatz", "layers": 1},
        "target": "random",
        "method": "parameter_shift",
        "shots": 10,
        "iterations": 1,
        "starts": 1,
        "noise": NOISE,
    }
    found = jobs({"study": {"name": "learning"}}, tmp_path / "jobs", settings=settings)
    with pytest.raises(InputError, match="predicts nothing beside its counts: leave noise out"):
        collect(found.folder, noise=NOISE)


def test_noise_that_predicts_is_checked(tmp_path: Path) -> None:
    found = jobs("forward", tmp_path / "jobs", settings=STUDY)
    run(found)
    ideal = collect(found.folder, noise={}).results
    assert ideal is not None and ideal.origins[0]["predicting"] == "none"
    assert ideal.table().iloc[0]["noisy_systematic_rmse"] < 1e-9
    broken = tmp_path / "broken.toml"
    for text in ("numbers = 1", 'numbers = ["idle"]\ncovariance = [[1, 2]]', "x = 1"):
        broken.write_text(f"[noise]\nidle = 0.001\n\n[uncertainty]\n{text}\n")
        with pytest.raises(InputError, match="no covariance"):
            collect(found.folder, noise=broken)
    with pytest.raises(InputError, match="no qubit"):
        collect(found.folder, noise={"depolarizing": {"qubits": {"99,99": 0.1}}})
    plain = jobs_of({"a": cirq.Circuit(cirq.measure(cirq.GridQubit(4, 9)))}, 10,
                    tmp_path / "other", "willow_pink")  # fmt: skip
    with pytest.raises(InputError, match="no effect"):
        collect(plain.folder, noise=NOISE)


def test_bias_is_measured_with_its_error(tmp_path: Path) -> None:
    # Noise that is as predicted, many times: the measured bias scatters by its error about it.
    settings = {**STUDY, "shots": 500, "images": 4}
    axes = {**ONE, "repeat": list(range(8))}
    found = jobs("noise", tmp_path / "jobs", axes, settings=settings)
    run(found)
    results = collect(found.folder).results
    assert results is not None
    table = results.table()
    z = (table["measured_bias"] - table["bias"]) / table["measured_bias_error"]
    assert 0.2 < z.std(ddof=0) < 2 and abs(z.mean()) < 4 / np.sqrt(len(z))
    assert "standard errors from the predicted ones" in findings(results)[-1]
    own = results.arrays(table["point"][0])
    difference = (own["estimates"] - own["exact"]).mean()
    assert table["measured_bias"][0] == pytest.approx(difference)
