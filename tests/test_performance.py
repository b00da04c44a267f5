"""The performance study: what it times beside circuits, and how it shows times side by side."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_tables import Tabled
from matplotlib.figure import Figure

from qucnn_cirq.circuits.loaders import line
from qucnn_cirq.errors import InputError
from studies.performance import figures
from studies.performance.study import STUDY, PerformancePoint
from studies.sweep.catalogue import load_study
from studies.sweep.plan import make_plan

NOISE = {"depolarizing": {"p1": 0.001, "p2": 0.005}}
SMALL = {"stride": 8}


def row_of(noise: Any = None, convolution: Any = SMALL, **study: Any) -> dict[str, Any]:
    if "task" in study:
        study["images"] = 1
    document = {"study": {"runs": 2, **study}, "convolution": convolution}
    settings = STUDY.read({**document, "noise": noise} if noise else document)
    assert STUDY.cost(settings).seconds > 0
    (row,) = STUDY.measure(settings, np.random.SeedSequence(3)).rows
    assert set(row) <= set(STUDY.columns)
    assert row["seconds_per_patch"] == pytest.approx(row["seconds_per_call"] / row["met"])
    return dict(row)


@pytest.mark.parametrize("task", ["solve", "load"])
@pytest.mark.parametrize("loader", ["symplectic", "line"])
def test_every_patch_whose_loading_is_timed_is_loaded(task: str, loader: str) -> None:
    row = row_of(task=task, loader=loader)
    assert 0 < row["met"] <= 16
    assert row["largest_infidelity"] < 1e-20
    assert "times_exact" not in row


def test_a_cold_loader_searches_in_every_run_and_a_warm_one_in_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QUCNN_CACHE", str(tmp_path))
    searched, search = [], line.solve_line_angles

    def counted(states: Any, *rest: Any, **settings: Any) -> Any:
        # A filter is a single state.
        searched.extend([len(states)] * (len(states) > 1))
        return search(states, *rest, **settings)

    monkeypatch.setattr(line, "solve_line_angles", counted)
    convolution = {"stride": 4}
    for cache, searches in (("cold", 2), ("warm", 1)):
        searched.clear()
        row_of(task="load", loader="line", cache=cache, convolution=convolution)
        assert len(searched) == searches
        # As many as are worth a file.
        assert min(searched) > 16
    searched.clear()
    row_of(task="forward", loader="line", convolution=convolution)
    assert len(searched) == 2
    # Nothing of it is left on the disk, or off.
    assert not list(tmp_path.iterdir())
    assert os.environ["QUCNN_CACHE"] == str(tmp_path)


@pytest.mark.parametrize("cache", ["cold", "warm"])
def test_layers_are_timed_with_shots_and_without(cache: str) -> None:
    for task, shots in (("forward", 100), ("step", 100), ("step", 0)):
        row = row_of(NOISE, task=task, cache=cache, shots=shots)
        assert row["filters"] == (4 if task == "step" else 1)
        assert row["met"] <= 16


def test_the_exact_engine_is_the_measure_of_all_others() -> None:
    row = row_of(NOISE, {}, patches=2000)
    # Of the fastest of two runs each, on a machine that may be busy.
    assert 0.1 < row["times_exact"] < 10
    assert row_of(NOISE, {}, engine="qsim_density", patches=2)["times_exact"] > 100


@pytest.mark.parametrize(
    ("task", "setting", "said"),
    [
        ("run", {"cache": "warm"}, "cache = 'warm' has no effect on task = 'run'"),
        ("run", {"images": 4}, "images = 4 has no effect on task = 'run'"),
        ("run", {"shots": 0}, "shots = 0 is not allowed"),
        ("solve", {"engine": "qsim"}, "engine = 'qsim' has no effect on task = 'solve'"),
        ("load", {"noise": "willow_pink"}, "noise = .* has no effect on task = 'load'"),
        ("load", {"shots": 5}, "shots = 5 has no effect on task = 'load'"),
        ("step", {"patches": 5}, "patches = 5 has no effect on task = 'step'"),
        ("forward", {"engine": "cirq"}, "engine = 'cirq' runs circuits alone"),
        ("step", {}, "task = 'step' needs filters with angles"),
        ("walk", {}, "unknown task 'walk'"),
    ],
)
def test_a_setting_without_effect_on_the_task_is_refused(
    task: str, setting: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        PerformancePoint(task=task, **setting)
    assert len(str(refused.value)) <= 200


TABLE = pd.DataFrame(
    [
        ("solve", "exact", "symplectic", "cold", "ideal", 5e-6, 2.2e-2, 4400, None),
        ("solve", "exact", "line", "cold", "ideal", 7e-4, 3.1, 4400, None),
        ("solve", "exact", "line", "warm", "ideal", 1e-6, 4.4e-3, 4400, None),
        ("step", "exact", "auto", "warm", "willow_pink", 1.6e-4, 1.5, 9195, None),
        ("run", "exact", "auto", "cold", "willow_pink", 1.1e-5, 4.6e-2, 4000, 1.02),
        ("run", "qulacs", "auto", "cold", "willow_pink", 0.336, 1.68, 5, 23_412.0),
    ],
    columns=[
        "task",
        "engine",
        "loader",
        "cache",
        "noise",
        "seconds_per_patch",
        "seconds_per_call",
        "met",
        "times_exact",
    ],
)


def test_times_are_told_with_units_and_ratios() -> None:
    lines = figures.text(Tabled(TABLE)).splitlines()
    assert [" ".join(each.split()) for each in lines] == [
        "solve symplectic 5 µs a patch 1 times symplectic",
        "solve line 700 µs a patch 140 times symplectic",
        "solve line, warm 1 µs a patch 0.2 times symplectic",
        "step exact, warm, willow_pink 160 µs a patch 1.5 s for 9,195 patches",
        "exact, willow_pink 11 µs a patch 1 times exact",
        "qulacs, doubled state vector, willow_pink 336 ms a patch 23,000 times exact",
    ]


def test_each_time_has_a_point_in_the_colour_of_its_kind(tmp_path: Path) -> None:
    axes = figures.plot_side_by_side(Figure().subplots(), TABLE)
    points = {
        float(x): handle.get_label()
        for handle in axes.get_lines()
        for x in np.atleast_1d(handle.get_xdata())
    }
    data = figures.side_by_side_data(TABLE)
    assert points == dict(zip(data["seconds_per_patch"], data["kind"], strict=True))
    assert len({str(handle.get_color()) for handle in axes.get_lines()}) == 4
    assert [each.get_text() for each in axes.get_yticklabels()] == list(data["timed"])
    assert figures.draw(Tabled(TABLE), tmp_path) == ["performance"]
    kept = pd.read_csv(tmp_path / "performance.csv")
    assert list(kept["times_exact"].dropna()) == [1.02, 23_412.0]


def test_the_study_of_other_simulators_takes_less_than_five_minutes() -> None:
    kind, document = load_study("performance_peers")
    points = make_plan(dataclasses.replace(kind, digest=lambda settings: {}), document).points
    assert 10 < sum(kind.cost(point.settings).seconds for point in points) < 300
    timed = {(point.settings.task, point.settings.engine) for point in points}
    assert {("run", each) for each in ("exact", "qsim", "aer", "qulacs", "cirq")} <= timed
    assert {task for task, _ in timed} == {"run", "solve", "load", "forward", "step"}
