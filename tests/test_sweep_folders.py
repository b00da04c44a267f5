"""Folders of sweeps: what is in them, and what happens when they are not as they should be."""

from __future__ import annotations

import base64
import copy
import errno
import hashlib
import html
import json
import math
import os
import re
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from noise_models.writing import atomic_write
from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from studies import jobs, load, load_arrays, run
from studies.files import SCHEMA, write_sealed
from studies.provenance import provenance
from studies.report.report import write_report
from studies.settings import override
from studies.sweep.catalogue import STUDIES, load_study, study_named
from studies.sweep.chunks import MeasuredPoint, decode_array, encode_array, write_chunk
from studies.sweep.inputs import copies_of, keep_inputs
from studies.sweep.job import finish
from studies.sweep.plan import Plan, make_plan, resolve
from studies.sweep.results import export, merge, read_results, state_text, status
from studies.sweep.store import open_folder
from studies.sweep.stored_plan import read_plan

OLD = Path(__file__).parent / "old_results" / "schema_2"
NOISE = study_named("noise")
DOCUMENT: dict[str, Any] = {
    "study": {"name": "noise", "images": 1, "shots": 100, "device": "grid:3x3"},
    "convolution": {
        "kernel": [2, 2],
        "filters": {"kind": "fixed", "values": [[0.1, -0.4], [0.3, 0.9]]},
    },
    "noise": {"depolarizing": {"p1": 0.01, "p2": 0.03}},
    "axes": {"noise.scale": [0.0, 1.0, 2.0], "repeat": [0, 1]},
}
OTHER = {**DOCUMENT, "axes": {"repeat": [0, 1]}}


def store(folder: Path, plan: Plan, outcomes: list[MeasuredPoint], **origin: Any) -> Path:
    resolved = {point.identity: resolve(NOISE, point) for point in plan.points}
    return write_chunk(folder, plan.study.name, plan.digest, origin, outcomes, resolved)


def outcome(identity: str, **row: Any) -> MeasuredPoint:
    arrays = {"counts": encode_array(np.arange(3))}
    return MeasuredPoint(identity, [{"rmse": 0.5, **row}], arrays, 0.1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(NOISE, DOCUMENT)


@pytest.fixture
def folder(plan: Plan, tmp_path: Path) -> Path:
    """A sweep with four of six points, in two chunks, without having measured anything."""
    folder = tmp_path / "sweep"
    open_folder(folder, plan)
    identities = [point.identity for point in plan.points]
    store(folder, plan, [outcome(each) for each in identities[:3]], commit="a", started="1")
    store(folder, plan, [MeasuredPoint(identities[3], [], error="no")], commit="a", started="2")
    return folder


# Columns.


def test_the_order_of_columns_does_not_depend_on_which_row_comes_first(
    plan: Plan, tmp_path: Path
) -> None:
    expected = ["point", "noise.scale", "repeat", "rmse", "check_z", "zeta", "seconds"]
    rows: list[dict[str, Any]] = [{"zeta": 1}, {"check_z": 2.0}, {}]
    for turn in range(3):
        folder = tmp_path / str(turn)
        open_folder(folder, plan)
        for point, row in zip(plan.points, rows[turn:] + rows[:turn], strict=False):
            store(folder, plan, [outcome(point.identity, **row)])
        found = list(load(folder).columns)
        known = [name for name in ("rmse", "check_z", "zeta") if name in NOISE.columns]
        unknown = sorted({"rmse", "check_z", "zeta"} - set(known))
        assert found == [*expected[:3], *known, *unknown, "seconds"]


# Provenance.


def test_a_chunk_says_what_decided_each_point(plan: Plan, folder: Path) -> None:
    for path in (folder / "chunks").iterdir():
        content = json.loads(path.read_bytes())
        assert content["schema"] == read_json(folder / "plan.json")["schema"]
        for point in content["content"]["points"]:
            own = next(each for each in plan.points if each.identity == point["identity"])
            assert point["resolved"] == resolve(NOISE, own)
            assert point["resolved"]["settings"]["study"]["device"] == "grid:3x3"
    counts = load_arrays(folder, plan.points[2].identity)["counts"]
    np.testing.assert_array_equal(counts, np.arange(3))
    with pytest.raises(InputError, match="no measured point"):
        load_arrays(folder, plan.points[3].identity)


def test_a_summary_says_where_the_numbers_come_from(folder: Path) -> None:
    results = read_results(folder)
    assert list(results.origins) == [{"commit": "a"}]
    assert (list(results.devices), list(results.calibrations)) == (["grid:3x3"], [])


def test_the_commit_is_that_of_the_code_whatever_git_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = provenance()["commit"]
    monkeypatch.chdir(tmp_path)
    # As in a hook of another repository.
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert provenance()["commit"] == expected


def test_a_noise_that_is_only_named_can_be_swept_and_run_again(tmp_path: Path) -> None:
    document = {**DOCUMENT, "noise": "willow_pink", "axes": {"repeat": [0, 1]}}
    document["study"] = {**DOCUMENT["study"], "device": "willow_pink"}
    named = make_plan(NOISE, document)
    open_folder(tmp_path, named)
    kind, again = load_study(str(tmp_path / "configuration.toml"))
    assert make_plan(kind, again).digest == named.digest  # type: ignore[arg-type]


# Folders that are not as they should be.


def read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def change_plan(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        content = read_json(folder / "plan.json")
        change(content)
        (folder / "plan.json").write_text(json.dumps(content))

    return act


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "plan.json").write_text("{"),
        lambda folder: (folder / "plan.json").write_text(""),
        lambda folder: (folder / "plan.json").unlink(),
        change_plan(lambda content: content["points"].pop()),
        change_plan(lambda content: content["points"].reverse()),
        change_plan(lambda content: content["points"][0]["values"].clear()),
        change_plan(lambda content: content.update(study=["noise"])),
        change_plan(lambda content: content.update(points=3)),
        change_plan(lambda content: content.pop("columns")),
    ],
)
def test_a_plan_that_is_damaged_is_refused_and_written_anew(
    damage: Callable[[Path], object], plan: Plan, folder: Path, capsys: Any
) -> None:
    before = load(folder)
    damage(folder)
    for arguments in (
        ["status", str(folder)],
        ["export", str(folder), "--out", str(folder / "table.csv")],
        ["plot", str(folder)],
        ["report", str(folder)],
        ["merge", str(folder), "--out", str(folder / "merged")],
    ):
        assert main(arguments) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert "plan.json" in lines[0]
    assert not (folder / "merged").exists()
    # As the error says: out of the way, and the study again.
    (folder / "plan.json").unlink(missing_ok=True)
    open_folder(folder, plan)
    assert load(folder).equals(before)


def test_a_configuration_that_is_missing_or_changed_is_written_anew(
    plan: Plan, folder: Path, tmp_path: Path
) -> None:
    text = (folder / "configuration.toml").read_bytes()
    (folder / "configuration.toml").unlink()
    with pytest.raises(InputError, match=r"configuration\.toml"):
        merge([folder], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    with pytest.raises(InputError, match=r"configuration\.toml"):
        write_report(folder)
    for damaged in (None, b"\xff", b"[study]\n"):
        if damaged is not None:
            (folder / "configuration.toml").write_bytes(damaged)
        open_folder(folder, plan)
        assert (folder / "configuration.toml").read_bytes() == text


def test_a_process_that_died_between_the_first_files_costs_nothing(
    plan: Plan, tmp_path: Path
) -> None:
    (tmp_path / "configuration.toml").write_text(plan.to_toml())
    open_folder(tmp_path, plan)
    assert status(tmp_path).missing == len(plan.points)


def test_of_two_sweeps_that_begin_in_one_folder_one_is_refused(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def late(source: Path, target: Path) -> None:
        # Between this process's look and its writing, another one begins.
        monkeypatch.setattr(os, "link", link)
        open_folder(tmp_path, make_plan(NOISE, OTHER))
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(InputError, match="another sweep"):
        open_folder(tmp_path, plan)
    assert read_plan(tmp_path).digest == make_plan(NOISE, OTHER).digest


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["noise.scale=[0.0, 1, 2, 4, 8]"], "only here noise.scale is 4, 8"),
        (["noise.scale=[0, 1]"], "only there noise.scale is 2"),
        (["noise.scale=1"], "there noise.scale is swept too"),
        (["study.shots=[100, 200]"], "there shots is not swept"),
        (["noise.depolarizing.p2=0.02"], "noise.depolarizing.p2 is 0.03 there, 0.02 here"),
        (["noise.readout.p10=0.1"], "noise.readout.p10 is not set there, 0.1 here"),
    ],
)
def test_another_sweep_is_refused_by_what_differs(
    folder: Path, settings: list[str], words: str
) -> None:
    other = make_plan(NOISE, override(DOCUMENT, settings, NOISE.study_keys))
    with pytest.raises(InputError, match=rf"{re.escape(words)}\): choose another folder\.$"):
        open_folder(folder, other)


def test_a_chunk_of_another_sweep_or_a_folder_is_named(folder: Path, tmp_path: Path) -> None:
    other = make_plan(NOISE, OTHER)
    open_folder(tmp_path / "other", other)
    stray = store(tmp_path / "other", other, [outcome(other.points[0].identity)])
    shutil.copy(stray, folder / "chunks")
    with pytest.raises(InputError, match=f"{stray.name} belongs to another sweep"):
        status(folder)
    (folder / "chunks" / stray.name).unlink()
    (folder / "chunks" / "folder.json").mkdir()
    with pytest.raises(InputError, match=r"folder\.json is no regular file.*move it out"):
        status(folder)


def test_chunks_that_must_not_be_read_are_not_taken_for_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def forbidden(path: Path) -> list[str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "listdir", forbidden)
    assert main(["status", str(folder)]) == 2
    error = capsys.readouterr().err
    assert "chunks: Permission denied; choose another place" in error


def unsealed(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Makes of a folder of schema 2 one as they were before plans had checksums."""
    shutil.copytree(OLD, folder)
    content = read_json(folder / "plan.json")
    del content["sha256"], content["configuration"]
    change(content)
    (folder / "plan.json").write_text(json.dumps(content))


def test_a_plan_without_a_checksum_does_not_rename_the_study_of_its_chunks(tmp_path: Path) -> None:
    unsealed(tmp_path / "old", lambda content: content.update(study="trainability"))
    with pytest.raises(InputError, match=r"belongs to another sweep \(study 'noise'\)"):
        load(tmp_path / "old")


def test_unfinished_files_are_ignored_and_old_ones_removed(plan: Plan, folder: Path) -> None:
    young, old = folder / "chunks" / ".a.json.1.part", folder / ".summary.json.2.part"
    for path in (young, old):
        path.write_text("{")
    os.utime(old, (time.time() - 1e6,) * 2)
    open_folder(folder, plan)
    assert (young.exists(), old.exists()) == (True, False)
    assert status(folder).done == 3


def test_folders_that_overlap_and_a_folder_itself_are_merged(
    plan: Plan, folder: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    open_folder(second, plan)
    # A point that failed in the first and one that is in both.
    store(second, plan, [outcome(plan.points[3].identity), outcome(plan.points[0].identity)])
    (second / "inputs").mkdir()
    (second / "inputs" / "abc-mine.toml").write_text("x")
    state = merge([folder, second, folder], tmp_path / "merged")
    assert (state.done, len(state.failed), state.missing) == (4, 0, 2)
    assert (tmp_path / "merged" / "inputs" / "abc-mine.toml").read_text() == "x"
    (second / "inputs" / "def-other.toml").write_text("y")
    merge([second], tmp_path / "merged")
    assert (tmp_path / "merged" / "inputs" / "def-other.toml").read_text() == "y"
    before = sorted(folder.rglob("*"))
    assert merge([folder], folder).done == 3
    assert sorted(folder.rglob("*")) == before
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="not a folder"):
        merge([folder], tmp_path / "file")


def test_a_full_disk_is_named_with_the_file_and_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    table = folder / "table.csv"
    assert main(["export", str(folder), "--out", str(table)]) == 2
    error = capsys.readouterr().err
    assert f"{folder.name}/table.csv: No space left on device; free some space" in error
    assert not [path for path in folder.iterdir() if path.suffix == ".part"]


def test_an_error_of_the_content_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="elsewhere"), atomic_write(tmp_path / "file"):
        raise OSError(errno.EIO, "broken", "elsewhere")


def test_a_table_is_not_written_over_a_folder(folder: Path) -> None:
    (folder / "table.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        export(folder, folder / "table.csv")


def test_reading_a_table_decodes_no_arrays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = json.loads

    def watched(text: Any, **options: Any) -> Any:
        assert b"zlib_base64" not in text
        return loads(text, **options)

    monkeypatch.setattr(json, "loads", watched)
    assert len(load(folder)) == 3


# Values that were changed.


def flipped(content: Any, generator: np.random.Generator) -> Any:
    """Plain data with one value changed, anywhere."""
    if isinstance(content, dict | list) and content:
        keys = list(content) if isinstance(content, dict) else range(len(content))
        chosen = keys[int(generator.integers(len(keys)))]
        changed = content.copy()
        changed[chosen] = flipped(content[chosen], generator)
        return changed
    if isinstance(content, str):
        return content[:-1] + ("y" if content.endswith("x") else "x")
    return content + 1 if isinstance(content, int | float) else "x"


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_in_which_any_value_was_changed_is_refused_and_repaired_by_resuming(
    seed: int, plan: Plan, folder: Path
) -> None:
    path = folder / "plan.json"
    before, text = load(folder), path.read_text()
    content = read_json(path)
    key = sorted(set(content) - {"schema"})[seed % (len(content) - 1)]
    content[key] = flipped(content[key], np.random.default_rng(seed))
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"plan\.json is damaged"):
        load(folder)
    open_folder(folder, plan)
    assert path.read_text() == text
    assert load(folder).equals(before)


def test_a_plan_without_checksum_is_believed_if_its_configuration_makes_its_axes(
    plan: Plan, folder: Path, tmp_path: Path
) -> None:
    def change(content: dict[str, Any]) -> None:
        content["points"][0]["values"]["noise.scale"] = 0.7

    unsealed(tmp_path / "old", lambda content: None)
    assert load(tmp_path / "old").equals(load(OLD))
    unsealed(tmp_path / "changed", change)
    with pytest.raises(InputError, match=r"plan\.json is damaged"):
        load(tmp_path / "changed")
    # In a folder of this version it is damaged, and resuming writes it anew.
    before, content = load(folder), read_json(folder / "plan.json")
    del content["sha256"]
    (folder / "plan.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"plan\.json is damaged"):
        load(folder)
    open_folder(folder, plan)
    assert "sha256" in read_json(folder / "plan.json")
    assert load(folder).equals(before)


def test_a_configuration_that_was_changed_is_neither_merged_nor_reported(
    folder: Path, tmp_path: Path
) -> None:
    path = folder / "configuration.toml"
    path.write_text(path.read_text().replace("shots = 100", "shots = 200"))
    with pytest.raises(InputError, match=r"configuration\.toml was changed"):
        merge([folder], tmp_path / "merged")
    with pytest.raises(InputError, match=r"configuration\.toml was changed"):
        write_report(folder)


def test_a_copy_of_an_input_that_was_changed_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("a = 1\n")
    document = {"study": {"device": str(tmp_path / "mine.toml")}}
    # A text that only looks like a path in the folder of somebody, and one that is none.
    document["study"]["name"] = "~nosuchuser/x.npz"
    document["report"] = {"title": str(tmp_path / "mine.toml")}
    ((text, name),) = copies_of(document).items()
    assert text == document["study"]["device"] and name.endswith("/mine.toml")
    keep_inputs(copies_of(document), tmp_path)
    kept = tmp_path / name
    kept.write_text("a = 2\n")
    with pytest.raises(InputError, match="was changed after it was kept"):
        copies_of({"study": {"device": str(kept)}})
    keep_inputs(copies_of(document), tmp_path)
    assert kept.read_text() == "a = 1\n"
    assert list(copies_of({"study": {"device": str(kept)}}).values()) == [name]
    (tmp_path / "mine.toml").write_text("a = 3\n")
    with pytest.raises(InputError, match="changed while it was read"):
        keep_inputs({text: name}, tmp_path / "new")


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A configuration of files, named from the folder where they are, which is the working one."""
    here = tmp_path / "here"
    (here / "parts").mkdir(parents=True)
    monkeypatch.chdir(here)
    Path("parts/chip.txt").write_text("OOO\nOOO\n")
    Path("fitted.toml").write_text("[noise]\ndepolarizing = { p1 = 0.001, p2 = 0.01 }\n")
    Path("parts/worse.toml").write_text("[noise]\ndepolarizing = { p1 = 0.002, p2 = 0.02 }\n")
    images = np.random.default_rng(3).integers(1, 255, (2, 2, 4), dtype=np.uint8)
    np.savez("rings.npz", images=images)
    return {
        "study": {**DOCUMENT["study"], "device": "parts/chip.txt", "data": "rings.npz"},
        "convolution": DOCUMENT["convolution"],
        "noise": "fitted.toml",
        "axes": {"noise": ["fitted.toml", "parts/worse.toml"]},
        "report": {"title": "rings.npz"},
    }


def test_a_folder_runs_again_wherever_it_is(
    named: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(named, "out")
    handed = jobs(named, "handed")
    before, plan = load("out"), read_plan(Path("out"))
    moved, elsewhere = tmp_path / "moved", tmp_path / "else" / "where"
    elsewhere.mkdir(parents=True)
    for name in ("out", "handed"):
        shutil.copytree(name, moved / name)
    # Nothing is left where it was, and nothing is found by chance where it is run.
    shutil.rmtree(tmp_path / "here")
    monkeypatch.chdir(elsewhere)
    text = (moved / "out" / "configuration.toml").read_text()
    assert str(tmp_path) not in text and "parts/" not in text and 'title = "rings.npz"' in text
    run(str(moved / "out" / "configuration.toml"), "again")
    after, again = load("again"), read_plan(Path("again"))
    assert (again.digest, again.decided_by) == (plan.digest, plan.decided_by)
    pd.testing.assert_frame_equal(
        after.drop(columns=["seconds", "noise"]), before.drop(columns=["seconds", "noise"])
    )
    assert [*before["noise"].unique()] == ["fitted.toml", "parts/worse.toml"]
    assert [*after["noise"].unique()] == ["fitted.toml", "worse.toml"]
    assert Path("again/configuration.toml").read_text() == text
    # It goes on where it is, without anything anew, and hands out the same circuits.
    files = sorted(moved.rglob("*"))
    run(str(moved / "out" / "configuration.toml"), moved / "out")
    assert sorted(moved.rglob("*")) == files and load(moved / "out").equals(before)
    made = jobs(str(moved / "handed" / "configuration.toml"), "handed")
    assert made.manifest.programs == handed.manifest.programs
    assert made.manifest.configuration == handed.manifest.configuration
    merge([moved / "out", Path("again")], tmp_path / "merged")
    assert run(str(tmp_path / "merged" / "configuration.toml"), "third").status().done == 2
    report = write_report(moved / "out").read_text()
    assert "copies in inputs/ of the files that it names, wherever they are moved" in report


def test_a_folder_whose_configuration_names_the_files_themselves_is_gone_on_with(
    named: dict[str, Any],
) -> None:
    plan, folder = make_plan(NOISE, named), Path("out")
    open_folder(folder, plan)
    # As it was written before there were copies by name.
    text = plan.to_toml()
    assert 'device = "parts/chip.txt"' in text
    (folder / "configuration.toml").write_text(text)
    content = plan.to_mapping()
    assert content["configuration"] == hashlib.sha256(text.encode()).hexdigest()
    write_sealed(folder / "plan.json", content)
    shutil.rmtree(folder / "inputs")
    kind, again = load_study(str(folder / "configuration.toml"))
    open_folder(folder, make_plan(kind, again))
    assert "inputs/" in (folder / "configuration.toml").read_text()
    assert read_plan(folder).digest == plan.digest
    write_report(folder)
    # A copy that somebody changed gives no other numbers in silence.
    (copy,) = folder.glob("inputs/*/chip.txt")
    copy.write_text("OOO\nOOO\nOOO\n")
    with pytest.raises(InputError, match=r"chip\.txt was changed"):
        run(str(folder / "configuration.toml"), "new")


# Of several outcomes of one point.


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_a_success_counts_whichever_file_comes_first(
    names: str, plan: Plan, tmp_path: Path
) -> None:
    open_folder(tmp_path, plan)
    identity = plan.points[0].identity
    for name, each in zip(
        names, (outcome(identity, rmse=0.25), MeasuredPoint(identity, [], error="no")), strict=True
    ):
        store(tmp_path, plan, [each]).rename(tmp_path / "chunks" / f"{name}.json")
    assert (status(tmp_path).done, status(tmp_path).failed) == (1, ())
    assert load(tmp_path)["rmse"].tolist() == [0.25]


# Figures that fail.


def test_a_figure_that_fails_costs_no_summary_and_is_told_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def fail(*arguments: object) -> None:
        json.dumps(object())

    monkeypatch.setattr("studies.noise.figures.draw", fail)
    monkeypatch.setattr("studies.noise.figures.text", lambda table: "words")
    assert main(["plot", str(folder)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    place = f"{Path(__file__).name}:{fail.__code__.co_firstlineno + 1}"
    assert "figures could not be drawn (TypeError" in lines[0]
    assert lines[0].endswith(f", {place}); the results are stored.")
    summary = read_json(folder / "summary.json")
    assert (summary["done"], len(summary["failed"]), summary["missing"]) == (3, 1, 2)
    assert "device_map" in summary["figures"]
    assert main(["report", str(folder)]) == 1
    assert capsys.readouterr().err.splitlines() == lines
    assert html.escape(lines[0].removeprefix("qucnn: ")) in (folder / "report.html").read_text()


class Mute(Exception):
    def __str__(self) -> str:
        raise KeyError


def drawing(result: Any) -> Any:
    """A module of figures whose `draw` returns something or raises it."""

    def draw(results: Any, folder: Path) -> Any:
        if isinstance(result, BaseException):
            raise result
        return result

    return SimpleNamespace(draw=draw, text=lambda results: "words")


@pytest.mark.parametrize("study", STUDIES)
def test_whatever_a_figure_of_any_study_does_is_a_note(
    study: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.sweep.job.draw_device_map", lambda *arguments: [])
    kind = study_named(study)
    for figures, words in (
        (drawing(Mute()), "Mute"),
        (drawing(SystemExit("done")), "SystemExit: done"),
        (drawing(FileNotFoundError(errno.ENOENT, "no such file")), "FileNotFoundError"),
        (drawing(None), "TypeError"),
        (drawing(["nowhere", 3]), "'nowhere' is not there"),
        ("no.such.module", "ModuleNotFoundError"),
    ):
        summary = finish(replace(kind, figures=figures), folder)
        assert summary["done"] == 3 and words in summary["not_drawn"][0]
        assert read_json(folder / "summary.json") == summary
    for interrupted in (KeyboardInterrupt(), OSError(errno.ENOSPC, "no space left")):
        with pytest.raises(type(interrupted)):
            finish(replace(kind, figures=drawing(interrupted)), folder)
        assert read_json(folder / "summary.json")["done"] == 3


# Chunks that somebody else wrote, checksum and all.

OF_OTHER_TYPES = (None, -1, 10**400, math.nan, "x", [], {}, [1], [[1]], {"a": 1})


def places(content: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where to find each value inside plain data; of a list, the first only."""
    yield above
    if isinstance(content, dict):
        for key, value in content.items():
            yield from places(value, (*above, key))
    elif isinstance(content, list) and content:
        yield from places(content[0], (*above, 0))


def test_a_chunk_of_the_right_checksum_and_any_content_is_read_or_refused(
    plan: Plan, folder: Path
) -> None:
    generator = np.random.default_rng(0)
    path = store(folder, plan, [outcome(plan.points[4].identity, name="a", none=None)], commit="a")
    _, content, arrays = path.read_bytes().split(b"\n", 2)
    parts = {
        "content": json.loads(b"{" + content.rstrip(b",") + b"}"),
        "arrays": json.loads(b"{" + arrays),
    }
    refused = 0
    for name, part in parts.items():
        for place in places(part[name]):
            for index in generator.permutation(len(OF_OTHER_TYPES))[:3]:
                changed = {key: copy.deepcopy(part) for key, part in parts.items()}
                inside = changed[name]
                for key in (name, *place)[:-1]:
                    inside = inside[key]
                inside[(name, *place)[-1]] = OF_OTHER_TYPES[index]
                body = ",\n".join(json.dumps(each)[1:-1] for each in changed.values()) + "}\n"
                digest = hashlib.sha256(body.encode()).hexdigest()
                path.write_text(f'{{"schema": {SCHEMA}, "sha256": "{digest}",\n{body}')
                for read in (
                    lambda: state_text(status(folder)),
                    lambda: load(folder),
                    lambda: load_arrays(folder, plan.points[4].identity),
                ):
                    try:
                        read()
                    except InputError:
                        refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": [4]},
        {"shape": [-1]},
        {"shape": [2**62, 2**62]},
        {"shape": 3},
        {"dtype": "O"},
        {"dtype": "<i4"},
        {"dtype": 7},
        {"zlib_base64": "AAAA"},
        {"zlib_base64": None},
        # A few bytes that unpack to more than is said.
        {"zlib_base64": base64.b64encode(zlib.compress(bytes(2**24))).decode()},
    ],
)
def test_an_array_that_is_not_what_it_says_is_refused(changed: dict[str, Any]) -> None:
    packed = encode_array(np.arange(3))
    assert decode_array(packed).tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="array of the results is damaged"):
        decode_array({**packed, **changed})


@pytest.mark.parametrize("other", ["auto", True, 2**100, [1, 2]])
def test_an_axis_of_mixed_types_can_be_written_as_parquet(
    other: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"axis": [0.0, 1e-3, other, None], "rmse": [0.1, None, 0.2, 0.3]})
    held = SimpleNamespace(
        rows=lambda: (list(table), table.to_dict("records")), table=lambda: table
    )
    monkeypatch.setattr("studies.sweep.results.read_results", lambda folder: held)
    assert export(tmp_path, tmp_path / "table.parquet") == 4
    read = pd.read_parquet(tmp_path / "table.parquet")
    if other != 2**100:
        assert read["axis"].tolist()[:3] == ["0.0", "0.001", str(other)]
    assert read["axis"].isna().tolist() == [False, False, False, True]
    pd.testing.assert_series_equal(read["rmse"], table["rmse"])
