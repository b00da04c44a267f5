"""Sweeps from Python: the same points and files as by the command line, whoever begins them."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import here_and_now, wait_until

import studies
from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError
from studies.settings import axes_texts, plain, settings_texts
from studies.sweep.catalogue import load_study, study_named
from studies.sweep.results import status

SHORT: dict[str, Any] = {
    "images": 1,
    "device": "grid:3x3",
    "check_patches": 0,
    "convolution.kernel": [2, 2],
    "convolution.stride": 3,
    "convolution.filters": {"kind": "fixed", "values": [[0.1, -0.4], [0.3, 0.9]]},
    "repeat": 0,
}
AXES: dict[str, Any] = {
    "convolution.overlap": ["inversion", "destructive"],
    "noise.scale": [0.1, 1.0, 2.0],
}


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studies.sweep.job.local_workers", here_and_now)
    monkeypatch.setattr("studies.sweep.job.draw_device_map", lambda *arguments: [])


def table_without_times(folder: Path) -> pd.DataFrame:
    return studies.load(folder).drop(columns="seconds")


@pytest.fixture(scope="module")
def by_command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "results"
    settings = [*settings_texts(SHORT), *axes_texts(AXES, ())]
    options = [part for each in settings for part in ("--set", each)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studies.sweep.job.local_workers", here_and_now)
        patch.setattr("studies.sweep.job.draw_device_map", lambda *arguments: [])
        assert main(["study", "noise", "--out", str(folder), "--quiet", *options]) == 0
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder; chunks are named by what they hold, times included."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "chunks" and path.name != "summary.json"
    }


def check_same(folder: Path, by_command: Path) -> None:
    assert contents(folder) == contents(by_command)
    pd.testing.assert_frame_equal(table_without_times(folder), table_without_times(by_command))
    summaries = [json.loads((each / "summary.json").read_text()) for each in (folder, by_command)]
    for summary in summaries:
        summary.pop("seconds")
    assert summaries[0] == summaries[1]
    for point in studies.load(folder)["point"]:
        own, other = (studies.load_arrays(each, point) for each in (folder, by_command))
        assert own.keys() == other.keys()
        assert all(np.array_equal(own[name], other[name]) for name in own)


def test_points_and_files_are_those_of_the_command_line(by_command: Path, tmp_path: Path) -> None:
    results = studies.run("noise", tmp_path / "out", AXES, settings=SHORT)
    assert isinstance(results, studies.Results) and results.folder == tmp_path / "out"
    check_same(tmp_path / "out", by_command)
    assert results.summary()["done"] == results.status().done == 6
    pd.testing.assert_frame_equal(results.table(), studies.load(tmp_path / "out"))


def test_any_form_of_a_configuration_gives_the_same_points(
    by_command: Path, tmp_path: Path
) -> None:
    kind, document = load_study("noise", settings_texts(SHORT))
    single = [f"{key}={values[0]}" for key, values in AXES.items()]
    point = kind.read(load_study(document, single)[1])
    (tmp_path / "own.toml").write_bytes((by_command / "configuration.toml").read_bytes())
    wanted = table_without_times(by_command)
    forms: list[tuple[Any, dict[str, Any]]] = [
        (str(tmp_path / "own.toml"), {}),
        (tmp_path / "own.toml", {}),
        (document, {"axes": {key: np.array(values) for key, values in AXES.items()}}),
    ]
    for configuration, options in forms:
        table = studies.run(configuration, **options).table().drop(columns="seconds")
        pd.testing.assert_frame_equal(table, wanted)
    # Scaled noise is another number: the point is told by its settings.
    own = studies.run(point).table()
    assert own["point"].tolist() == wanted["point"][:1].tolist()
    assert own["rmse"].tolist() == wanted["rmse"][:1].tolist()


def test_axes_replace_those_of_the_configuration_and_choose_among_steps(tmp_path: Path) -> None:
    document = {
        "study": {"name": "noise", "images": 1},
        "axes": {"repeat": [0, 1]},
        "zip": {"shots": [10, 20, 30], "noise.scale": [1.0, 2.0, 3.0]},
    }
    axes = {"study.repeat": range(3), "shots": (10, 30)}
    _, found = load_study(document, axes_texts(axes, document["zip"]))
    assert found["axes"] == {"repeat": [0, 1, 2]}
    assert found["zip"] == {"shots": [10, 30], "noise.scale": [1.0, 3.0]}
    assert document["axes"] == {"repeat": [0, 1]}


def test_a_stopped_run_goes_on_from_python_and_from_the_command_line(
    by_command: Path, tmp_path: Path
) -> None:
    class Enough(Exception):
        pass

    def after(count: int) -> Any:
        def watch(progress: studies.Progress) -> None:
            if progress.done >= count:
                raise Enough

        return watch

    folder = tmp_path / "out"
    for count in (1, 3):
        with pytest.raises(Enough):
            studies.run("noise", folder, AXES, settings=SHORT, progress=after(count))
        assert count <= status(folder).done < 6
    for _ in studies.iterate("noise", folder, AXES, settings=SHORT):
        break
    assert main(["study", str(folder / "configuration.toml"), "--out", str(folder)]) == 0
    check_same(folder, by_command)


def test_a_killed_script_goes_on(by_command: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    script = f"""
import time, studies
def watch(progress):
    # Long enough to be killed in the middle.
    time.sleep(600 if progress.done else 0)
studies.run("noise", {str(folder)!r}, {AXES!r}, settings={SHORT!r}, progress=watch)
"""
    process = subprocess.Popen([sys.executable, "-c", script], env={**os.environ})
    try:
        wait_until(lambda: any(folder.glob("chunks/*.json")), process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 0 < status(folder).done < 6
    studies.run("noise", folder, AXES, settings=SHORT)
    check_same(folder, by_command)


def test_progress_is_told_from_the_beginning_to_the_end(tmp_path: Path) -> None:
    for begun in (0, 6):
        told: list[studies.Progress] = []
        studies.run("noise", tmp_path, AXES, progress=told.append, settings=SHORT)
        assert (told[0].study, told[0].points, told[0].done) == ("noise", 6, begun)
        counts = [each.done for each in told]
        assert counts == sorted(set(counts)) and counts[-1] == 6
        assert told[-1].failed == 0
        seconds = [each.seconds for each in told]
        assert seconds == sorted(seconds)


def test_a_loop_over_points_tells_what_a_run_tells(tmp_path: Path) -> None:
    told: list[studies.Progress] = []
    for begun in (0, 6):
        points = studies.iterate("noise", tmp_path, AXES, 1, told.append, settings=SHORT)
        assert told == []
        # They were stored, and told, before they are handed on; those there before at once.
        for count, _ in enumerate(points, 1):
            assert told[-1].done >= count
        counts = [each.done for each in told]
        assert counts == sorted(set(counts)) and (counts[0], counts[-1]) == (begun, 6)
        assert {(each.study, each.points, each.failed) for each in told} == {("noise", 6, 0)}
        told.clear()


def test_what_the_callback_of_a_loop_raises_ends_it_and_keeps_what_was_stored(
    tmp_path: Path,
) -> None:
    def watch(progress: studies.Progress) -> None:
        if progress.done:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        list(studies.iterate("noise", tmp_path, AXES, progress=watch, settings=SHORT))
    assert 0 < status(tmp_path).done < 6


def test_points_come_one_by_one_first_those_that_are_there(
    by_command: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    first = next(iter(studies.iterate("noise", folder, AXES, settings=SHORT)))
    assert status(folder).done < 6 and not (folder / "summary.json").exists()
    points = list(studies.iterate("noise", folder, AXES, settings=SHORT))
    assert points[0].identity == first.identity and len(points) == 6
    check_same(folder, by_command)
    table = studies.load(folder)
    for settings, rows in points:
        own = pd.DataFrame(rows)
        (number,) = table.index[table["point"] == own["point"][0]]
        assert settings.images == 1 and own["rmse"][0] == table["rmse"][number]
        assert dict(own.iloc[0]).keys() == dict(table.iloc[0]).keys()
        assert own["noise.scale"][0] == table["noise.scale"][number]
    assert [each.values["noise.scale"] for each in points[:3]] == AXES["noise.scale"]


def test_points_that_fail_are_handed_on_with_their_error() -> None:
    axes = {"device": ["grid:3x3", "grid:1x1"]}
    points = list(studies.iterate("noise", None, axes, settings={**SHORT, **fixed()}))
    assert [each.error is None for each in points] == [True, False]
    assert points[1].rows == [] and "grid:1x1" in str(points[1].error)
    told: list[studies.Progress] = []
    results = studies.run("noise", None, axes, settings={**SHORT, **fixed()}, progress=told.append)
    ((values, error),) = results.status().failed
    assert values == {"device": "grid:1x1"} and error == points[1].error
    assert told[-1].failed == 1 and len(results.table()) == 1
    told.clear()
    list(studies.iterate("noise", None, axes, 1, told.append, settings={**SHORT, **fixed()}))
    assert (told[-1].done, told[-1].failed) == (2, 1)


def fixed() -> dict[str, Any]:
    return {key: values[0] for key, values in AXES.items()}


def test_a_temporary_place_goes_with_its_results(tmp_path: Path) -> None:
    results = studies.run("noise", settings={**SHORT, **fixed()})
    folder = results.folder
    page = results.report(tmp_path / "page.html")
    assert page.read_bytes() == (folder / "report.html").read_bytes()
    assert results.arrays(results.table()["point"][0])["exact"].shape[0] == 1
    del results
    gc.collect()
    assert not folder.exists()


def test_shards_make_the_whole(by_command: Path, tmp_path: Path) -> None:
    counts = []
    for number in (1, 2):
        told: list[studies.Progress] = []
        studies.run("noise", tmp_path, AXES, settings=SHORT, shard=(number, 2),
                    progress=told.append)  # fmt: skip
        counts.append((told[-1].points, told[-1].done))
    assert counts == [(3, 3), (3, 3)]
    pd.testing.assert_frame_equal(table_without_times(tmp_path), table_without_times(by_command))


@pytest.mark.parametrize(
    ("configuration", "options", "words"),
    [
        ("nois", {}, "'noise'"),
        (7, {}, "the configuration 7 is not allowed: give the name"),
        ({"study": {"images": 1}}, {}, "does not say which study"),
        ({"studies": {}}, {}, "table of the configuration 'studies'"),
        ("noise", {"axes": {"noise.scale": 1.0}}, "axis 'noise.scale' = 1.0"),
        ("noise", {"axes": {"noise.scale": []}}, "axis 'noise.scale' = []"),
        ("noise", {"axes": [1]}, "axes = [1]"),
        ("noise", {"axes": {"imagess": [1]}}, "imagess"),
        ("noise", {"axes": {"images": [None]}}, "axis images"),
        ("noise", {"axes": {"images": [object()]}}, "axis images"),
        ("noise", {"settings": {"images": object()}}, "images = "),
        ("noise", {"settings": ["images"]}, "key=value"),
        ("noise", {"workers": 0}, "workers = 0"),
        ("noise", {"workers": True}, "workers = True"),
        ("noise", {"shard": "x"}, "shard = 'x'"),
        ("noise", {"shard": (1.5, 2)}, "shard = "),
        ("noise", {"shard": 3}, "shard = 3"),
        ("noise", {"shard": (3, 2)}, "shard = (3, 2)"),
        ({"study": {"name": "noise"}}, {"quick": True}, "quick version"),
    ],
)
def test_what_cannot_be_run_is_refused_before_a_folder_is_made(
    configuration: Any, options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    for run in (studies.run, studies.iterate):
        with pytest.raises(InputError) as refused:
            list(run(configuration, tmp_path / "out", **options))
        assert words in str(refused.value) and "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_settings_of_no_study_are_refused() -> None:
    class Mine:
        def to_mapping(self) -> dict[str, Any]:
            return {"study": {"name": "noise"}}

    with pytest.raises(InputError, match="settings Mine are not those of the study 'noise'"):
        load_study(Mine())
    assert load_study(study_named("noise").settings())[0] is study_named("noise")


def test_values_of_python_become_plain_data() -> None:
    class Mine:
        def to_mapping(self) -> dict[str, Any]:
            return {"p": np.float64(0.5)}

    given = {
        "a": (1, np.int64(2)),
        "b": range(2),
        "c": np.array([0.5]),
        "d": [Mine()],
        "e": pd.Series([3]),
    }
    assert plain("x", given) == {"a": [1, 2], "b": [0, 1], "c": [0.5], "d": [{"p": 0.5}], "e": [3]}
    assert settings_texts({"a.b": "x=1", "c": float("inf")}) == ['a.b="x=1"', "c=inf"]
    assert settings_texts("a=1") == ["a=1"]


def test_public_names_are_there() -> None:
    assert all(hasattr(studies, name) for name in studies.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = studies.nothing


def test_loggers_tell_what_is_compiled_stored_and_failed_and_are_quiet_otherwise(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ansatz = {"kind": "ansatz", "layers": 1}
    settings = {"images": 1, "device": "grid:3x3", "convolution.filters": ansatz}
    axes = {"convolution.kernel": [[2, 2], [8, 8]], "shots": [10]}
    with caplog.at_level("INFO"):
        studies.run("forward", tmp_path / "told", axes, settings=settings)
    told = [(each.name, each.levelname) for each in caplog.records]
    assert ("qucnn_cirq.compiler.compilation", "INFO") in told
    assert ("studies.sweep.run", "INFO") in told
    assert ("studies.sweep.run", "WARNING") in told
    assert any("failed" in each.getMessage() for each in caplog.records)
    capfd.readouterr()
    caplog.clear()
    program = (
        "import json, studies, sys; axes, settings = map(json.loads, sys.argv[2:]); "
        "studies.run('forward', sys.argv[1], axes, settings=settings)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "quiet"), json.dumps(axes),
         json.dumps(settings)],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
