"""Circuits that are run elsewhere, and the counts that come back."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pandas as pd
import pytest
from helpers import undrawn
from hypothesis import given
from hypothesis import strategies as st

from noise_models import as_noise
from qucnn_cirq.cli import main
from qucnn_cirq.devices import load_device
from qucnn_cirq.engines import make_engine
from qucnn_cirq.errors import InputError
from qucnn_cirq.validation import errors_of, validate
from studies.elsewhere import making_results, programs
from studies.elsewhere.collecting import collect
from studies.elsewhere.counts import Collected, collected
from studies.elsewhere.fitting import fit_collected
from studies.elsewhere.handing_out import jobs
from studies.elsewhere.job_folder import Jobs
from studies.elsewhere.manifest import MOST_SHOTS, read_manifest
from studies.elsewhere.no_study import jobs_of
from studies.elsewhere.reading import read_counts
from studies.elsewhere.replay import Replay, lacking_of
from studies.files import write_sealed
from studies.point import program_of
from studies.report.report import study_sections
from studies.runs.results import read_results
from studies.settings import settings_texts
from studies.sweep.catalogue import load_study
from tests.helpers import killed_at, sweep_in_process

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
SHOTS = 400
SMALL = {
    "images": 2,
    "shots": SHOTS,
    "check_patches": 0,
    "convolution.kernel": [2, 2],
    "convolution.stride": 8,
    "convolution.overlap": "inversion",
    "convolution.filters": [{"kind": "fixed", "values": [1, 2, -1, 0.5]}],
    "noise": NOISE,
}
NOISE_THAT_DRIFTS = {"depolarizing": {"p2": 0.01}, "drift": {"sd": 0.2}}
TWICE = {"repeat": [0, 1], "noise.scale": [1.0], "convolution.overlap": ["inversion"]}
Batches = dict[str, tuple[list[str], list[cirq.Result]]]


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_results, "finish", undrawn)


def results_of(found: Jobs, noise: object = NOISE, seed: int = 0) -> Batches:
    """What Cirq's density matrix gives: for each file names of circuits, and results."""
    model = as_noise(noise)
    batches = {}
    for number, file in enumerate(found.files):
        batch = cirq.read_json(file)
        simulator = cirq.DensityMatrixSimulator(seed=100 * seed + number)
        batches[file.name] = (
            list(batch["circuits"]),
            [
                simulator.run(model.noisy_circuit(circuit), repetitions=shots)
                for circuit, shots in zip(batch["circuits"].values(), batch["shots"], strict=True)
            ],
        )
    return batches


def written(folder: Path, batches: Batches, prefix: str = "r") -> list[Path]:
    files = [folder / f"{prefix}_{name}" for name in batches]
    for file, (_, results) in zip(files, batches.values(), strict=True):
        cirq.to_json(results, str(file))
    return files


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Jobs, Batches]:
    """Two repetitions, two copies side by side; and their results."""
    folder = tmp_path_factory.mktemp("made") / "jobs"
    found = jobs("noise", folder, TWICE, settings=SMALL, parallel=2)
    return found, results_of(found)


@pytest.fixture
def fresh(made: tuple[Jobs, Batches], tmp_path: Path) -> Path:
    """The jobs of `made`, of which nothing was collected."""
    shutil.copytree(made[0].folder, tmp_path / "jobs")
    return tmp_path / "jobs"


@pytest.fixture
def files(made: tuple[Jobs, Batches], tmp_path: Path) -> list[Path]:
    return written(tmp_path, made[1])


def counts_by_program(found: Jobs, batches: Batches) -> dict[str, Counter[str]]:
    """Counts of the bits of all copies of a program, side by side."""
    counts: dict[str, Counter[str]] = {}
    for names, results in batches.values():
        for name, result in zip(names, results, strict=True):
            keys = found.manifest.by_id[name].keys
            bits = np.concatenate([result.measurements[key] for key in keys], axis=1)
            counts[name] = Counter("".join(map(str, row)) for row in bits)
    return counts


def test_circuits_are_there_once_fit_their_device_and_are_those_of_the_study(
    tmp_path: Path, made: tuple[Jobs, Batches]
) -> None:
    side_by_side, _ = made
    found = jobs("noise", tmp_path / "jobs", TWICE, settings=SMALL)
    device = load_device("willow_pink")
    for each in (found, side_by_side):
        circuits: dict[str, cirq.Circuit] = {}
        for file in each.files:
            circuits |= cirq.read_json(file)["circuits"]
        assert set(circuits) == set(each.manifest.by_id)
        for name, circuit in circuits.items():
            assert not errors_of(validate(circuit, device))
            keys = {cirq.measurement_key_name(op) for op in circuit[-1]}
            assert keys == set(each.manifest.by_id[name].keys)
        assert read_manifest(each.folder).digest == each.manifest.digest
    (template,) = found.manifest.templates
    study, document = load_study("noise", settings_texts(SMALL))
    document.pop("axes")
    own = program_of(study.read(document)).filters[0].template
    assert template.digest == own.digest
    # Each point's patches, whose circuits both repetitions take shots of, each its own.
    first, second = found.manifest.points
    assert first.uses == second.uses and (first.draw, second.draw) == (0, 1)
    shots = found.manifest.shots_of(first)
    for (_, number), own_shots in shots.items():
        assert found.manifest.by_id[template.ids[number]].shots == 2 * own_shots
    assert len(side_by_side.manifest.templates[0].ids) == len(template.ids)
    assert side_by_side.summary()["programs"] == (len(template.ids) + 1) // 2


@pytest.mark.parametrize(
    ("parallel", "overlap"), [(1, "destructive"), (3, "inversion"), (2, "ancilla")]
)
def test_what_comes_back_agrees_with_what_is_predicted_in_each_place(
    tmp_path: Path, parallel: int, overlap: str
) -> None:
    settings = {
        **SMALL,
        "convolution.overlap": overlap,
        "noise": "willow_pink",
        "shots": 3000,
        "keep_outcomes": True,
    }
    found = jobs("forward", tmp_path / "jobs", settings=settings, parallel=parallel)
    batches = results_of(found, "willow_pink")
    collection = collect(found.folder, written(tmp_path, batches))
    assert not collection.refused and not collection.missing and not collection.unchecked
    results = collection.results
    assert results is not None and results.status().done == 1
    (point,) = results.table()["point"]
    own = results.arrays(point)
    study, document = load_study("forward", settings_texts(settings))
    sweep_in_process(study, document, tmp_path / "direct")
    direct = read_results(tmp_path / "direct").arrays(point)
    # The same point, seed and ideal run; predicted where each circuit was run.
    np.testing.assert_array_equal(own["counts"], direct["counts"])
    difference = np.abs(own["noisy_means"] - direct["noisy_means"]).max()
    assert (difference == 0) if parallel == 1 else (1e-5 < difference < 0.05)
    means, low = own["noisy_means"], float(own["low"])
    z = (own["noisy_estimates"] - means) / np.sqrt((1 - means) * (means - low) / 3000)
    assert abs((z**2).sum() - z.size) < 4 * np.sqrt(2 * z.size)
    row = results.table().iloc[0]
    assert row["noisy_engine"] == "collected, beside exact"
    assert 0.4 < row["noisy_rmse"] / row["noisy_predicted_rmse"] < 2
    assert results.origins[0]["collected"]["jobs"] == found.manifest.digest
    summary = {"text": "", "figures": [], "not_drawn": []}
    body = study_sections(results.folder, summary=summary).body
    assert "counts that were collected, none simulated" in "".join(body)


def test_what_was_measured_is_beside_the_prediction_of_rates_that_drift(tmp_path: Path) -> None:
    drift = {"noise": NOISE_THAT_DRIFTS, "shots": 500, "images": 1}
    found = jobs("forward", tmp_path / "jobs", settings={**SMALL, **drift})
    batch = cirq.read_json(found.files[0])
    ran = cirq.Simulator(seed=1).run_batch(
        list(batch["circuits"].values()), repetitions=batch["shots"]
    )
    cirq.to_json(ran, str(tmp_path / "ran.json"))
    results = collect(found.folder, [tmp_path / "ran.json"]).results
    assert results is not None
    row = results.table().iloc[0]
    assert row["noisy_engine"] == "collected, beside exact"
    assert row["noisy_predicted_rmse"] > 0


def test_the_virtual_processor_gives_what_a_sweep_does(tmp_path: Path) -> None:
    settings = {**SMALL, "noise": "willow_pink", "shots": 500, "images": 1}
    found = jobs("forward", tmp_path / "jobs", settings=settings, parallel=2)
    sampler = make_engine("virtual:willow_pink")._sampler  # type: ignore[attr-defined]
    batch = cirq.read_json(found.files[0])
    ran = sampler.run_batch(list(batch["circuits"].values()), repetitions=batch["shots"])
    # A list of lists, as it comes.
    cirq.to_json(ran, str(tmp_path / "ran.json"))
    results = collect(found.folder, [tmp_path / "ran.json"]).results
    assert results is not None
    own = results.arrays(results.table()["point"][0])
    means = own["noisy_means"]
    z = (own["noisy_estimates"] - means) / np.sqrt(means * (1 - means) / 500)
    assert (z**2).sum() < z.size + 5 * np.sqrt(2 * z.size)


@pytest.mark.parametrize(
    ("method", "parallel"), [("in_circuit", 1), ("in_circuit", 2), ("parameter_shift", 2)]
)
def test_gradients_are_those_of_the_counts(tmp_path: Path, method: str, parallel: int) -> None:
    settings = {
        "convolution.kernel": [2, 2],
        "convolution.overlap": "ancilla",
        "convolution.filters": {"kind": "ansatz", "layers": 1},
        "shots": 1000,
        "draws": 5,
        "check_patches": 0,
        "noise": NOISE,
        "method": method,
    }
    configuration = {"study": {"name": "gradient"}}
    found = jobs(configuration, tmp_path / "jobs", settings=settings, parallel=parallel)
    row = found.manifest.points[0]
    # Every draw takes shots of its own.
    assert {shots for shots in found.manifest.shots_of(row).values()} == {5 * 1000}
    results = collect(found.folder, written(tmp_path, results_of(found))).results
    assert results is not None and not results.status().failed
    cells = results.table().iloc[0]
    assert cells["formula_items"] == 20
    assert abs(cells["formula_chi_squared"] - 20) < 4 * np.sqrt(40)
    assert 0.5 < cells["rmse"] / cells["predicted_rmse"] < 2


@pytest.mark.parametrize("method", ["readout+two_point", "zne", "pec"])
def test_mitigation_is_made_of_collected_counts(tmp_path: Path, method: str) -> None:
    settings = {**SMALL, "images": 1, "mitigation": method, "shots": 6000}
    found = jobs("forward", tmp_path / "jobs", settings=settings)
    results = collect(found.folder, written(tmp_path, results_of(found))).results
    assert results is not None and not results.status().failed
    own = results.arrays(results.table()["point"][0])
    z = (own["noisy_estimates"] - own["noisy_means"]) / np.sqrt(own["noisy_variance"])
    # Circuits of PEC are drawn once for all patches, so that their errors are one.
    size = 1 if method == "pec" else z.size
    assert (z**2).mean() < 1 + 4 * np.sqrt(2 / size)


@pytest.mark.filterwarnings("ignore:This is an experimental native version")
@pytest.mark.parametrize("parallel", [1, 2])
def test_qiskit_aer_runs_openqasm_and_its_dictionaries_come_back(
    tmp_path: Path, parallel: int
) -> None:
    aer = pytest.importorskip("qiskit_aer", reason="needs the extra [peers]")
    qasm3 = pytest.importorskip("qiskit.qasm3", reason="needs the extra [peers]")
    settings = {**SMALL, "noise": {}, "shots": 2000, "convolution.overlap": "destructive"}
    found = jobs("forward", tmp_path / "jobs", settings=settings, parallel=parallel, form="qasm")
    counts = {}
    for file in found.files:
        batch = json.loads(file.read_text())
        for (name, text), shots in zip(batch["circuits"].items(), batch["shots"], strict=True):
            circuit = qasm3.loads_experimental(text)
            ran = aer.AerSimulator(seed_simulator=7).run(circuit, shots=shots)
            counts[name] = ran.result().get_counts()
    (tmp_path / "counts.json").write_text(json.dumps(counts))
    refused = collect(found.folder, [tmp_path / "counts.json"])
    assert refused.results is None
    assert "give bit_order = little" in refused.refused[0]
    assert repr(refused).endswith(", 1 file refused>")
    for one in ("counts.json", tmp_path / "counts.json", 3):
        with pytest.raises(InputError, match=r"is no list: write files=\["):
            collect(found.folder, one)  # type: ignore[arg-type]
    collection = collect(found.folder, [tmp_path / "counts.json"], bit_order="little")
    assert collection.taken and not collection.missing
    assert collection.results is not None
    own = collection.results.arrays(collection.results.table()["point"][0])
    exact = own["exact"]
    np.testing.assert_allclose(own["noisy_means"], exact, atol=1e-6)
    z = (own["noisy_estimates"] - exact) / np.sqrt((1 - exact**2) / 2000 + 1e-9)
    assert (z**2).sum() < z.size + 5 * np.sqrt(2 * z.size)


def test_the_same_counts_are_the_same_however_they_are_written(
    made: tuple[Jobs, Batches], fresh: Path, files: list[Path], tmp_path: Path
) -> None:
    found, batches = made
    first = collect(fresh, files)
    assert first.taken == tuple(file.name for file in files) and not first.unchecked
    counts = counts_by_program(found, batches)
    little = {name: {bits[::-1]: n for bits, n in own.items()} for name, own in counts.items()}
    width = {name: sum(found.manifest.by_id[name].bits) for name in counts}
    spaced = {
        name: {
            f"{bits[: width[name] // 2]} {bits[width[name] // 2 :]}": n for bits, n in own.items()
        }
        for name, own in little.items()
        if width[name] == 4
    } | {name: own for name, own in little.items() if width[name] != 4}
    rows = [f"{name}, {bits}, {n}" for name, own in counts.items() for bits, n in own.items()]
    forms: dict[str, tuple[str, str | None]] = {
        "big.json": (json.dumps(counts), None),
        "little.json": (json.dumps(little), "little"),
        "spaced.json": (json.dumps(spaced), "little"),
        "hex.json": (
            json.dumps(
                {
                    "bit_order": "little",
                    "jobs": found.manifest.digest,
                    "counts": {
                        name: {hex(int(bits, 2)): n for bits, n in own.items()}
                        for name, own in little.items()
                    },
                }
            ),
            None,
        ),
        "big.csv": ("\n".join(["# bit_order: big", "circuit,bits,count", *rows]), None),
    }
    before = collected(fresh, found.manifest).counts
    for name, (text, order) in forms.items():
        (tmp_path / name).write_text(text)
        again = collect(fresh, [tmp_path / name], bit_order=order)
        assert not again.taken and not again.refused
        assert again.double == (f"{name} (as {files[0].name})",)
        assert again.results is not None and first.results is not None
    assert collected(fresh, found.manifest).counts == before
    assert len(list((fresh / "counts").iterdir())) == 1


def test_repetitions_share_no_shot_and_parts_add_up(
    made: tuple[Jobs, Batches], fresh: Path, files: list[Path], tmp_path: Path
) -> None:
    found, batches = made
    counts = counts_by_program(found, batches)
    marks = {name for name in counts if found.manifest.by_id[name].pattern}
    own = sorted(set(counts) - marks)
    parts = {"a": [*marks, own[0]], "b": own[1:], "c": []}
    paths = {}
    for part, names in parts.items():
        paths[part] = tmp_path / f"{part}.json"
        paths[part].write_text(json.dumps({name: counts[name] for name in names}))
    nothing = collect(fresh)
    assert nothing.results is None and len(nothing.missing) == nothing.circuits
    first = collect(fresh, [paths["b"]])
    assert first.unchecked == ("b.json",) and first.results is None
    keys = found.manifest.by_id[own[0]].keys
    assert set(first.missing) == set(keys)
    assert collect(fresh, [paths["c"]]).refused == (f"{paths['c']}: holds no counts.",)
    whole = collect(fresh, [paths["a"], paths["a"], paths["b"]])
    assert whole.taken == ("a.json",) and whole.double == ("a.json", "b.json")
    assert not whole.missing and whole.results is not None
    table = whole.results.table()
    one, other = (whole.results.arrays(point)["counts"] for point in table["point"])
    assert (one != other).any()
    total = collected(fresh, found.manifest).counts
    first_point = found.manifest.points[0]
    taken = sum(found.manifest.shots_of(first_point).values())
    zeros = {key: own[0] for key, own in total.items() if key.startswith("c")}
    assert one.sum() + other.sum() == sum(zeros.values()) and taken * 2 == sum(
        sum(own.values()) for key, own in total.items() if key.startswith("c")
    )
    # Twice as many shots, and half of them.
    more = collect(fresh, written(tmp_path, results_of(found, seed=1), "more"))
    assert len(more.more) == more.circuits and more.results is not None
    for shots in (2 * SHOTS, SHOTS // 2):
        results = collect(fresh, shots=shots).results
        assert results is not None and set(results.table()["shots_taken"]) == {shots}
    with pytest.raises(InputError, match="bit_order has no effect"):
        collect(fresh, bit_order="big")


def test_killed_at_any_step_and_done_again_nothing_is_lost(
    made: tuple[Jobs, Batches], files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, batches = made
    texts = {file.name: file.read_bytes() for file in found.files}
    folder = tmp_path / "jobs"

    def hand_out() -> object:
        return jobs("noise", folder, TWICE, settings=SMALL, parallel=2)

    step = 0
    while True:
        step += 1
        shutil.rmtree(folder, ignore_errors=True)
        if not killed_at(step, hand_out, monkeypatch):
            break
        if (folder / "jobs.json").exists():
            # After its last file was renamed.
            assert read_manifest(folder).digest == found.manifest.digest
        hand_out()
        assert read_manifest(folder).digest == found.manifest.digest
        assert {file.name: file.read_bytes() for file in found.files} == texts
    assert step > 4
    wanted = counts_by_program(found, batches)
    reference = collect(folder, files).results
    assert reference is not None
    numbers = reference.table().drop(columns="seconds")
    step = 0
    while True:
        step += 1
        shutil.rmtree(folder / "counts")
        shutil.rmtree(folder / "results", ignore_errors=True)
        if not killed_at(step, lambda: collect(folder, files), monkeypatch):
            break
        results = collect(folder, files).results
        assert results is not None
        assert results.table().drop(columns="seconds").equals(numbers)
        total = collected(folder, found.manifest)
        assert sum(map(total.shots, total.counts)) == sum(
            sum(own.values()) * len(found.manifest.by_id[name].keys) for name, own in wanted.items()
        )
        # Replacing what is there, too.
        killed_at(step, lambda: collect(folder, shots=SHOTS // 2), monkeypatch)
        results = collect(folder).results
        assert results is not None and results.table().drop(columns="seconds").equals(numbers)
    assert step > 8


def test_nothing_is_left_of_larger_jobs_that_were_killed(
    made: tuple[Jobs, Batches], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "circuits_0009.json").write_text("[]")
    shutil.copy(made[0].files[0], folder / "circuits_0003.json")
    found = jobs("noise", folder, TWICE, settings=SMALL, parallel=2)
    names = {path.name for path in folder.glob("circuits*")}
    assert names == {"circuits_0009.json", *(file.name for file in found.files)}


def test_files_are_written_again_as_the_version_did_that_made_the_jobs(
    made: tuple[Jobs, Batches], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Counts that were kept name the manifest: it stays, whatever goes into which file today.
    with monkeypatch.context() as older:
        older.setattr(programs, "MOST_IN_FILE", 2)
        older.setattr(programs, "_MARKER_SHOTS", 300)
        first = jobs("noise", tmp_path / "jobs", TWICE, settings=SMALL, parallel=2)
    assert (
        len(first.files) > len(made[0].files) and first.manifest.digest != made[0].manifest.digest
    )
    files = [cirq.read_json(file) for file in first.files]
    collect(first.folder, written(tmp_path, results_of(first))[:1])
    before = (first.folder / "jobs.json").read_bytes()
    first.files[1].unlink()
    again = jobs("noise", first.folder, TWICE, settings=SMALL, parallel=2)
    assert (first.folder / "jobs.json").read_bytes() == before
    assert [cirq.read_json(file) for file in again.files] == files and again.files == first.files
    assert not collect(first.folder, written(tmp_path, results_of(again))).missing


def test_results_of_processes_that_collect_at_once_replace_each_other(
    fresh: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = collect(fresh, files).results
    assert before is not None
    table, moved = before.table().drop(columns="seconds"), Path.rename

    def between(path: Path, target: Path) -> Path:
        found = moved(path, target)
        if path.name == "results":
            # Another process puts its own there before this one does.
            monkeypatch.setattr(Path, "rename", moved)
            shutil.copytree(found, path)
        return found

    monkeypatch.setattr(Path, "rename", between)
    after = collect(fresh, shots=100).results
    assert after is not None and set(after.table()["shots_taken"]) == {100}
    assert {path.name for path in fresh.iterdir() if path.name.startswith(".")} == set()
    (fresh / "results" / "plan.json").write_text("{}")
    again = collect(fresh).results
    assert again is not None
    pd.testing.assert_frame_equal(again.table().drop(columns="seconds"), table)


def test_what_stands_in_the_place_of_results_and_changed_copies_are_named(
    tmp_path: Path, fresh: Path, files: list[Path]
) -> None:
    (fresh / "results").mkdir()
    (fresh / "results" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="move it out of the folder"):
        collect(fresh, files)
    assert (fresh / "results" / "notes.txt").read_text() == "mine"
    shutil.rmtree(fresh / "results")
    (fresh / "results").write_text("mine")
    with pytest.raises(InputError, match="move it out of the folder"):
        collect(fresh)
    assert (fresh / "results").read_text() == "mine"
    (fresh / "results").unlink()
    assert collect(fresh).results is not None
    noise = tmp_path / "own.toml"
    noise.write_text("[depolarizing]\np2 = 0.01\n")
    found = jobs("forward", tmp_path / "own", settings={**SMALL, "noise": str(noise)})
    collect(found.folder, written(tmp_path, results_of(found)))
    (copy,) = (found.folder / "inputs").rglob("own.toml")
    copy.write_text("[depolarizing]\np2 = 0.05\n")
    for read in (collect, fit_collected):
        with pytest.raises(InputError, match=r"own\.toml is damaged"):
            read(found.folder)


def test_the_command_tells_what_was_not_drawn(
    fresh: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def finish(study: object, folder: Path, note: object) -> None:
        summary = {"text": "", "figures": [], "not_drawn": ["the disk is full"]}
        (folder / "summary.json").write_text(json.dumps(summary))

    monkeypatch.setattr(making_results, "finish", finish)
    assert main(["collect", str(fresh), *map(str, files)]) == 1
    assert "qucnn: the disk is full" in capsys.readouterr().err


def test_a_manifest_names_no_files_but_its_own(made: tuple[Jobs, Batches], fresh: Path) -> None:
    manifest = made[0].manifest
    for name in ("../circuits_0001.json", "/circuits_0001.json", "jobs.json", ""):
        other = [replace(each, files=(name,)) for each in manifest.programs]
        replace(manifest, programs=tuple(other)).write(fresh)
        with pytest.raises(InputError, match="damaged"):
            read_manifest(fresh)


@given(
    seed=st.integers(0, 2**32 - 1),
    parts=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_shots_are_dealt_out_once(
    made: tuple[Jobs, Batches], seed: int, parts: tuple[int, int]
) -> None:
    manifest = made[0].manifest
    generator = np.random.default_rng(seed)
    (template,) = manifest.templates
    number = int(generator.integers(len(template.ids)))
    needs, key = manifest.needs[0][number], template.ids[number]
    total = sum(needs.values()) * parts[0] // 2 + parts[1]
    outcomes = generator.multinomial(total, generator.dirichlet(np.ones(4)))
    found = Collected({}, {key: Counter(dict(enumerate(outcomes.tolist())))})
    left = outcomes.astype(np.int64)
    for point in manifest.points:
        wanted, again = (Replay(manifest, found, point)._share(0, number)[1] for _ in range(2))
        np.testing.assert_array_equal(wanted, again)
        assert wanted.sum() == min(needs[point.draw], left.sum())
        left = left - wanted
        assert (left >= 0).all()
    lacking = [key in lacking_of(manifest, found, point) for point in manifest.points]
    assert lacking == [total < needs[0], total < needs[0] + needs[1]]


def hostile(found: Jobs) -> dict[str, tuple[str, str]]:
    """Contents of files, by name, each with what is said of it."""
    name = next(each.id for each in found.manifest.programs if not each.pattern)
    key = found.manifest.by_id[name].keys[0]
    width = sum(found.manifest.by_id[name].bits)
    zeros = "0" * width
    record = {"packed_digits": "00", "binary": True, "dtype": "uint8", "shape": [1, 1, 2]}

    def result(**changes: object) -> str:
        own = {"cirq_type": "cirq.ResultDict", "params": {}, "records": {key: record | changes}}
        return json.dumps(own)

    def counts(value: object, bits: str = zeros) -> str:
        return json.dumps({name: {bits: value}})

    return {
        "negative.json": (counts(-1), "has the count -1"),
        "nan.json": (f'{{"{name}": {{"{zeros}": NaN}}}}', "has the count nan"),
        "half.json": (counts(0.5), "has the count 0.5"),
        "text.json": (counts("7"), "has the count '7'"),
        "true.json": (counts(True), "has the count True"),
        "many.json": (counts(MOST_SHOTS + 1), "give whole numbers"),
        "huge.json": (f'{{"{name}": {{"{zeros}": {"9" * 5000}}}}}', "too many digits"),
        "long.json": (counts(1, zeros + "0"), f"has {width + 1} bits"),
        "short.json": (counts(1, "0"), "has 1 bits"),
        "letters.json": (counts(1, "0" * (width - 1) + "x"), "for bits"),
        "hexa.json": (counts(1, "0xfffffff"), f"measures {width} bits"),
        "longhex.json": (counts(1, "0x" + "f" * 9000), f"measures {width} bits"),
        "foreign.json": (json.dumps({"c0123456789abcdef": {"0": 1}}), "not one of these jobs"),
        "path.json": (json.dumps({"../../etc/passwd": {"0": 1}}), "not one of these jobs"),
        "other.json": (json.dumps({"jobs": "0" * 64, "counts": {}}), "is of other jobs"),
        "order.json": (json.dumps({"bit_order": "up", "counts": {}}), "bit_order = 'up'"),
        "list.json": (json.dumps({name: [1, 2]}), "give counts by bits"),
        "number.json": ("17", "no table of counts"),
        "broken.json": ('{"', "not valid JSON"),
        "deep.json": ("[" * 100_000, "nested too deeply"),
        "twice.json": (f'{{"{name}": {{}}, "{name}": {{}}}}', "stands twice"),
        "both.json": (json.dumps({name: {zeros: 1}, key: {"00": 1}}), "is there twice"),
        "empty.json": ("", "is empty"),
        "shape.json": (result(shape=[10**12, 1, 2]), "damaged"),
        "shape2.json": (result(shape=[1, 1, 3]), "bits a shot"),
        "shape3.json": (result(shape="x"), "has the shape"),
        "digits.json": (result(packed_digits="zz"), "no hexadecimal digits"),
        "binary.json": (result(binary=False, packed_digits="93"), "not one of bits"),
        "head.csv": ("a,b\n", "the first line must be"),
        "cells.csv": (f"circuit,bits,count\n{name},{zeros}\n", "has 2 cells"),
        "count.csv": (f"circuit,bits,count\n{name},{zeros},1_0\n", "has the count '1_0'"),
        "quote.csv": ('circuit,bits,count\n"', "no CSV"),
        "name.txt": ("", "must end in .csv or .json"),
    }


def test_hostile_and_foreign_files_are_refused_in_a_line(
    made: tuple[Jobs, Batches], fresh: Path, files: list[Path], tmp_path: Path, capsys: Any
) -> None:
    for name, (text, words) in hostile(made[0]).items():
        path = tmp_path / name
        path.write_text(text)
        assert main(["collect", str(fresh), str(path), "--quiet"]) == 2, name
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line and path.name in line, (name, line)
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "endless.json").symlink_to("/dev/zero")
    bad = [tmp_path / name for name in ("folder.json", "pipe.json", "endless.json", "none.json")]
    assert main(["collect", str(fresh), *map(str, bad)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == len(bad)
    assert not list((fresh / "counts").glob("*")) if (fresh / "counts").exists() else True
    # What is sound is taken beside what is not.
    assert main(["collect", str(fresh), str(bad[0]), *map(str, files)]) == 2
    assert f"taken: {files[0].name}" in capsys.readouterr().out
    assert (fresh / "results").is_dir()


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
TREES = st.recursive(
    CELLS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["records", "cirq_type", "counts", "shape", "NAME", "00", "0000", "0x1"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(tree=TREES)
def test_whatever_json_holds_is_read_or_refused(
    made: tuple[Jobs, Batches], tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    name = made[0].manifest.programs[-1].id
    path = made[0].folder.parent / "tree.json"
    path.write_text(json.dumps(tree).replace("NAME", name))
    try:
        counts, _ = read_counts(path, made[0].manifest)
    except InputError as error:
        assert "\n" not in str(error) and str(path) in str(error)
    else:
        assert counts and set(counts) <= set(made[0].manifest.bits)


def test_what_was_changed_in_the_folder_is_named(
    made: tuple[Jobs, Batches], fresh: Path, files: list[Path], capsys: Any
) -> None:
    collect(fresh, files)
    (kept,) = (fresh / "counts").iterdir()
    manifest, configuration = fresh / "jobs.json", fresh / "configuration.toml"
    for path in (kept, manifest, configuration):
        before = path.read_bytes()
        for change in (before[:-40], before.replace(b"1", b"2"), b"", b"{}"):
            path.write_bytes(change)
            assert main(["collect", str(fresh)]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert path.name in line
        path.write_bytes(before)
    # A seal does not say who wrote it.
    content = json.loads(manifest.read_text())
    for forged in ({"templates": 3}, {"points": [{}]}, {"programs": []}, {"uses": [[]]}):
        own = {key: value for key, value in content.items() if key != "sha256"}
        write_sealed(manifest, own | forged)
        assert main(["collect", str(fresh)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert manifest.name in line and "damaged" in line
    manifest.unlink()
    assert main(["collect", str(fresh)]) == 2
    assert "holds no jobs" in capsys.readouterr().err


def test_circuits_of_no_study_come_back_under_their_names(tmp_path: Path) -> None:
    a, b = cirq.GridQubit(4, 9), cirq.GridQubit(4, 10)
    flip = cirq.PhasedXZGate(x_exponent=1.0, z_exponent=0.0, axis_phase_exponent=0.0)
    circuits = {
        "none": cirq.Circuit(cirq.measure(a, b, key="z")),
        "first": cirq.Circuit(flip(a), cirq.measure(a, b, key="z")),
        "again": cirq.Circuit(flip(a), cirq.measure(a, b, key="z")),
        "other": cirq.Circuit(flip(a), cirq.measure(b, a, key="w")),
    }
    shots = {"none": 10, "first": 20, "again": 30, "other": 40}
    folder = tmp_path / "jobs"
    found = jobs_of(circuits, shots, folder, "willow_pink")
    assert jobs_of(circuits, shots, folder, "willow_pink").manifest.digest == found.manifest.digest
    assert found.summary()["circuits"] == 4
    ((name, (keys, results)),) = results_of(found, None).items()
    parts = {"some.json": (keys[:-2], results[:-2]), name: (keys[-2:], results[-2:])}
    files = written(tmp_path, parts)
    part = collect(folder, files[:1])
    assert len(part.missing) == 2 and part.results is None
    whole = collect(folder, files)
    assert whole.lines()[-1] == "all of 4 circuits complete"
    wanted = {"none": {"00": 10}, "first": {"10": 20}, "again": {"10": 30}, "other": {"01": 40}}
    assert {name: whole.counts[name] for name in wanted} == wanted
    with pytest.raises(InputError, match="holds other jobs"):
        jobs_of(circuits, 10, folder, "willow_pink")
    with pytest.raises(InputError, match="has no effect on circuits of no study"):
        collect(folder, shots=3)
    for wrong, words in (
        (cirq.Circuit(flip(a)), "one measurement"),
        (cirq.Circuit(cirq.SWAP(a, b), cirq.measure(a)), "cannot run the circuit"),
        (cirq.Circuit(cirq.measure(a, invert_mask=(True,))), "leave masks out"),
    ):
        with pytest.raises(InputError, match=words):
            jobs_of({"wrong": wrong}, 10, tmp_path / "wrong", "willow_pink")
    assert not list((tmp_path / "wrong").glob("jobs.json"))


def test_swapped_bits_are_told_by_the_markers(
    made: tuple[Jobs, Batches], fresh: Path, tmp_path: Path
) -> None:
    found, batches = made
    counts = counts_by_program(found, batches)
    path = tmp_path / "swapped.json"
    flipped = {
        n: {b.translate({48: 49, 49: 48}): c for b, c in o.items()} for n, o in counts.items()
    }
    for wrong in (
        {name: {bits[1:] + bits[0]: n for bits, n in own.items()} for name, own in counts.items()},
        flipped,
    ):
        path.write_text(json.dumps(wrong))
        (line,) = collect(fresh, [path]).refused
        assert "another order" in line and "give --bit-order" not in line


def test_jobs_are_refused_where_there_are_no_circuits_to_run(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "jobs"
    small = ["images=1", "convolution.kernel=[2, 2]", "convolution.stride=12"]
    ansatz = [*small, "convolution.filters={kind='ansatz', layers=1}"]
    for name, settings, words in (
        ("forward", [*ansatz, f"shots={10**12}"], "at most"),
        ("forward", [*ansatz, "device=grid:2x2"], "cannot be measured"),
        ("trainability", [], "takes exact means: it runs no shots"),
        ("compilation", [], "counts gates: it runs no circuits"),
        ("loading", [], "it runs no shots"),
        ("benchmark", [], "counts gates: it runs no circuits"),
        ("performance", [], "no counts can stand in for that"),
        ("budget", [], "is computed exactly: it runs no shots"),
    ):
        options = [word for each in settings for word in ("--set", each)]
        assert main(["jobs", name, "--out", str(out), *options]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
        assert not out.exists()


def test_another_configuration_does_not_go_into_a_folder_of_jobs(fresh: Path, capsys: Any) -> None:
    with pytest.raises(InputError, match="holds other jobs"):
        jobs("noise", fresh, TWICE, settings={**SMALL, "shots": 10}, parallel=2)
    with pytest.raises(InputError, match="copies of a circuit were found to fit"):
        jobs("forward", fresh.parent / "x", settings={**SMALL, "device": "grid:2x3"}, parallel=9)
    with pytest.raises(InputError, match="format = 'proto'"):
        jobs("forward", fresh.parent / "x", settings=SMALL, form="proto")


def test_the_command_line_hands_out_and_collects(tmp_path: Path, capsys: Any) -> None:
    options = [w for each in settings_texts(SMALL) for w in ("--set", each)]
    folder = tmp_path / "jobs"
    assert main(["jobs", "forward", "--out", str(folder), *options, "--seed", "3"]) == 0
    assert "1 point: 7 circuits in 7 programs" in capsys.readouterr().out
    found = Jobs(folder, read_manifest(folder))
    again = ["jobs", "forward", "--out", str(folder), *options, "--seed", "3"]
    assert main([*again, "--files"]) == 0
    assert capsys.readouterr().out.splitlines() == list(map(str, found.files))
    assert main([*again, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["to_run"] == list(map(str, found.files))
    assert main([*again, "--json", "--files"]) == 2
    assert "exclude each other" in capsys.readouterr().err
    paths = written(tmp_path, results_of(found))
    assert main(["collect", str(folder), *map(str, paths), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert main([*again, "--files"]) == 0
    assert capsys.readouterr().out == ""
    assert main(again) == 0
    assert capsys.readouterr().out.endswith("all shots are there: nothing is to be run\n")
    for verb in ("status", "plot", "report"):
        assert main([verb, str(folder)]) == 2
        assert "holds circuits that `qucnn jobs` wrote" in capsys.readouterr().err
    assert main(["collect", str(folder), "--noise", "willow_pink"]) == 0
    assert "predicted by willow_pink: calibrated willow_pink" in capsys.readouterr().out
    assert content["complete"] == 1 and content["results"] == str(folder / "results")
    # A simulated sweep is not mixed with what was measured.
    results = folder / "results"
    assert main(["study", str(results / "configuration.toml"), "--out", str(results)]) == 2
    assert "counts" in capsys.readouterr().err
