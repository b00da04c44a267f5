"""Designs of circuits as jobs, from a configuration to the noise that is fitted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cirq
import pytest

import studies
from noise_models import as_noise
from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from studies.elsewhere.designing import free_numbers

NOISE = "{depolarizing = {p1 = 0.002, p2 = 0.01}, readout = {p01 = 0.01, p10 = 0.03}}"
TRUTH = {"depolarizing": {"p1": 0.003, "p2": 0.007}, "readout": {"p01": 0.02, "p10": 0.02}}
SETTINGS = [
    "images=1",
    f"noise={NOISE}",
    "convolution.kernel=[2, 2]",
    "convolution.overlap=inversion",
    'convolution.filters={kind = "fixed", values = [1, 2, -1, 0.5]}',
]


def run(folder: Path, files: tuple[Path, ...]) -> list[str]:
    sampler, noise = cirq.DensityMatrixSimulator(seed=1), as_noise(TRUTH)
    written = []
    for file in files:
        batch = cirq.read_json(file)
        circuits = [noise.noisy_circuit(each) for each in batch["circuits"].values()]
        written.append(str(folder / f"ran_{file.name}"))
        cirq.to_json(sampler.run_batch(circuits, repetitions=batch["shots"]), written[-1])
    return written


def test_a_design_is_run_and_fitted(tmp_path: Path) -> None:
    found = studies.design_jobs(
        "forward", tmp_path / "jobs", 60_000, ["depolarizing.p2"], settings=SETTINGS
    )
    assert sum(each.shots for each in found.jobs.manifest.named) == 60_000
    assert as_noise(found.expected).configuration.to_mapping()["depolarizing"]["p2"] == 0.01
    studies.collect(found.jobs.folder, run(tmp_path, found.jobs.files))
    fit = studies.fit_collected(found.jobs.folder, found.expected)
    (row,) = fit.table[fit.table["key"] == "depolarizing.p2"].to_dict("records")
    told = found.design.relative_errors["depolarizing.p2"]
    assert told < 0.1
    assert row["value"] == pytest.approx(0.007, abs=4 * told * 0.01)


def test_counts_of_openqasm_are_fitted_alike(tmp_path: Path) -> None:
    counts, fits = {}, {}
    sampler, noise = cirq.DensityMatrixSimulator(seed=1), as_noise(TRUTH)
    for form in ("cirq", "qasm"):
        found = studies.design_jobs("forward", tmp_path / form, 5_000, settings=SETTINGS, form=form)
        keys = {each.name: each.key for each in found.jobs.manifest.named}
        for job in found.design.jobs if not counts else []:
            ran = sampler.run(noise.noisy_circuit(job.circuit), repetitions=job.shots)
            (measured,) = ran.measurements.values()
            bits = ["".join(map(str, row)) for row in measured]
            counts[keys[job.name]] = {each: bits.count(each) for each in set(bits)}
        path = tmp_path / "counts.json"
        path.write_text(json.dumps(counts))
        studies.collect(found.jobs.folder, [path])
        # The start is the noise that was expected.
        fits[form] = studies.fit_collected(found.jobs.folder)
    assert fits["qasm"].values == pytest.approx(fits["cirq"].values)
    assert sum(each.shots for each in fits["qasm"].counted) == 5_000


def test_shots_of_a_file_are_those_of_each_circuit(tmp_path: Path) -> None:
    found = studies.design_jobs("forward", tmp_path / "jobs", 60_000, settings=SETTINGS)
    (file,) = found.jobs.files
    batch = cirq.read_json(file)
    wanted = {each.id: each.shots for each in found.jobs.manifest.programs}
    assert dict(zip(batch["circuits"], batch["shots"], strict=True)) == wanted
    markers = [each.shots for each in found.jobs.manifest.programs if each.pattern]
    assert markers and set(markers) == {1000}


def test_the_command_says_what_a_design_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [part for each in SETTINGS for part in ("--set", each)]
    own = ["jobs", "forward", "--out", str(tmp_path / "jobs"), "--design", "all", "--shots", "9000"]
    assert main(["--json", *own, *sets]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["relative_errors"]) == set(free_numbers(as_noise(told["expected"])))
    assert main([*own, *sets]) == 0  # The same jobs again.
    printed = capsys.readouterr().out
    assert "They tell depolarizing.p2 to" in printed
    assert re.search(
        r"^\d circuits in \d programs, \d markers, \d+,\d+ shots, 1 file$", printed, re.M
    )
    assert main([*own, *sets, "--files"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "jobs" / "circuits_0001.json")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--design", "all"], "give --shots"),
        (
            ["--shots", "100"],
            "--shots is for --design; of a study's own circuits write --set shots=N",
        ),
        (["--free", "idle"], "--free is for --design"),
        (["--design", "all", "--shots", "100", "--parallel", "2"], "--parallel has no effect"),
        (["--design", "all", "--shots", "100", "--quick"], "--quick has no effect"),
        (["--design", "all", "--shots", "0"], "shots = 0"),
        (["--design", "nothing", "--shots", "100"], "among the free numbers 'nothing'"),
        (["--design", "all", "--shots", "100", "--set", "noise={}"], "set noise"),
        (
            ["--design", "all", "--shots", "100", "--set", "noise.scale=[1.0, 2.0]"],
            "these 2 points have several",
        ),
    ],
)
def test_what_does_not_go_is_told_in_a_line(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [part for each in SETTINGS for part in ("--set", each)]
    assert main(["jobs", "forward", "--out", str(tmp_path / "jobs"), *sets, *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "jobs").exists()


def test_a_study_without_circuits_has_no_design(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="write targets="):
        studies.design_jobs("forward", tmp_path, 100, "scale", settings={"noise": "willow_pink"})
    with pytest.raises(InputError, match="design"):
        studies.design_jobs("loading", tmp_path / "jobs", 100)


def test_free_numbers_are_those_that_a_fit_finds() -> None:
    assert free_numbers(as_noise("willow_pink")) == ["scale"]
    assert free_numbers(as_noise({"idle": 0.1, "depolarizing": {"p2": 0.1}})) == [
        "depolarizing.p2",
        "idle",
    ]


def test_durations_and_factors_are_known_unless_they_are_named() -> None:
    noise = {"thermal": {"t1": 50.0, "t2": 40.0, "one_qubit": 30.0, "measurement": 500.0}}
    noise |= {"scale": 1.5, "scales": {"gate": 1.2}, "readout": {"p01": 0.02}}
    assert free_numbers(as_noise(noise)) == ["thermal.t1", "thermal.t2", "readout.p01"]


def test_a_kind_of_ones_own_says_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "decay.py"
    path.write_text(
        "from noise_models import NoiseKind\n"
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Decay(NoiseKind):\n"
        "    key = 'decay'\n"
        "    known = ('duration',)\n"
        "    p: float = 0.1\n"
        "    duration: float = 20.0\n"
        "    def has_gate_noise(self, strength):\n"
        "        return False\n"
        "    def layers(self, step, strength):\n"
        "        return []\n",
        encoding="utf-8",
    )
    key = f"{path}:Decay"
    noise = as_noise({key: {"p": 0.2, "duration": 30.0}, "readout": {"p01": 0.1}})
    found = free_numbers(noise)
    assert sorted(each.rsplit(".", 1)[1] for each in found) == ["p", "p01"]
