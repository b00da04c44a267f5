"""Circuits that are decided by counts, handed out in rounds, and the counts that come back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pandas as pd
import pytest
from helpers import undrawn
from numpy.typing import NDArray

from noise_models import as_noise
from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from qucnn_cirq.optimizers import Adam
from studies.elsewhere import making_results
from studies.elsewhere.collecting import Collection, collect
from studies.elsewhere.fitting import fit_collected
from studies.elsewhere.handing_out import jobs
from studies.elsewhere.job_folder import Jobs
from studies.elsewhere.manifest import Manifest
from studies.elsewhere.rounds import read_rounds
from studies.files import write_sealed
from studies.runs.results import read_results
from studies.settings import settings_texts
from studies.sweep.catalogue import load_study
from tests.helpers import killed_at, sweep_in_process
from tests.test_jobs import NOISE

KERNEL = {"convolution.kernel": [2, 2], "convolution.overlap": "inversion", "check_patches": 0}
ANSATZ = {"convolution.filters": {"kind": "ansatz", "layers": 1}}
LEARNING = {
    **KERNEL,
    **ANSATZ,
    "target": "random",
    "method": "parameter_shift",
    "shots": 100,
    "iterations": 3,
    "record": 1,
    "starts": 1,
    "noise": NOISE,
}
TRAINING = {
    **KERNEL,
    **ANSATZ,
    "convolution.stride": 12,
    "images": 10,
    "test_images": 10,
    "epochs": 1,
    "batch": 5,
    "shots": 20,
    "noise": NOISE,
}
PRECISION = {
    **KERNEL,
    "convolution.stride": 12,
    "convolution.filters": [{"kind": "fixed", "values": [1, 2, -1, 0.5]}],
    "images": 2,
    "precision": 0.05,
    "shots": 50,
    "most_shots": 50 * 2**10,
}


@pytest.fixture(autouse=True)
def not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_results, "finish", undrawn)


def counted(found: Jobs, seed: int = 0, times: int = 1) -> dict[str, dict[str, int]]:
    """Counts of any outcomes, the same each time, as of a sampler that knows no circuits."""
    counts = {}
    for program in found.manifest.programs:
        if program.pattern:
            counts[program.id] = {program.pattern: program.shots}
            continue
        digest = hashlib.sha256(f"{program.id} {seed}".encode()).digest()
        generator = np.random.default_rng(list(digest))
        width = sum(program.bits)
        chances = generator.dirichlet(np.ones(2**width))
        drawn = generator.multinomial(times * program.shots, chances)
        counts[program.id] = {f"{n:0{width}b}": int(c) for n, c in enumerate(drawn) if c}
    return counts


def kept(path: Path, counts: Mapping[str, Mapping[str, int]]) -> Path:
    path.write_text(json.dumps(counts))
    return path


def to_the_end(
    name: str, folder: Path, settings: Mapping[str, Any], axes: Any = None, **options: Any
) -> tuple[Collection, list[Jobs]]:
    """Rounds with counts of any outcomes until all are done."""
    rounds = []
    configuration = {"study": {"name": name}}
    while (found := jobs(configuration, folder, axes, settings=settings, **options)).waiting:
        rounds.append(found)
        path = kept(folder.parent / f"{folder.name}_{found.round}.json", counted(found))
        collection = collect(folder, [path])
        assert collection.taken and not collection.refused and not collection.missing
    return collection, rounds


def numbers(collection: Collection) -> pd.DataFrame:
    assert collection.results is not None
    return collection.results.table().drop(columns="seconds")


def shares(found: Jobs, identity: str) -> NDArray[np.float64]:
    """The frequency of all zeros, of each circuit that a point ran, in order."""
    counts, point = counted(found), found.manifest.by_identity[identity]
    shown = []
    for use in found.manifest.uses[point.uses]:
        ids = found.manifest.templates[use.template].ids
        for key in (ids[number] for number in use.circuits.ravel()):
            shown.append(counts[key].get("00", 0) / sum(counts[key].values()))
    return np.array(shown)


def test_each_step_of_an_optimiser_is_made_of_the_counts_of_its_round(tmp_path: Path) -> None:
    axes = {"rate": [0.1, 0.3]}
    collection, rounds = to_the_end("learning", tmp_path / "jobs", LEARNING, axes)
    assert [each.round for each in rounds] == [1, 2, 3] and collection.complete == 2
    assert collection.rounds == 3 and not collection.going_on
    # One gradient a round, and nothing besides; in the first both points have the same angles.
    assert [len(each.manifest.wanted) for each in rounds] == [2 * 4, 4 * 4, 4 * 4]
    names = [set(each.manifest.bits) for each in rounds]
    assert len(set().union(*names)) == sum(map(len, names))
    results = collection.results
    assert results is not None
    for point in rounds[0].manifest.points:
        # By hand: angles of the start, the shift rule and Adam.
        angles = np.random.default_rng([0, 0]).uniform(0, 2 * np.pi, 4)
        optimizer = Adam(point.values["rate"])
        for found in rounds:
            ahead, behind = np.split(shares(found, point.identity), 2)
            angles = angles + optimizer.step(-(ahead - behind) / 2)
        own = results.arrays(point.identity)
        np.testing.assert_allclose(own["angles"], angles, atol=1e-12)
    assert list(results.table()["iteration"]) == 2 * [0, 1, 2, 3]
    assert list(results.table()["shots_taken"]) == 2 * [0, 800, 1600, 2400]


def test_what_simulated_counts_lead_to_is_what_the_sweep_does(tmp_path: Path) -> None:
    settings = {**LEARNING, "shots": 3000, "iterations": 2, "rate": 0.3}
    axes = {"repeat": [0, 1, 2]}
    configuration = {"study": {"name": "learning"}}
    model, seed = as_noise(NOISE), 0
    while (found := jobs(configuration, tmp_path / "jobs", axes, settings=settings)).waiting:
        results = []
        for file in found.files:
            batch = cirq.read_json(file)
            circuits = [model.noisy_circuit(each) for each in batch["circuits"].values()]
            seed += 1
            sampler = cirq.DensityMatrixSimulator(seed=seed)
            results.append(sampler.run_batch(circuits, repetitions=batch["shots"]))
        cirq.to_json(results, str(tmp_path / "ran.json"))
        collection = collect(tmp_path / "jobs", [tmp_path / "ran.json"])
        assert not collection.unchecked
    path = tmp_path / "exact.toml"
    path.write_text('[study]\nname = "learning"\n[axes]\nrepeat = [0, 1, 2]\n')
    study, document = load_study(str(path), settings_texts({**settings, "shots": 0}))
    sweep_in_process(study, document, tmp_path / "direct")
    exact = read_results(tmp_path / "direct").table()
    difference = (numbers(collection)["fidelity"] - exact["fidelity"]).abs()
    # Noise is fitted to the counts of all rounds.
    fitted = fit_collected(tmp_path / "jobs", NOISE, ["readout.p01", "readout.p10"])
    shots = sum(sum(own.values()) for own in collection.counts.values())
    assert f"fitted to {shots:,} shots" in str(fitted)
    assert (np.abs(np.array(fitted.values) - [0.01, 0.03]) < 5 * np.array(fitted.errors)).all()
    # All starts are the same; what follows differs by shots alone.
    assert (difference[exact["iteration"] == 0] == 0).all()
    assert 0 < difference.max() < 0.05


@pytest.mark.parametrize("form", ["cirq", "qasm"])
def test_a_training_takes_a_round_for_each_step_and_one_for_the_test(
    tmp_path: Path, form: str
) -> None:
    settings = {**TRAINING, "train": "as_run"}
    collection, rounds = to_the_end("training", tmp_path / "jobs", settings, parallel=2, form=form)
    assert len(rounds) == 3
    # Maps and shifted circuits of a step stand in one round; the test needs no shifted ones.
    uses = [[use.circuits.shape for use in own.manifest.uses[0]] for own in rounds]
    assert [{shape[0] for shape in each} for each in uses] == [{1, 8}, {1, 8}, {1}]
    assert [each.manifest.waits for each in rounds] == [True, True, False]
    for found in rounds:
        assert [file.parent for file in found.files] == [found.files[0].parent] * len(found.files)
        assert any(program.pattern for program in found.manifest.programs)
        assert max(len(program.keys) for program in found.manifest.programs) == 2
    assert len({file.name for each in rounds for file in each.files}) == sum(
        len(each.files) for each in rounds
    )
    row = numbers(collection).iloc[0]
    assert row["tested"] == 10 and row["epoch"] == 1


def test_a_training_without_counts_in_its_steps_is_one_round(tmp_path: Path) -> None:
    collection, rounds = to_the_end("training", tmp_path / "jobs", TRAINING)
    assert len(rounds) == 1 and not rounds[0].manifest.waits and collection.complete == 1


@pytest.mark.parametrize(
    ("method", "most"), [("measured_once", 1), ("each_inversion", 3), ("ideal", 0)]
)
def test_classifiers_are_measured_once_or_in_every_step(
    tmp_path: Path, method: str, most: int
) -> None:
    settings = {key: value for key, value in TRAINING.items() if key != "check_patches"} | {
        "train": True,
        "method": method,
        "filters": 2,
        "shots": 240,
    }
    del settings["convolution.overlap"]
    if not most:
        with pytest.raises(InputError, match="takes shots of any circuit"):
            to_the_end("measured_once", tmp_path / "jobs", settings)
        return
    collection, rounds = to_the_end("measured_once", tmp_path / "jobs", settings)
    assert len(rounds) == most
    assert numbers(collection)["tested"][0] == 10


def test_points_take_as_many_rounds_as_they_need(tmp_path: Path) -> None:
    axes = {"precision": [0.2, 0.07, 0.04]}
    collection, rounds = to_the_end("noise", tmp_path / "jobs", PRECISION, axes)
    table = numbers(collection).set_index("precision")
    assert list(table["shots_taken"]) == sorted(table["shots_taken"])
    assert len(set(table["shots_taken"])) > 1
    # 50, 50, 100, 200, ... shots: each round as many as all before it.
    for precision, row in table.iterrows():
        assert row["estimate_high"] - row["estimate_low"] <= 2 * float(precision) * (1 + 1e-9)
        needed = 1 + round(np.log2(row["shots_taken"] / 50))
        own = [
            r for r in rounds if any(p.values["precision"] == precision for p in r.manifest.points)
        ]
        assert len(own) == needed
    last = {program.shots for program in rounds[-1].manifest.programs}
    assert max(last) == table["shots_taken"].max() // 2


def test_late_and_double_counts_change_nothing(tmp_path: Path) -> None:
    axes = {"repeat": [0, 1]}
    reference, rounds = to_the_end("learning", tmp_path / "jobs", LEARNING, axes)
    configuration = {"study": {"name": "learning"}}
    folder = tmp_path / "again"
    late: list[str] = []
    while (found := jobs(configuration, folder, axes, settings=LEARNING)).waiting:
        # More of all rounds before, and of this one what is there already.
        for each in rounds[: found.round - 1]:
            more = kept(tmp_path / "more.json", counted(each, seed=found.round))
            collection = collect(folder, [more])
            assert collection.taken and set(collection.late) >= set(each.manifest.wanted)
        same = jobs(configuration, folder, axes, settings=LEARNING)
        assert same.manifest.digest == found.manifest.digest and same.files == found.files
        assert found.manifest.digest == rounds[found.round - 1].manifest.digest
        path = tmp_path / f"jobs_{found.round}.json"
        assert collect(folder, [path]).taken
        again = collect(folder, [path])
        assert again.double and not again.taken
        late = again.lines()
    assert any("left out as later circuits were decided" in line for line in late)
    collection = collect(folder)
    assert len(collection.late) == sum(len(each.manifest.wanted) for each in rounds[:2])
    pd.testing.assert_frame_equal(numbers(collection), numbers(reference))
    with pytest.raises(InputError, match="decided circuits: leave shots out"):
        collect(folder, shots=50)


def test_a_part_of_the_counts_makes_no_round(tmp_path: Path, capsys: Any) -> None:
    configuration, folder = {"study": {"name": "learning"}}, tmp_path / "jobs"
    found = jobs(configuration, folder, settings=LEARNING)
    counts = counted(found)
    part = dict(list(counts.items())[:-1])
    collection = collect(folder, [kept(tmp_path / "part.json", part)])
    assert len(collection.missing) == 1 and collection.results is None
    again = jobs(configuration, folder, settings=LEARNING)
    assert again.round == 1 and again.waiting and again.missing == collection.missing
    assert "shots are missing of 1 of 8 circuits" in again.lines()[1]
    # Files that are gone are written again, of later rounds too.
    collect(folder, [kept(tmp_path / "rest.json", dict(list(counts.items())[-1:]))])
    second = jobs(configuration, folder, settings=LEARNING)
    assert second.round == 2
    text = second.files[0].read_bytes()
    second.files[0].unlink()
    third = jobs(configuration, folder, settings=LEARNING)
    assert third.files == second.files and second.files[0].read_bytes() == text
    collect(folder, [kept(tmp_path / "second.json", counted(second))])
    shutil.move(folder / "round_0002", tmp_path / "away")
    assert main(["collect", str(folder)]) == 2
    assert "put back the round that is gone" in capsys.readouterr().err
    shutil.move(tmp_path / "away", folder / "round_0002")
    for other in ({"settings": {**LEARNING, "shots": 7}}, {"parallel": 2}, {"form": "qasm"}):
        with pytest.raises(InputError, match="holds other jobs"):
            jobs(configuration, folder, **{"settings": LEARNING, **other})  # type: ignore[arg-type]


def test_killed_at_any_step_of_any_round_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**LEARNING, "iterations": 2}
    reference, rounds = to_the_end("learning", tmp_path / "jobs", settings)
    configuration, folder, before = {"study": {"name": "learning"}}, tmp_path / "a", tmp_path / "b"

    def hand_out() -> Jobs:
        return jobs(configuration, folder, settings=settings)

    steps = 0
    for number, expected in enumerate([*rounds, None], start=1):
        path = tmp_path / f"jobs_{number}.json"
        for action in (hand_out, lambda path=path: collect(folder, [path])):
            if expected is None and action is not hand_out:
                continue
            if folder.exists():
                shutil.copytree(folder, before)
            step = 1
            while killed_at(step, action, monkeypatch):
                step += 1
                found = action()
                if isinstance(found, Jobs) and expected is not None:
                    assert found.manifest.digest == expected.manifest.digest
                    assert found.round == number
                shutil.rmtree(folder)
                if before.exists():
                    shutil.copytree(before, folder)
            steps += step - 1
            shutil.rmtree(before, ignore_errors=True)
    assert steps > 15 and not hand_out().waiting
    pd.testing.assert_frame_equal(numbers(collect(folder)), numbers(reference))


def test_counts_that_come_while_a_round_is_made_do_not_decide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration, folder = {"study": {"name": "learning"}}, tmp_path / "jobs"

    def hand_out() -> Jobs:
        return jobs(configuration, folder, settings=LEARNING)

    first = hand_out()
    collect(folder, [kept(tmp_path / "first.json", counted(first))])
    step = 1
    while not (folder / "round_0002" / "decided.json").exists():
        assert killed_at(step, hand_out, monkeypatch)
        step += 1
    assert not (folder / "round_0002" / "jobs.json").exists()
    shutil.copytree(folder, tmp_path / "other")
    second = hand_out()
    other = tmp_path / "other"
    collect(other, [kept(tmp_path / "late.json", counted(first, seed=1))])
    assert jobs(configuration, other, settings=LEARNING).manifest.digest == second.manifest.digest


def test_what_was_changed_in_the_rounds_is_named(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "jobs"
    configuration = tmp_path / "learning.toml"
    configuration.write_text('[study]\nname = "learning"\n')
    options = [word for each in settings_texts(LEARNING) for word in ("--set", each)]
    again = ["jobs", str(configuration), "--out", str(folder), *options]
    for number in (1, 2):
        assert main([*again, "--quiet"]) == 0
        manifest = read_rounds(folder).last
        found = Jobs(folder, manifest, number)
        path = kept(tmp_path / f"{number}.json", counted(found))
        assert main(["collect", str(folder), str(path), "--quiet"]) == 0
    assert "2 rounds done: 1 point to go on" in capsys.readouterr().out
    assert main([*again, "--quiet"]) == 0
    assert "round 3: 1 point: 8 circuits" in capsys.readouterr().out

    def refused(words: str) -> None:
        for command in (["collect", str(folder)], again):
            assert main(command) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert words in line, line

    second = folder / "round_0002"
    for name in ("jobs.json", "decided.json"):
        text = (second / name).read_bytes()
        for change in (text[:-30], text.replace(b"1", b"2"), b"", b"{}"):
            (second / name).write_bytes(change)
            refused(name)
        (second / name).unlink()
        refused("no round 2" if name == "jobs.json" else "decided.json is not there")
        (second / name).write_bytes(text)
    # Of other counts, sealed anew.
    content = json.loads((second / "decided.json").read_text())
    own = {key: value for key, value in content.items() if key != "sha256"}
    text = (second / "decided.json").read_bytes()
    write_sealed(second / "decided.json", {**own, "files": {"0" * 64: "x.json"}})
    refused("jobs.json is damaged")
    write_sealed(second / "decided.json", {**own, "before": "0" * 64})
    refused("is of other jobs")
    (second / "decided.json").write_bytes(text)
    shutil.move(second, tmp_path / "away")
    refused("no round 2")
    shutil.copytree(folder / "round_0003", second)
    refused("round_0002/decided.json is of other jobs")
    shutil.rmtree(second)
    shutil.move(tmp_path / "away", second)
    # Counts that decided a round, taken away and collected again.
    (key,) = read_rounds(folder).decided[0].files
    (folder / "counts" / f"{key}.json").rename(tmp_path / "counts.json")
    refused("collect 1.json again")
    assert main(["collect", str(folder), str(tmp_path / "1.json"), "--quiet"]) == 0


def test_files_in_the_wrong_place_are_named(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "jobs"
    found = jobs({"study": {"name": "learning"}}, folder, settings=LEARNING)
    counts = kept(tmp_path / "counts.json", counted(found))
    assert main(["collect", str(folder), str(counts)]) == 0
    (copy,) = (folder / "counts").iterdir()
    second = jobs({"study": {"name": "learning"}}, folder, settings=LEARNING)
    capsys.readouterr()
    for words, *files in (
        ("is a file of circuits that are to be run: give the folder", found.files[0]),
        ("is a file of circuits that are to be run: give the folder", found.files[0], counts),
        ("is the manifest of jobs: give the folder", folder / "jobs.json"),
        ("is a file: give the folder", counts),
        ("holds a later round of jobs", second.files[0].parent),
        ("holds circuits that are to be run, no counts", folder, found.files[0]),
        ("is the manifest of jobs, no file of counts", folder, folder / "jobs.json"),
        ("is a copy that was kept", folder, copy),
    ):
        assert main(["collect", *map(str, files)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line


def test_jobs_of_one_round_are_as_they_were(tmp_path: Path) -> None:
    settings = {key: value for key, value in PRECISION.items() if key != "precision"}
    del settings["most_shots"]
    _, rounds = to_the_end("noise", tmp_path / "jobs", settings)
    (found,) = rounds
    content = json.loads((tmp_path / "jobs" / "jobs.json").read_text())
    assert content["jobs"] == 1 and "before" not in content
    assert not any("waits" in each for each in content["points"])
    assert isinstance(found.manifest, Manifest) and not found.manifest.waits
    done = jobs({"study": {"name": "noise"}}, tmp_path / "jobs", settings=settings)
    assert not done.waiting and not done.files
    assert done.lines()[1:] == ["all shots are there: nothing is to be run"]
