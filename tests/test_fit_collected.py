"""Noise fitted to counts of circuits that were run elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, compile_convolution
from qucnn_cirq.cli import main
from qucnn_cirq.fitting import design, design_circuits
from studies.elsewhere import collecting
from studies.elsewhere.collecting import collect
from studies.elsewhere.fitting import fit_collected
from studies.elsewhere.handing_out import Jobs, jobs, jobs_of

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


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "finish", lambda *arguments: {})


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
