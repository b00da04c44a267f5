"""What identifies a point, what decides whether its results are used again, and adding shots."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd
import pytest
from helpers import sweep_in_process
from test_sweeps import DOCUMENT, NOISE

from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from studies import load
from studies.images import data_digest, occupied_patches, selected
from studies.noise.configuration import NoisePoint
from studies.sweep.catalogue import study_named
from studies.sweep.chunks import MeasuredPoint, write_chunk
from studies.sweep.plan import make_plan, resolve, seed_of
from studies.sweep.results import load_arrays, merge, status
from studies.sweep.store import open_folder
from studies.sweep.study import Study
from studies.sweep.workers import Task, run_chunk

FIXED = {name: table for name, table in DOCUMENT.items() if name != "axes"}
STUDY = FIXED["study"]
OLD = Path(__file__).parent / "old_results" / "schema_2"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured") / "sweep"
    sweep_in_process(NOISE, DOCUMENT, folder)
    return folder


# Identities.


def identity(document: Mapping[str, Any], kind: Study = NOISE) -> str:
    """The identity of the only point of a configuration."""
    (point,) = make_plan(kind, document).points
    return point.identity


def test_infinite_times_of_decay_can_be_swept() -> None:
    def identities(axes: Mapping[str, Any], **noise: Any) -> list[str]:
        document = {**FIXED, "noise": {"thermal": {"t1": 9.0, "t2": 8.0, **noise}}, "axes": axes}
        plan = make_plan(NOISE, document)
        assert json.dumps(plan.to_mapping(), allow_nan=False)
        return [point.identity for point in plan.points]

    swept = identities({"noise.thermal.t1": [9.0, math.inf]})
    assert swept == identities({}) + identities({}, t1=math.inf)
    tables = [{"t1": 9.0, "t2": 8.0}, {"t1": math.inf, "t2": 8.0}]
    assert identities({"noise.thermal": tables}) == swept


def test_an_identity_depends_on_what_decides_the_outcome_and_on_nothing_else() -> None:
    own = identity(FIXED)

    def other(**changes: Any) -> str:
        return identity({**FIXED, **changes})

    # The order of keys and the spelling of numbers and of defaults do not matter.
    convolution = FIXED["convolution"]
    assert other(noise={"depolarizing": {"p2": 0.03, "p1": 0.01}}) == own
    assert other(study=dict(reversed(STUDY.items()))) == own
    assert other(noise={"scale": 1, "depolarizing": {"p1": 0.01, "p2": 0.03}}) == own
    assert other(study={**STUDY, "layout": "auto", "seed": 0}) == own
    assert other(convolution={**convolution, "padding": [0, 0], "stride": (3, 3)}) == own
    # Nor do shots, which can be added.
    assert other(study={**STUDY, "shots": 101}) == own
    assert other(study={**STUDY, "precision": 0.1}) == own
    changed = {
        other(noise={"depolarizing": {"p1": 0.01, "p2": 0.031}}),
        other(study={**STUDY, "seed": 1}),
        other(study={**STUDY, "first": 1}),
        other(study={**STUDY, "device": "grid:4x4"}),
        other(convolution={**convolution, "overlap": "destructive"}),
    }
    assert len(changed) == 5
    assert own not in changed


GOLDEN = {
    "noise": (
        {},
        "2a1de85fdf2b7e3fd725f43fecc424ec59333bc33469bf2eca60d48820725937",
        481973163,
    ),
    "gradient": (
        {"study": {"repeat": 3}, "noise": "willow_pink"},
        "9ea81abdb170c4b9d4510fb2067b71d81c68c6c5639220eeb0c9cd649f2e8758",
        3764263385,
    ),
    "learning": (
        {"convolution": {"filters": {"kind": "ansatz", "layers": 2}}},
        "1eed6f608c6ddd5b279f58bf78120509796c8ddaf014343ffcd27b73bc9a2a2f",
        156731529,
    ),
    "training": (
        {"study": {"shots": 1000, "train": "as_run", "images": 60}, "noise": "willow_pink"},
        "1d076fdc6d0bf57d7ebb2c8064a3dbbe55342f185eba144a7f443816b6c1a518",
        1013099529,
    ),
}
"""Configurations, with the identity of their point and the first number of its seed."""


@pytest.mark.parametrize("name", GOLDEN)
def test_identities_and_seeds_are_those_of_earlier_versions(name: str) -> None:
    document, expected, drawn = GOLDEN[name]
    found = identity({"study": {"name": name}, **document}, study_named(name))
    assert (found, seed_of(found).generate_state(1)[0]) == (expected, drawn)


def test_a_new_setting_with_a_default_changes_no_identity() -> None:
    @attrs.frozen
    class Later(NoisePoint):
        temperature: float = 0.01

    later = dataclasses.replace(NOISE, settings=Later)
    assert identity(FIXED, later) == identity(FIXED)
    warmer = {**FIXED, "study": {**STUDY, "temperature": 0.02}}
    assert identity(warmer, later) != identity(FIXED)


def test_swept_shots_make_points_of_their_own() -> None:
    swept = {**DOCUMENT, "axes": {"shots": [100, 1000]}}
    identities = {point.identity for point in make_plan(NOISE, swept).points}
    assert len(identities | {identity(FIXED)}) == 3


# Reuse.


@pytest.mark.parametrize("different", ["measurement", "circuits", "images"])
def test_other_circuits_or_data_or_rules_keep_the_seeds_and_are_refused_by_name(
    different: str, measured: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(measured, folder)
    changed = dataclasses.replace(
        NOISE, digest=lambda settings: {**NOISE.digest(settings), different: "another"}
    )
    plan, usual = make_plan(changed, DOCUMENT), make_plan(NOISE, DOCUMENT)
    assert [point.identity for point in plan.points] == [point.identity for point in usual.points]
    words = {"measurement": "measurement rules"}.get(different, different)
    with pytest.raises(InputError, match=f"measured with other {words}.* at 12 point.*ancilla"):
        open_folder(folder, plan)
    # Nor are its chunks, moved to a folder of the same sweep, taken for its own.
    open_folder(tmp_path / "other", plan)
    chunk = next((folder / "chunks").iterdir())
    shutil.copy(chunk, tmp_path / "other" / "chunks")
    with pytest.raises(InputError, match="other circuits, data or versions"):
        status(tmp_path / "other")
    (tmp_path / "other" / "chunks" / chunk.name).unlink()
    with pytest.raises(InputError, match=f"other {words}.*cannot be merged"):
        merge([measured, tmp_path / "other"], tmp_path / "merged")


def test_folders_of_an_earlier_version_are_read_and_not_gone_on_with(
    tmp_path: Path, capsys: Any
) -> None:
    folder = tmp_path / "old"
    shutil.copytree(OLD, folder)
    table = load(folder)
    assert table["noise.scale"].tolist() == [0.5, 0.5, 2.0, 2.0]
    assert table["rmse"].iloc[0] == 0.09068034727770684
    assert load_arrays(folder, table["point"][0])["counts"].shape == (1, 3)
    for verb in (["status"], ["plot"], ["report"], ["export", "--out", str(tmp_path / "a.csv")]):
        assert main([verb[0], str(folder), *verb[1:], "--quiet"]) == 0
    assert (folder / "error_against_noise_scale.png").exists()
    capsys.readouterr()
    assert main(["study", str(folder / "configuration.toml"), "--out", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "another version (schema 2)" in line and len(line) <= 200


# Shots that are added.


def test_a_point_is_measured_further_and_counts_add(tmp_path: Path) -> None:
    def run(shots: int, folder: str = "grown", **study: Any) -> tuple[pd.DataFrame, list[Any]]:
        document = {
            **DOCUMENT,
            "study": {**STUDY, "shots": shots, **study},
            "axes": {"noise.scale": [0.5, 2.0]},
        }
        sweep_in_process(NOISE, document, tmp_path / folder)
        table = load(tmp_path / folder)
        return table, [load_arrays(tmp_path / folder, point) for point in table["point"]]

    few, first = run(1000)
    many, both = run(10_000)
    assert many["point"].tolist() == few["point"].tolist()
    assert many["shots_taken"].tolist() == [10_000, 10_000]
    for before, after in zip(first, both, strict=True):
        assert after["rounds"].tolist() == [1000, 9000]
        added = after["counts"] - before["counts"]
        assert (added >= 0).all() and (added <= 9000).all() and added.any()
    # The shots that are added are others: the error falls as that of 10,000 independent ones.
    at_once, fresh = run(10_000, "at_once")
    assert (fresh[0]["counts"] != both[0]["counts"]).any()
    np.testing.assert_allclose(many["shot_rmse"], at_once["shot_rmse"], rtol=1e-12)
    # What was measured with fewer is not lost: asked for again, it is there, and nothing is run.
    chunks = sorted((tmp_path / "grown" / "chunks").iterdir())
    again, _ = run(1000)
    pd.testing.assert_frame_equal(again, few)
    assert sorted((tmp_path / "grown" / "chunks").iterdir()) == chunks
    # A precision goes on from the most shots there are.
    narrow, arrays = run(1000, precision=0.004)
    assert arrays[0]["rounds"].tolist()[:3] == [1000, 9000, 10_000]
    widths = narrow["estimate_high"] - narrow["estimate_low"]
    assert (widths <= 0.008).all() and (narrow["shots_taken"] > 10_000).all()


def test_shots_that_are_added_are_independent_of_those_before(tmp_path: Path) -> None:
    document = {
        **DOCUMENT,
        "study": {**STUDY, "images": 4},
        "noise": {},
        "axes": {"repeat": list(range(6))},
    }
    settings = [point.settings for point in make_plan(NOISE, document).points]
    correlations = []
    for point, own in zip(make_plan(NOISE, document).points, settings, strict=True):
        more = attrs.evolve(own, shots=2 * own.shots)
        first = NOISE.measure(own, seed_of(point.identity), None)
        second = NOISE.measure(more, seed_of(point.identity), first.arrays)
        exact = first.arrays["exact"]
        parts = first.arrays["counts"], second.arrays["counts"] - first.arrays["counts"]
        errors = [2 * part / own.shots - 1 - exact for part in parts]
        correlations.append(np.corrcoef(errors[0].ravel(), errors[1].ravel())[0, 1])
    # About a hundred patches each; equal streams would give 1.
    assert abs(np.mean(correlations)) < 0.15


def test_a_point_that_cannot_be_measured_further_is_told_and_not_shown_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {**DOCUMENT, "axes": {"repeat": [0, 1]}}
    sweep_in_process(NOISE, document, tmp_path)
    more = {**document, "study": {**document["study"], "shots": 200}}
    plan = make_plan(NOISE, more)
    open_folder(tmp_path, plan)
    state = status(tmp_path)
    assert (state.done, state.missing) == (0, 2)
    failed = [MeasuredPoint(plan.points[0].identity, [], error="out of memory")]
    resolved = {point.identity: resolve(NOISE, point) for point in plan.points}
    write_chunk(tmp_path, "noise", plan.digest, {}, failed, resolved)
    state = status(tmp_path)
    assert (state.done, len(state.failed), state.missing) == (0, 1, 1)


def test_a_precision_that_is_reached_takes_no_more_shots(tmp_path: Path) -> None:
    def run(**study: Any) -> pd.DataFrame:
        document = {**DOCUMENT, "study": {**STUDY, **study}, "axes": {"noise.scale": [0.5, 2.0]}}
        sweep_in_process(NOISE, document, tmp_path)
        return load(tmp_path)

    fine = run(precision=0.02)
    columns = ["shots_taken", "rmse", "systematic_rmse", "estimate_low"]
    for coarse in ({"precision": 0.05}, {"precision": 0.02, "most_shots": 2 * 10**7}):
        pd.testing.assert_frame_equal(run(**coarse)[columns], fine[columns])


def test_most_shots_without_a_precision_is_refused() -> None:
    with pytest.raises(InputError, match=r"most_shots = 5000 has no effect without a precision"):
        make_plan(NOISE, {**FIXED, "study": {**STUDY, "most_shots": 5000}})


def test_folders_with_other_shots_are_not_merged(measured: Path, tmp_path: Path) -> None:
    more = {**DOCUMENT, "study": {**STUDY, "shots": 200}}
    open_folder(tmp_path / "more", make_plan(NOISE, more))
    with pytest.raises(InputError, match="shots = 200 where .* has 100: run one of them again"):
        merge([measured, tmp_path / "more"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_images_that_a_classifier_is_fitted_to_decide_too(tmp_path: Path) -> None:
    def digests(shift: float) -> Mapping[str, str]:
        images = np.random.default_rng(0).random((60, 6, 6))
        labels = np.arange(60) % 10
        np.savez(
            tmp_path / "own.npz",
            train_images=images + shift,
            train_labels=labels,
            test_images=images,
            test_labels=labels,
        )
        for cached in (selected, occupied_patches, data_digest):
            cached.cache_clear()
        own = {**STUDY, "split": "test", "classify": 20, "data": str(tmp_path / "own.npz")}
        (point,) = make_plan(NOISE, {**FIXED, "study": own}).points
        return point.digests

    one, other = digests(0.0), digests(0.5)
    assert {key for key in one if one[key] != other[key]} == {"training images"}


def test_the_same_data_in_another_folder_have_the_same_seeds(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((3, 6, 6))
    points = []
    for folder, shift in (("one", 0.0), ("other", 0.0), ("changed", 0.5)):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "own.npz"
        np.savez(file, train_images=images + shift, test_images=images)
        own = {**STUDY, "data": str(file), "images": 2}
        points += make_plan(NOISE, {**FIXED, "study": own}).points
    one, other, changed = points
    assert one.identity == other.identity and one.digests == other.digests
    # Whoever goes on with other images is told.
    assert one.digests != changed.digests


def test_the_same_device_in_another_folder_has_the_same_seeds(tmp_path: Path) -> None:
    points = []
    for folder, drawing in (("one", "QQQ"), ("other", "QQQ"), ("changed", "-QQQ")):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "lab.toml"
        rows = "\n".join([drawing] * 3)
        file.write_text(f'[device]\nname = "lab"\ndiagram = """\n{rows}\n"""\n')
        own = {**STUDY, "device": str(file)}
        points += make_plan(NOISE, {**FIXED, "study": own}).points
    one, other, changed = points
    assert one.identity == other.identity and one.digests == other.digests
    # Its circuits are elsewhere.
    assert one.digests != changed.digests


def test_a_worker_with_other_circuits_than_the_plan_measures_nothing() -> None:
    (point,) = make_plan(NOISE, FIXED).points
    same, other = (
        run_chunk("noise", [Task(point.identity, point.document, None, digests)])[0]
        for digests in (point.digests, {**point.digests, "circuits": "f" * 64})
    )
    assert same.error is None
    assert other.error is not None and "the worker has other circuits than" in other.error


def test_points_that_failed_with_other_digests_are_planned_anew(tmp_path: Path) -> None:
    document = {**DOCUMENT, "axes": {"repeat": [0, 1]}}
    lacking = dataclasses.replace(
        NOISE, digest=lambda settings: {**NOISE.digest(settings), "simulator": "aer None"}
    )
    plan = make_plan(lacking, document)
    open_folder(tmp_path, plan)
    resolved = {point.identity: resolve(lacking, point) for point in plan.points}
    failed = [MeasuredPoint(point.identity, [], error="not installed") for point in plan.points]
    write_chunk(tmp_path, "noise", plan.digest, {}, failed, resolved)
    assert len(status(tmp_path).failed) == 2
    sweep_in_process(NOISE, document, tmp_path)
    assert (status(tmp_path).done, status(tmp_path).failed) == (2, ())


def test_chunks_of_an_earlier_version_keep_a_lost_plan_from_being_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(OLD, folder)
    (folder / "plan.json").unlink()
    assert main(["study", str(folder / "configuration.toml"), "--out", str(folder)]) == 2
    assert not (folder / "plan.json").exists()
