"""Circuits of the studies of mitigation, of one measurement and of systems, run elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest
from helpers import undrawn

from noise_models import as_noise
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.engines import ExactEngine
from qucnn_cirq.engines.collected import measuring
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Readout, TwoPoint
from qucnn_cirq.heads.adversarial import shares_in_groups
from qucnn_cirq.patches import extract_patches
from studies.elsewhere import making_results
from studies.elsewhere.collecting import Collection, collect
from studies.elsewhere.handing_out import jobs
from studies.elsewhere.job_folder import Jobs
from studies.images import selected
from studies.runs.results import Results, read_results
from studies.settings import settings_texts
from studies.sweep.catalogue import load_study
from studies.systems.running import Run
from tests.helpers import sweep_in_process

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
KERNEL = {
    "convolution.kernel": [2, 2],
    "convolution.stride": 8,
    "convolution.filters": {"kind": "fixed", "values": [1, 2, -1, 0.5]},
    "convolution.overlap": "destructive",
    "noise": NOISE,
}
MITIGATION = {**KERNEL, "images": 4, "training": 2, "shots": 4000, "calibration_shots": 2000}
ONCE = {
    "images": 2,
    "split": "train",
    "filters": 2,
    "convolution.kernel": [2, 2],
    "convolution.stride": 8,
    "convolution.filters": {"kind": "ansatz", "layers": 1},
    "noise": NOISE,
    "shots": 6001,
}
SYSTEMS = {
    "images": 30,
    "test_images": 24,
    "digits": [[3, 6]],
    "noise": NOISE,
    "shots": 300,
    "check_fraction": 0.0,
    "system": {"kind": "quantumflow"},
}


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_results, "finish", undrawn)


def handed_out(study: str, folder: Path, settings: Any, axes: Any = None) -> Jobs:
    return jobs({"study": {"name": study}}, folder / "jobs", axes, settings=settings)


def run(found: Jobs, times: int = 1) -> Collection:
    """Runs all circuits by Cirq's density matrix, and collects."""
    model, files = as_noise(NOISE), []
    for number, file in enumerate(found.files):
        batch = cirq.read_json(file)
        simulator = cirq.DensityMatrixSimulator(seed=number)
        results = [
            simulator.run(model.noisy_circuit(circuit), repetitions=times * shots)
            for circuit, shots in zip(batch["circuits"].values(), batch["shots"], strict=True)
        ]
        files.append(found.folder / f"r_{file.name}")
        cirq.to_json(results, str(files[-1]))
    collection = collect(found.folder, files)
    assert not collection.refused and not collection.missing
    assert collection.results is not None and not collection.results.status().failed
    return collection


def direct(study: str, folder: Path, settings: Any, axes: Any = None) -> Results:
    swept = {f"axes.{key}": values for key, values in (axes or {}).items()}
    texts = settings_texts({**settings, **swept})
    sweep_in_process(*load_study({"study": {"name": study}}, texts), folder / "direct")
    return read_results(folder / "direct")


def is_likely(z: np.ndarray) -> bool:
    """Whether the squares of z-scores are those of normal errors."""
    return float((z**2).sum()) < z.size + 4 * np.sqrt(2 * z.size)


def test_every_method_estimates_from_collected_counts(tmp_path: Path) -> None:
    methods = ["raw", "readout+two_point", "readout+regression", "pauli_weights", "optimal",
               "unbiased", "likelihood", "zne_richardson", "pec", "self_overlap", "purity",
               "shadows", "bound"]  # fmt: skip
    axes = {"method": methods}
    found = handed_out("mitigation", tmp_path, MITIGATION, axes)
    results = run(found).results
    assert results is not None
    simulated = direct("mitigation", tmp_path, MITIGATION, axes)
    rows, others = (each.table().set_index("method") for each in (results, simulated))
    spec = load_study({"study": {"name": "mitigation"}}, settings_texts(MITIGATION))
    settings = spec[0].read(spec[1])
    images = selected("train", 0, 4, None).images[2:]
    patches = extract_patches(images, settings.convolution)
    exact = ideal_overlaps(patches, settings.convolution)[0]
    for method, row in rows.iterrows():
        other = others.loc[method]
        own = results.arrays(row["point"])
        np.testing.assert_allclose(own["exact"], exact, atol=1e-12)
        if method == "bound":
            assert row["sampled"] == 0 and row["rmse"] == other["rmse"]
            continue
        known = simulated.arrays(other["point"])
        assert row["sampled"] == 1
        # What calibrations measured shifts all patches alike, by less than their shots do.
        z = own["estimates"] - exact - known["bias"]
        assert is_likely(z / np.sqrt(known["variance"] / 4000 + 0.01**2)), method
        errors = own["estimates"] - exact
        assert row["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
        width = 1.96 * np.sqrt(own["estimate_variances"])
        assert row["coverage"] == (np.abs(errors) <= width).mean()
        # Fewer random circuits than shots scatter more.
        most = 2.5 if method == "pec" else 1.15
        assert 0.85 < row["shot_rmse"] / other["shot_rmse"] < most, method
        for column in ("calibration_circuits", "calibration_shots_taken", "circuits_a_patch"):
            assert row[column] == other[column]
    # Nothing is calibrated, so the prediction is that of the sweep.
    for method in ("raw", "optimal", "unbiased", "zne_richardson", "shadows", "pec"):
        assert rows.loc[method, "bias"] == pytest.approx(others.loc[method, "bias"], abs=1e-12)


@pytest.mark.parametrize("test", ["destructive", "inversion", "ancilla"])
def test_every_estimator_is_handed_out(tmp_path: Path, test: str) -> None:
    # Counts that are made up while circuits are noted must be such that each can be calibrated.
    settings = {**KERNEL, "convolution.overlap": test, "images": 1, "shots": 100}
    for name in ("readout", "two_point", "regression", "readout+two_point"):
        found = handed_out("forward", tmp_path / name, {**settings, "mitigation": name})
        assert len(found.manifest.wanted) > 4


def test_calibrations_are_those_of_the_engine(tmp_path: Path) -> None:
    """A device with other readout errors than are assumed is seen by its calibrations alone."""
    settings = {**MITIGATION, "calibration_shots": 20_000, "shots": 20_000, "assumed": "ideal"}
    axes = {"method": ["raw", "readout+two_point"]}
    results = run(handed_out("mitigation", tmp_path, settings, axes)).results
    assert results is not None
    rows = results.table().set_index("method")
    assert rows.loc["readout+two_point", "rmse"] < 0.5 * rows.loc["raw", "rmse"]
    assert rows.loc["readout+two_point", "calibration_shots_taken"] == 6 * 20_000


def test_a_point_that_is_not_possible_hands_out_nothing(tmp_path: Path) -> None:
    settings = {**MITIGATION, "noise": {**NOISE, "thermal": {"t1": 50.0, "t2": 50.0}}}
    found = handed_out("mitigation", tmp_path, settings, {"method": ["raw", "pec"]})
    possible, refused = found.manifest.points
    assert found.manifest.shots_of(possible) and not found.manifest.shots_of(refused)
    results = run(found).results
    assert results is not None
    assert "pec knows" in results.table()["refused"][1]


@pytest.mark.parametrize("study", ["forward", "noise"])
def test_self_overlaps_are_measured_with_the_patches(tmp_path: Path, study: str) -> None:
    settings = {**KERNEL, "images": 2, "shots": 4000, "check_patches": 0}
    axes = {"mitigation": ["self_overlap", "purity"]}
    found = handed_out(study, tmp_path, settings, axes)
    results = run(found).results
    assert results is not None
    simulated = direct(study, tmp_path, settings, axes)
    prefix = "noisy_" if study == "forward" else ""
    own, other = results.table(), simulated.table()
    assert list(own["calibration_shots_taken"]) == [4000, 4000]
    assert list(other["calibration_circuits"]) == [1, 1]
    for point in own["point"]:
        a, b = results.arrays(point), simulated.arrays(point)
        spread = np.sqrt(a[f"{prefix}variance"] + b[f"{prefix}variance"])
        assert is_likely((a[f"{prefix}estimates"] - b[f"{prefix}estimates"]) / spread)


def test_one_measurement_and_each_filter_are_made_of_collected_counts(tmp_path: Path) -> None:
    axes = {
        "method": ["measured_once", "measured_once_destructive", "optimal", "each",
                   "each_inversion", "bound"]
    }  # fmt: skip
    results = run(handed_out("measured_once", tmp_path, ONCE, axes)).results
    assert results is not None
    simulated = direct("measured_once", tmp_path, ONCE, axes)
    rows, others = (each.table().set_index("method") for each in (results, simulated))
    assert list(rows["sampled"]) == [1, 1, 1, 1, 1, 0]
    for method, row in rows.iterrows():
        other = others.loc[method]
        assert row["shots_taken"] == other["shots_taken"]
        assert row["circuits"] == other["circuits"]
        for name in ("values", "gradients"):
            # The prediction is that of the sweep.
            column = f"{name}_systematic_rmse"
            assert row[column] == pytest.approx(other[column], abs=1e-9)
            assert 0.5 < row[f"{name}_rmse"] / other[f"{name}_rmse"] < 2, (method, name)
            assert row[f"{name}_coverage"] > 0.6


@pytest.mark.parametrize(
    ("system", "twirl"),
    [
        ({"kind": "quantumflow"}, "none"),
        ({"kind": "quclassi", "components": 4}, "conjugate"),
    ],
)
def test_maps_of_systems_are_made_of_collected_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: Any, twirl: str
) -> None:
    found = handed_out("systems", tmp_path, {**SYSTEMS, "system": system, "twirl": twirl})
    exact, maps = [], Run.maps

    def compared(run: Run, spec: Any, parameters: Any, images: Any) -> Any:
        measured = maps(run, spec, parameters, images)
        if run.shots is not None:
            means = maps(Run(run.device, run.noise), spec, parameters, images)
            exact.append(
                (measured - means).ravel()
                / np.sqrt((means * (1 - means) + 0.01).ravel() / run.shots)
            )
        return measured

    monkeypatch.setattr(Run, "maps", compared)
    results = run(found).results
    assert results is not None
    z = np.concatenate(exact)
    assert len(z) >= 24 and is_likely(z) and (z**2).sum() > 0.2 * len(z)
    table = results.table()
    assert set(table["tested"]) == {4}


def test_samples_of_qugan_are_made_of_collected_shots(tmp_path: Path) -> None:
    system = {"kind": "qugan", "components": 2, "samples": 60, "shots": 10, "epochs": 2}
    settings = {**SYSTEMS, "shots": 0, "system": system}
    found = handed_out("systems", tmp_path, settings)
    assert set(found.manifest.wanted.values()) == {600}
    results = run(found).results
    assert results is not None
    own = results.table().set_index("control")["hellinger"]
    simulated = direct("systems", tmp_path, settings).table().set_index("control")["hellinger"]
    assert own["normal"] == simulated["normal"]
    assert abs(own["QuGAN"] - simulated["QuGAN"]) < 0.15
    with pytest.raises(InputError, match="have no effect on QuGAN"):
        collect(found.folder, shots=10)


def test_shots_are_put_into_groups() -> None:
    counts = np.array([3, 0, 5, 4])
    shares = shares_in_groups(counts, 4, np.random.default_rng(1))
    assert shares.shape == (4, 2)
    np.testing.assert_allclose(shares.sum(axis=0) * 3, [9, 4])


@pytest.mark.parametrize(
    ("study", "settings", "axes"),
    [
        ("mitigation", MITIGATION, {"method": ["zne_richardson", "pec", "self_overlap"]}),
        ("measured_once", ONCE, {"method": ["measured_once", "optimal", "each"]}),
        ("systems", SYSTEMS, None),
    ],
)
def test_results_are_made_of_other_shots(
    tmp_path: Path, study: str, settings: Any, axes: Any
) -> None:
    shots = 301
    found = handed_out(study, tmp_path, {**settings, "shots": shots}, axes)
    first = run(found, times=3).results
    assert first is not None
    for own in (203, 700):
        collection = collect(found.folder, shots=own)
        assert collection.complete == collection.points and not collection.missing
        results = collection.results
        assert results is not None and not results.status().failed
        assert results.plan.digest != first.plan.digest
        assert results.origins[0]["collected"]["jobs"] == found.manifest.digest
        if study == "measured_once":
            assert (results.table()["shots_taken"] <= own).all()
            assert (results.table()["shots_taken"] > 0.9 * own).all()
    more = collect(found.folder, shots=2000)
    assert more.missing and more.complete == 0
    again = collect(found.folder).results
    assert again is not None and again.plan.digest == first.plan.digest


def test_points_that_take_no_shots_are_refused(tmp_path: Path) -> None:
    for study, settings, words in (
        ("systems", {**SYSTEMS, "shots": 0}, "takes exact means: set shots"),
        ("mitigation", {**MITIGATION, "method": "bound"}, "no method that runs any is possible"),
    ):
        with pytest.raises(InputError, match=words):
            handed_out(study, tmp_path, settings)
    assert not (tmp_path / "jobs").exists()


@pytest.mark.filterwarnings("ignore:This is an experimental native version")
def test_qiskit_aer_runs_what_methods_run(tmp_path: Path) -> None:
    aer = pytest.importorskip("qiskit_aer", reason="needs the extra [peers]")
    qasm3 = pytest.importorskip("qiskit.qasm3", reason="needs the extra [peers]")
    axes = {"method": ["readout+two_point", "likelihood", "zne", "shadows"]}
    settings = {**MITIGATION, "noise": {}}
    found = jobs(
        {"study": {"name": "mitigation"}}, tmp_path / "jobs", axes, settings=settings, form="qasm"
    )
    counts = {}
    for file in found.files:
        batch = json.loads(file.read_text())
        for (name, text), shots in zip(batch["circuits"].items(), batch["shots"], strict=True):
            circuit = qasm3.loads_experimental(text)
            ran = aer.AerSimulator(seed_simulator=7).run(circuit, shots=shots)
            counts[name] = ran.result().get_counts()
    (tmp_path / "counts.json").write_text(json.dumps(counts))
    results = collect(found.folder, [tmp_path / "counts.json"], bit_order="little").results
    assert results is not None and results.status().done == 4
    for point in results.table()["point"]:
        own = results.arrays(point)
        errors = own["estimates"] - own["exact"]
        assert is_likely(errors / np.sqrt(own["estimate_variances"] + 0.01**2))


def test_calibrations_on_an_engine_are_as_those_that_are_drawn() -> None:
    from qucnn_cirq import ConvolutionSpec, FixedFilter, compile_convolution
    from qucnn_cirq.convolution import filter_states
    from qucnn_cirq.estimators import readings_of

    spec = ConvolutionSpec(
        kernel=2, filters=FixedFilter(np.array([[1, 2], [-1, 0.5]])), overlap="destructive"
    )
    compiled = compile_convolution(spec).filters[0]
    reading = readings_of(
        compiled,
        compiled.filter_table(None),
        filter_states(spec)[0],
        as_noise(NOISE),
        ExactEngine(),
    )[compiled.generic]
    exact = TwoPoint(Readout()).weights(reading)
    engine = measuring(ExactEngine())
    by_engine = TwoPoint(Readout(shots=10**7, engine=engine), shots=10**7, engine=engine)
    # Pulses that prepare ones err as well, which is taken for readout.
    np.testing.assert_allclose(by_engine.weights(reading), exact, atol=0.01)
    assert by_engine.calibration_circuits == 6
