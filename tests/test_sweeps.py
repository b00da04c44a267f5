"""Sweeps: axes, identities, stored chunks, and the same numbers however they are computed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import HereAndNow, here_and_now, run_points
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models.writing import atomic_write
from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from studies import load
from studies.settings import override
from studies.sweep import job as sweep_job
from studies.sweep.adaptive import interval
from studies.sweep.axes import combinations, place, read_axes
from studies.sweep.catalogue import STUDIES, load_study, study_named
from studies.sweep.chunks import MeasuredPoint, decode_array, encode_array, write_chunk
from studies.sweep.job import RunOptions, dry_run, dry_run_text, finish, run_sweep
from studies.sweep.plan import Plan, make_plan, resolve, seed_of, shard
from studies.sweep.results import Results, export, failure_lines, load_arrays, merge, status
from studies.sweep.run import Stop
from studies.sweep.store import open_folder
from studies.sweep.workers import Task, run_chunk

DOCUMENT: dict[str, Any] = {
    "study": {"name": "noise", "images": 1, "shots": 100, "device": "grid:3x3"},
    "convolution": {
        "kernel": [2, 2],
        "stride": 3,
        "filters": {"kind": "fixed", "values": [[0.1, -0.4], [0.3, 0.9]]},
    },
    "noise": {"depolarizing": {"p1": 0.01, "p2": 0.03}},
    "axes": {
        "convolution.overlap": ["ancilla", "inversion"],
        "noise.scale": [0.0, 1.0, 2.0],
        "repeat": [0, 1],
    },
}
NOISE = study_named("noise")


def table_without_times(folder: Path) -> pd.DataFrame:
    return load(folder).drop(columns="seconds")


def compute(
    plan: Plan, folder: Path, points: Sequence[Any] | None = None, deadly: Any = None
) -> list[MeasuredPoint]:
    open_folder(folder, plan)
    own = plan.points if points is None else points
    return run_points(plan, own, folder, HereAndNow(deadly), {}, lambda count: None, Stop())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    compute(make_plan(NOISE, DOCUMENT), folder)
    return folder


# Axes and identities.


def test_axes_multiply_and_zipped_axes_vary_together() -> None:
    document = {
        "axes": {"shots": [1, 2], "noise.scale": {"start": 0.0, "stop": 1.0, "points": 3}},
        "zip": {"noise.depolarizing.p1": [0.1, 0.2], "noise.depolarizing.p2": [0.3, 0.4]},
    }
    points = list(combinations(read_axes(document, ("shots",))))
    assert len(points) == 12
    assert {(p["study.shots"], p["noise.scale"]) for p in points} == {
        (shots, scale) for shots in (1, 2) for scale in (0.0, 0.5, 1.0)
    }
    assert {(p["noise.depolarizing.p1"], p["noise.depolarizing.p2"]) for p in points} == {
        (0.1, 0.3),
        (0.2, 0.4),
    }


def test_a_value_of_a_zipped_setting_leaves_the_steps_that_have_it() -> None:
    document = {"study": {}, "zip": {"model": ["a", "b", "b"], "shots": [1, 1, 2]}}
    for given_settings, left in (
        (["model=b"], {"model": ["b", "b"], "shots": [1, 2]}),
        (["model=b", "shots=1"], {"model": ["b"], "shots": [1]}),
        (['model=["b"]'], {"model": ["b", "b"], "shots": [1, 2]}),
        (["shots=1"], {"model": ["a", "b"], "shots": [1, 1]}),
        # A list as long as the others takes the place of the setting's own.
        (['model=["b", "a", "a"]'], {"model": ["b", "a", "a"], "shots": [1, 1, 2]}),
    ):
        assert override(document, given_settings, ("model", "shots"))["zip"] == left
    fixed = override(document, ["model=c"], ("model", "shots"))
    assert fixed == {"study": {"model": "c"}, "zip": {"shots": [1, 1, 2]}}


def test_what_is_left_of_zipped_settings_twice_is_told() -> None:
    together = {"repeat": [1, 1], "noise.scale": [0.5, 1.0]}
    document = override({**DOCUMENT, "axes": {}, "zip": together}, ["noise.scale=2.0"], ())
    with pytest.raises(
        InputError, match="two points are the same: entries of .zip. .* set .*repeat = 1"
    ):
        make_plan(NOISE, document)


@given(start=st.integers(1, 10**6), factor=st.integers(2, 1000), points=st.integers(2, 30))
def test_a_logarithmic_range_between_whole_numbers_is_whole_and_has_both_ends(
    start: int, factor: int, points: int
) -> None:
    entry = {
        "start": start,
        "stop": start * factor,
        "points": points,
        "spacing": "logarithmic",
    }
    (axis,) = read_axes({"axes": {"shots": entry}}, ("shots",))
    values = [value for (value,) in axis.values]
    assert all(isinstance(value, int) for value in values)
    assert values == sorted(set(values))
    assert (values[0], values[-1]) == (start, start * factor)
    assert len(values) <= points


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"axes": {"shots": []}}, "give a list"),
        ({"axes": {"shots": 5}}, "give a list"),
        ({"axes": {"shots": [5, 5]}}, "twice"),
        ({"axes": {"shots": [5]}, "zip": {"shots": [6]}}, "swept twice"),
        # The noise of [zip] takes the place of the table with that scale.
        ({"axes": {"noise.scale": [0.5]}, "zip": {"noise": ["ideal"]}}, "scale. has no effect"),
        ({"zip": {"shots": [5, 6], "repeat": [1]}}, "equally long"),
        ({"axes": {"shots": {"start": 1, "stop": 2}}}, "points"),
        ({"axes": {"shots": {"start": 1, "stop": 2, "points": 2, "spacing": "cubic"}}}, "spacing"),
        ({"axes": {"shots": {"kind": "own"}}}, "list of its values"),
        ({"axes": {"shots": {"start": 0, "stop": 2, "points": 2, "spacing": "logarithmic"}}}, "0"),
        ({"axes": {"shots": {"start": 1, "stop": 2, "points": 2, "step": 1}}}, "step"),
        ({"axes": {k: list(range(1000)) for k in ("shots", "repeat", "seed")}}, "1000000000"),
        ({"axes": {"noise.p3": [1]}}, "p3"),
        ({"axes": {"shots": [10, 10.5]}}, "10.5"),
        ({"axes": {"study.images.x": [1]}}, "not a table"),
    ],
)
def test_bad_axes_are_refused_by_name(axes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_plan(NOISE, {**{k: v for k, v in DOCUMENT.items() if k != "axes"}, **axes})


def test_points_that_mean_the_same_are_refused() -> None:
    document = {**DOCUMENT, "axes": {"convolution.kernel": [[2, 2], 2]}}
    with pytest.raises(InputError, match="mean the same"):
        make_plan(NOISE, document)


def test_the_written_configuration_makes_the_same_plan(undisturbed: Path) -> None:
    kind, document = load_study(str(undisturbed / "configuration.toml"))
    assert make_plan(kind, document).digest == make_plan(NOISE, DOCUMENT).digest  # type: ignore[arg-type]


def test_settings_fix_replace_and_add_axes() -> None:
    keys = NOISE.study_keys
    fixed = override(DOCUMENT, ["noise.scale=0.5", "repeat=3"], keys)
    assert fixed["axes"] == {"convolution.overlap": ["ancilla", "inversion"]}
    assert (fixed["noise"]["scale"], fixed["study"]["repeat"]) == (0.5, 3)
    assert override(DOCUMENT, ["repeat=[7, 8, 9]"], keys)["axes"]["repeat"] == [7, 8, 9]
    added = override(DOCUMENT, ["axes.noise.depolarizing.p2=[0.1, 0.2]"], keys)
    assert added["axes"]["noise.depolarizing.p2"] == [0.1, 0.2]
    every = ["convolution.overlap=ancilla", "noise.scale=1.0", "repeat=0"]
    assert "axes" not in override(DOCUMENT, every, keys)


@pytest.mark.parametrize("key", ["a=b.py:Mine", "a.b=c.d:Mine", "="])
def test_a_part_of_a_key_in_double_quotes_may_hold_what_separates(key: str) -> None:
    fixed = override({}, [f'noise."{key}".p = "x=1"'], ())
    assert fixed == {"noise": {key: {"p": "x=1"}}}
    (point,) = combinations(read_axes(override({}, [f'noise."{key}".p=[0.1]'], ()), ()))
    assert place({}, point) == {"noise": {key: {"p": 0.1}}}


@pytest.mark.parametrize("setting", ['noise."a=b.py:Mine.p=0.1', "noise", "=1", 'noise."a=b"', ""])
def test_a_setting_without_key_or_value_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match="is not of the form key=value"):
        override({}, [setting], ())


@pytest.mark.parametrize(
    ("table", "settings", "words"),
    [
        ({"noise": {"scale": [1, 2]}}, [], r'write "noise\.scale" = \[...\]'),
        ({"noise": {"readout": {"p": {"start": 0, "stop": 1}}}}, [], r'"noise\.readout\.p" ='),
        ({}, ["stride=3"], r"set convolution\.stride instead"),
        ({}, ["filters.layers=3"], r"set convolution\.filters\.layers instead"),
        ({}, ["scale=[1, 2]"], r"set noise\.scale instead"),
        ({}, ["noise.scale=0.5,1,2"], r"in brackets, 'noise\.scale=\[0\.5,1,2\]'"),
        ({}, ["convolution.kernel = 2, 3"], r"convolution\.kernel=\[2, 3\]"),
    ],
)
def test_a_misspelt_axis_or_setting_is_refused_with_its_right_spelling(
    table: dict[str, Any], settings: list[str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_axes(override({"axes": table}, settings, NOISE.study_keys), NOISE.study_keys)


def test_values_apart_by_commas_are_text_where_they_are_quoted_or_no_list() -> None:
    taken = override({}, ["data='1,2'", "device=a,b"], ["data", "device"])
    assert taken == {"study": {"data": "1,2", "device": "a,b"}}


def test_a_file_of_python_is_no_configuration_and_its_study_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"mystudy\.py is Python.* as in mystudy\.py:STUDY"):
        load_study("mystudy.py")


@pytest.mark.parametrize("table", ["axes", "zip"])
@pytest.mark.parametrize("value", ["0", "''", "[]", "false", "5", "repeat", "[1]"])
@pytest.mark.parametrize("then", [[], ["repeat=1"]])
def test_axes_that_are_no_table_are_refused(table: str, value: str, then: list[str]) -> None:
    with pytest.raises(InputError, match=f"{table} = .* must be a table"):
        override(DOCUMENT, [f"{table}={value}", *then], NOISE.study_keys)


@pytest.mark.parametrize("key", ["noise.scale.points", "study.repeat.stop"])
def test_a_part_of_a_swept_range_cannot_be_set(key: str) -> None:
    """Every point would replace it."""
    with pytest.raises(InputError, match="cannot be set: .* is swept over"):
        override(DOCUMENT, [f"{key}=3"], NOISE.study_keys)


@pytest.mark.parametrize("setting", ["study.name=other", "study.name=5", "study={images=1}"])
def test_a_study_keeps_its_name(setting: str) -> None:
    """Otherwise the written configuration could not be run again."""
    with pytest.raises(InputError, match=r"study\.name = .* cannot be set"):
        load_study("noise", [setting])


@given(number=st.integers(1, 5), more=st.integers(0, 4), points=st.integers(0, 40))
def test_shards_are_a_partition(number: int, more: int, points: int) -> None:
    count = number + more
    items: list[Any] = list(range(points))
    parts = [shard(items, each, count) for each in range(1, count + 1)]
    assert sorted(sum(parts, [])) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


# The same numbers, however they are computed.


def test_every_row_is_measured_and_matches_what_theory_predicts(undisturbed: Path) -> None:
    table = load(undisturbed)
    assert len(table) == 12
    assert list(table.columns[:4]) == ["point", "convolution.overlap", "noise.scale", "repeat"]
    assert set(table.columns) - {"point", "seconds", *DOCUMENT["axes"]} <= set(NOISE.columns)
    ratio = table["rmse"] / table["predicted_rmse"]
    # 50 to 60 patches a point: a standard deviation of about 10 %.
    assert ratio.between(0.6, 1.4).all()
    ideal = table[table["noise.scale"] == 0]
    assert (ideal["systematic_rmse"] < 1e-12).all()
    arrays = load_arrays(undisturbed, table["point"][0])
    assert arrays.pop("rounds").tolist() == [100]
    assert {array.shape for array in arrays.values()} == {(1, table["patches"][0])}
    np.testing.assert_allclose(arrays["estimates"], 2 * arrays["counts"] / 100 - 1, atol=1e-12)
    assert arrays["estimates"].mean() == pytest.approx(table["mean_estimate"][0], abs=1e-12)
    assert arrays["exact"].mean() == pytest.approx(table["mean_overlap"][0], abs=1e-12)
    errors = arrays["estimates"] - arrays["exact"]
    assert np.sqrt((errors**2).mean()) == pytest.approx(table["rmse"][0], abs=1e-12)


def test_order_and_sharding_change_no_number(undisturbed: Path, tmp_path: Path) -> None:
    plan = make_plan(NOISE, DOCUMENT)
    compute(plan, tmp_path / "backwards", plan.points[::-1])
    parts = []
    for number in (1, 2, 3):
        parts.append(tmp_path / f"shard-{number}")
        compute(plan, parts[-1], shard(plan.points, number, 3))
    state = merge(parts, tmp_path / "merged")
    assert (state.done, state.missing) == (12, 0)
    for folder in (tmp_path / "backwards", tmp_path / "merged"):
        pd.testing.assert_frame_equal(
            table_without_times(folder), table_without_times(undisturbed), check_exact=True
        )


# Failures.


def test_a_point_that_fails_is_recorded_and_stops_nothing(tmp_path: Path) -> None:
    document = {**DOCUMENT, "axes": {"device": ["grid:3x3", "grid:1x2"], "repeat": [0, 1]}}
    plan = make_plan(NOISE, document)
    failures = compute(plan, tmp_path)
    assert len(failures) == 2
    state = status(tmp_path)
    assert (state.done, len(state.failed), state.missing) == (2, 2, 0)
    assert state.failed[0][0] == {"device": "grid:1x2", "repeat": 0}
    assert "needs 5 qubits" in state.failed[0][1]
    assert len(load(tmp_path)) == 2
    assert main(["status", str(tmp_path), "--json"]) == 1


def test_a_point_that_kills_its_worker_is_found_and_the_others_are_measured(
    undisturbed: Path, tmp_path: Path
) -> None:
    plan = make_plan(NOISE, DOCUMENT)
    deadly = plan.points[4].identity
    failures = compute(plan, tmp_path, deadly={deadly: 1000})
    assert [failure.identity for failure in failures] == [deadly]
    assert "died" in (failures[0].error or "")
    found = table_without_times(tmp_path)
    expected = table_without_times(undisturbed)
    expected = expected[expected["point"] != deadly].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    # Tried again, on a machine that is large enough, it is like any other.
    compute(plan, tmp_path, [plan.points[4]])
    pd.testing.assert_frame_equal(
        table_without_times(tmp_path), table_without_times(undisturbed), check_exact=True
    )


def test_points_whose_workers_are_killed_from_outside_are_measured_in_the_end(
    undisturbed: Path, tmp_path: Path
) -> None:
    plan = make_plan(NOISE, DOCUMENT)
    identities = [point.identity for point in plan.points]
    # One dies and is measured: something kills from outside, so that others may die often.
    deadly = {identities[0]: 1, identities[4]: 12, identities[11]: 9}
    assert compute(plan, tmp_path, deadly=deadly) == []
    pd.testing.assert_frame_equal(
        table_without_times(tmp_path), table_without_times(undisturbed), check_exact=True
    )


def test_a_point_is_tried_no_more_often_than_stated(tmp_path: Path) -> None:
    plan = make_plan(NOISE, DOCUMENT)
    first, second = (point.identity for point in plan.points[:2])
    for folder, others, most in (("alone", {}, 4), ("outside", {second: 1}, 24)):
        open_folder(tmp_path / folder, plan)
        workers = HereAndNow({first: 1000, **others})
        failures = run_points(
            plan, plan.points[:2], tmp_path / folder, workers, {}, lambda count: None, Stop()
        )
        assert [failure.identity for failure in failures] == [first]
        assert workers.handed_out.count(first) == most


def test_failed_points_are_tried_again_with_retry_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {**DOCUMENT, "axes": {"repeat": [0, 1]}}
    plan = make_plan(NOISE, document)
    open_folder(tmp_path, plan)
    resolved = {point.identity: resolve(NOISE, point) for point in plan.points}
    failed = [MeasuredPoint(plan.points[0].identity, [], error="out of memory")]
    write_chunk(tmp_path, "noise", plan.digest, {}, failed, resolved)
    compute(plan, tmp_path, plan.points[1:])
    here = contextlib.nullcontext(HereAndNow())
    monkeypatch.setattr("studies.sweep.job.local_workers", lambda count, study: here)
    assert len(run_sweep(NOISE, document, tmp_path, RunOptions(), quiet=True)["failed"]) == 1
    assert here.enter_result.handed_out == []
    retried = run_sweep(NOISE, document, tmp_path, RunOptions(retry=True), quiet=True)
    assert (retried["failed"], retried["done"]) == ([], 2)
    assert here.enter_result.handed_out == [plan.points[0].identity]


def test_each_point_has_random_numbers_of_its_own(undisturbed: Path) -> None:
    points = make_plan(NOISE, DOCUMENT).points
    draws = [np.random.default_rng(seed_of(point.identity)).integers(2**62) for point in points]
    assert len(set(draws)) == len(points)
    # Repetitions of one setting take different shots.
    counts = [load_arrays(undisturbed, point.identity)["counts"] for point in points[:2]]
    assert points[0].values["repeat"] != points[1].values["repeat"]
    assert (counts[0] != counts[1]).any()


@pytest.mark.parametrize("name", STUDIES)
def test_an_identity_holds_no_words_of_a_refusal_and_a_dry_run_tells_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = study_named(name)
    document: dict[str, Any] = {"study": {"name": name, "device": "nowhere"}}
    if name not in ("compilation", "performance"):
        document["noise"] = {"depolarizing": {"p2": 0.01}}
    if name == "learning":
        document["study"]["method"] = "parameter_shift"
    if name == "training":
        document["study"]["train"] = "as_run"
    plan = make_plan(kind, document)
    assert "nowhere" not in json.dumps(plan.points[0].digests)
    (failed,) = dry_run(kind, document)["failed"]
    assert "nowhere" in failed["error"]
    monkeypatch.setattr(InputError, "__str__", lambda error: "other words")
    assert make_plan(kind, document).digest == plan.digest


def test_a_dry_run_says_which_points_cannot_be_measured(capsys: Any) -> None:
    arguments = ["study", "noise", "--dry-run", "--set", "device=nowhere", "--set", "repeat=0"]
    assert main(arguments) == 1
    assert "failed at " in capsys.readouterr().out


def test_nothing_is_started_after_a_stop(tmp_path: Path) -> None:
    plan = make_plan(NOISE, DOCUMENT)
    open_folder(tmp_path, plan)
    stop = Stop()

    def advance(count: int) -> None:
        stop.asked = True

    run_points(plan, plan.points, tmp_path, HereAndNow(), {}, advance, stop)
    assert 0 < status(tmp_path).done < 12


@pytest.fixture
def copy(undisturbed: Path, tmp_path: Path) -> Iterator[Path]:
    merge([undisturbed], tmp_path / "copy")
    yield tmp_path / "copy"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[: len(text) // 2], "damaged"),
        (lambda text: "", "damaged"),
        (lambda text: text.replace('"rmse": 0.', '"rmse": 1.', 1), "damaged"),
        (lambda text: text.replace('"schema": 3', '"schema": 4'), "schema 4"),
        (lambda text: text.replace('"plan": "', '"plan": "f'), "damaged"),
        (lambda text: text.replace('"zlib_base64": "e', '"zlib_base64": "f', 1), "damaged"),
        (lambda text: '{"a": 1}', "damaged"),
        (lambda text: "[" * 100_000, "damaged"),
    ],
)
def test_a_chunk_that_is_not_as_it_was_written_is_refused(
    copy: Path, damage: Any, words: str
) -> None:
    path = sorted((copy / "chunks").iterdir())[0]
    text = path.read_text()
    assert damage(text) != text
    path.write_text(damage(text))
    with pytest.raises(InputError, match=words):
        load(copy)
    with pytest.raises(InputError, match=path.name):
        run_sweep(NOISE, DOCUMENT, copy, RunOptions(), quiet=True)
    assert main(["export", str(copy), "--out", str(copy / "table.csv")]) == 2
    assert not (copy / "table.csv").exists()


def gradient_sweep() -> tuple[Any, dict[str, Any]]:
    return study_named("gradient"), {"study": {"name": "gradient"}, "convolution": {"kernel": 2}}


def test_a_table_is_exported_without_what_only_parquet_needs(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert export(undisturbed, tmp_path / "table.csv") == len(load(undisturbed))
    with pytest.raises(InputError, match="export to .csv"):
        export(undisturbed, tmp_path / "table.parquet")


def test_that_points_are_missing_is_told_if_they_are(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_job, "draw_device_map", lambda *_: [])
    notes: list[str] = []
    kind = dataclasses.replace(NOISE, figures=SimpleNamespace())
    finish(kind, undisturbed, notes.append)
    assert notes == []
    plan = make_plan(NOISE, DOCUMENT)
    open_folder(tmp_path, plan)
    finish(kind, tmp_path, notes.append)
    assert notes == [f"{len(plan.points)} of {len(plan.points)} points are still missing."]


def test_an_error_in_a_point_is_told_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(settings: Any, seed: Any, earlier: Any) -> Any:
        def inner() -> float:
            return 1 / 0

        return inner()

    line = measure.__code__.co_firstlineno + 2
    kind = dataclasses.replace(NOISE, measure=measure)
    monkeypatch.setattr("studies.sweep.catalogue.study_named", lambda name: kind)
    (outcome,) = run_chunk("noise", [Task("0", make_plan(NOISE, DOCUMENT).points[0].document)])
    place = f"{Path(__file__).name}:{line}"
    assert outcome.error == f"ZeroDivisionError: division by zero ({place})"


def test_folders_of_other_studies_are_refused(undisturbed: Path, tmp_path: Path) -> None:
    other = {**DOCUMENT, "axes": {"repeat": [0, 1]}}
    with pytest.raises(InputError, match="another sweep"):
        run_sweep(NOISE, other, undisturbed, RunOptions(), quiet=True)
    open_folder(tmp_path / "other", make_plan(NOISE, other))
    open_folder(tmp_path / "gradient", make_plan(*gradient_sweep()))
    with pytest.raises(InputError, match=r"sweep \(study gradient, 1 points; .* merged with"):
        merge([undisturbed, tmp_path / "gradient"], tmp_path / "both")
    with pytest.raises(InputError, match="cannot be merged"):
        merge([undisturbed, tmp_path / "other"], tmp_path / "both")
    assert not (tmp_path / "both").exists()
    (tmp_path / "forward").mkdir()
    (tmp_path / "forward" / "configuration.toml").write_text("[study]\nname = 'forward'\n")
    with pytest.raises(InputError, match="another study"):
        open_folder(tmp_path / "forward", make_plan(NOISE, DOCUMENT))
    with pytest.raises(InputError, match="holds no sweep"):
        load(tmp_path / "forward")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="not a folder"):
        open_folder(tmp_path / "file", make_plan(NOISE, DOCUMENT))


def test_a_folder_that_another_process_has_just_begun_is_shared(tmp_path: Path) -> None:
    plan = make_plan(NOISE, DOCUMENT)
    open_folder(tmp_path, plan)
    (tmp_path / "plan.json").unlink()
    open_folder(tmp_path, plan)
    assert status(tmp_path).missing == 12


def test_processes_of_the_same_number_write_one_file_without_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on two machines.
    monkeypatch.setattr(os, "getpid", lambda: 1)
    file = tmp_path / "a.txt"
    with atomic_write(file) as first:
        first.write(b"whole")
        with atomic_write(file) as second:
            second.write(b"also whole")
        assert file.read_text() == "also whole"
    assert file.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [file]


def test_points_that_others_store_while_this_process_draws_are_drawn(tmp_path: Path) -> None:
    plan = make_plan(NOISE, DOCUMENT)
    compute(plan, tmp_path, plan.points[:5])
    drawn = []

    def draw(results: Results, folder: Path) -> list[str]:
        drawn.append(len(results.table()))
        if len(drawn) == 1:
            compute(plan, folder, plan.points[5:])
        return []

    lines: list[str] = []
    summary = finish(
        dataclasses.replace(NOISE, figures=SimpleNamespace(draw=draw)), tmp_path, lines.append
    )
    assert drawn == [5, 12]
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert (summary["done"], summary["missing"], lines) == (12, 0, [])


def test_a_full_disk_leaves_what_is_stored_and_no_part_of_a_file(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = table_without_times(copy)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_chunk(copy, "noise", "x", {}, [MeasuredPoint("f" * 64, [])], {"f" * 64: {}})
    monkeypatch.undo()
    assert not [path for path in (copy / "chunks").iterdir() if path.suffix != ".json"]
    pd.testing.assert_frame_equal(table_without_times(copy), before)


# The command line, tables and shots that adapt.


@pytest.mark.parametrize(
    "arguments",
    [
        ["study", "noise"],
        ["study", "noise", "--out", "x", "--workers", "0"],
        ["study", "noise", "--out", "x", "--shard", "4/3"],
        ["study", "noise", "--out", "x", "--shard", "one"],
        ["study", "noise", "--out", "x", "--workers", "2", "--dask", "tcp://h:1"],
        ["study", "noise", "--out", "x", "--set", "axes.shots=7"],
        ["study", "forward", "--out", "x", "--set", "device=grid:2x2"],
        ["study", "forward", "--out", "x", "--set", "convolution.kernel=[40, 40]"],
        ["status", "nowhere"],
        ["export", "nowhere", "--out", "x.csv"],
        ["export", "nowhere", "--out", "x.xls"],
        ["merge", "nowhere", "--out", "x"],
        ["plot", "nowhere"],
    ],
)
def test_bad_commands_exit_with_2_and_write_nothing(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("qucnn: error: ")
    assert not list(tmp_path.iterdir())


def test_what_a_dry_run_found_is_told_in_whole_units() -> None:
    plan = {
        "study": "noise",
        "points": 6,
        "axes": {"shots": 3, "repeat": 2},
        "circuits": 12_000,
        "shots": 3_400_000,
        "seconds": 100.0,
        "memory": 3 * 2**20,
        "failed": [],
    }
    assert dry_run_text(plan, 2).splitlines() == [
        "noise: 6 points: shots (3) x repeat (2)",
        "12,000 circuits, 3,400,000 shots",
        "about 50 s on 2 worker(s), 3 MiB of arrays each",
    ]
    assert "about 59 min on 1 " in dry_run_text({**plan, "seconds": 3540.0}, 1)
    assert "noise: 1 point\n" in dry_run_text({**plan, "points": 1, "axes": {}}, 1)


@pytest.mark.parametrize("quiet", [False, True])
def test_progress_is_for_terminals_that_want_it(
    quiet: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    shown = []
    bar = sweep_job.progress_bar
    monkeypatch.setattr(
        sweep_job,
        "progress_bar",
        lambda *args, **kwargs: shown.append(kwargs) or bar(*args, **kwargs),
    )
    monkeypatch.setattr(sweep_job, "finish", lambda *arguments, **options: {})
    monkeypatch.setattr(sweep_job, "local_workers", here_and_now)
    run_sweep(NOISE, DOCUMENT, tmp_path, RunOptions(), quiet=quiet)
    # None: on a terminal, but not in a pipe.
    assert [kwargs["disable"] for kwargs in shown] == [True if quiet else None]
    points = len(make_plan(NOISE, DOCUMENT).points)
    assert [(kwargs["initial"], kwargs["total"]) for kwargs in shown] == [(0, points)]


def test_failures_are_told_once_with_the_first_point_and_how_many_more() -> None:
    failed = [{"values": {"shots": k}, "error": "no"} for k in (1, 2, 3)]
    assert failure_lines(failed[:1]) == ["failed at shots = 1: no"]
    assert failure_lines(failed) == ["failed at shots = 1 and 2 more: no"]
    others = [{"values": {}, "error": str(k)} for k in range(12)]
    lines = failure_lines(others)
    assert lines[:2] == ["failed at the only point: 0", "failed at the only point: 1"]
    assert (len(lines), lines[-1]) == (11, "... and 2 other errors")
    assert len(failure_lines(others[:10])) == 10


def test_a_stored_configuration_has_its_ranges_spelled_out() -> None:
    axes = {"noise.scale": {"start": 0.5, "stop": 2.0, "points": 4}}
    plan = make_plan(NOISE, {**DOCUMENT, "axes": axes, "zip": {"repeat": [1, 2], "seed": [3, 4]}})
    document = tomllib.loads(plan.to_toml())
    assert document["axes"] == {"noise.scale": [0.5, 1.0, 1.5, 2.0]}
    assert document["zip"] == {"repeat": [1, 2], "seed": [3, 4]}
    assert make_plan(NOISE, document).digest == plan.digest


def test_a_range_has_two_points_at_least() -> None:
    for points in (0, 1):
        axes = {"noise.scale": {"start": 1.0, "stop": 2.0, "points": points}}
        with pytest.raises(InputError, match=r"points = \d .*at least 2"):
            read_axes({"axes": axes}, NOISE.study_keys)


@pytest.mark.parametrize(("seconds", "words"), [(4.9, None), (15.0, "about 90 s on 2 worker(s)")])
def test_what_takes_longer_than_a_minute_says_so_first(
    seconds: float, words: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = dataclasses.replace(
        NOISE, cost=lambda settings: dataclasses.replace(NOISE.cost(settings), seconds=seconds)
    )
    notes: list[str] = []
    monkeypatch.setattr(sweep_job, "_compute", lambda *_: notes.append("begins"))
    monkeypatch.setattr(sweep_job, "finish", lambda *_: {})
    run_sweep(kind, DOCUMENT, tmp_path, RunOptions(workers=2), quiet=True, note=notes.append)
    assert notes == [*([f"12 points: {words}."] if words else []), "begins"]


def test_a_dry_run_shows_progress_only_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disabled: list[bool | None] = []

    def bar(items: list[Any], description: str, **options: Any) -> list[Any]:
        disabled.append(options["disable"])
        return items

    monkeypatch.setattr("studies.sweep.plan.progress_bar", bar)
    dry_run(NOISE, DOCUMENT)
    dry_run(NOISE, DOCUMENT, quiet=False)
    # None: where standard error is a terminal.
    assert disabled == [True, None]


def test_a_dry_run_counts(capsys: Any) -> None:
    plan = dry_run(NOISE, DOCUMENT)
    patches = int(load_patches())
    assert (plan["points"], plan["circuits"], plan["shots"]) == (
        12,
        12 * patches,
        12 * patches * 100,
    )
    assert main(["study", "noise", "--dry-run"]) == 0
    assert "300 points" in capsys.readouterr().out


def load_patches() -> int:
    from studies.noise.study import measure

    fixed = {name: table for name, table in DOCUMENT.items() if name != "axes"}
    patches = measure(NOISE.read(fixed), np.random.SeedSequence(0)).rows[0]["patches"]
    assert isinstance(patches, int)
    return patches


def test_a_table_can_be_written_as_parquet(undisturbed: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert export(undisturbed, tmp_path / "table.parquet") == 12
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "table.parquet"), load(undisturbed), check_exact=True
    )


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    kind=st.sampled_from(["<i8", "<f8", "|b1", ">i4"]),
    seed=st.integers(0, 99),
)
def test_arrays_survive_being_stored(shape: list[int], kind: str, seed: int) -> None:
    array = np.random.default_rng(seed).normal(size=shape).astype(kind)
    stored = json.loads(json.dumps(encode_array(array)))
    np.testing.assert_array_equal(decode_array(stored), array)


def test_precision_stops_the_shots_when_the_mean_is_known() -> None:
    fixed = {name: table for name, table in DOCUMENT.items() if name != "axes"}
    rows = {}
    for precision in (0.1, 0.02, 0.005):
        document = override(fixed, [f"precision={precision}"], NOISE.study_keys)
        (row,) = NOISE.measure(NOISE.read(document), np.random.SeedSequence(5)).rows
        rows[precision] = row
        assert row["estimate_high"] - row["estimate_low"] <= 2 * precision + 1e-12
    shots = [rows[precision]["shots_taken"] for precision in (0.1, 0.02, 0.005)]
    assert shots == sorted(shots)
    assert shots[0] < shots[-1]
    capped = override(fixed, ["precision=1e-6", "most_shots=300"], NOISE.study_keys)
    (row,) = NOISE.measure(NOISE.read(capped), np.random.SeedSequence(5)).rows
    assert row["shots_taken"] == 300


def test_intervals_hold_at_all_looks_at_once_and_shrink() -> None:
    generator = np.random.default_rng(3)
    # Unequal probabilities, as those of patches.
    probabilities = generator.uniform(0, 0.3, 40)
    missed = 0
    for _ in range(300):
        successes = trials = 0
        inside = True
        for look in range(1, 9):
            shots = 2**look
            successes += int(generator.binomial(shots, probabilities).sum())
            trials += shots * len(probabilities)
            low, high = interval(successes, trials, look, confidence=0.8)
            inside &= low <= probabilities.mean() <= high
        missed += not inside
    # At most 20 % may miss; the bound is conservative. 300 trials: below 1e-3 to see 26 %.
    assert missed < 78
    assert high - low < 0.02
    assert interval(0, 50, 1)[0] == 0
    assert interval(50, 50, 1)[1] == 1


def test_planning_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def bar(items: list[Any], description: str, **_: Any) -> list[Any]:
        told.append(f"{len(items)} {description}")
        return items

    monkeypatch.setattr("studies.sweep.plan.progress_bar", bar)
    make_plan(NOISE, DOCUMENT, quiet=False)
    assert told == ["12 points"]


@pytest.mark.parametrize("workers", [0, 1025, 10**400])
def test_a_number_of_workers_that_no_machine_has_is_refused(
    workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["study", "noise", "--out", str(tmp_path), "--workers", str(workers), "--dry-run"]
    assert main(given) == 2
    assert "is not allowed: give 1 to 1024." in capsys.readouterr().err
