"""Drift in sweeps: one realisation for each repetition, whatever else differs between points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import here_and_now

import studies
from noise_models import NoiseConfiguration
from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from studies.noise.configuration import NoisePoint
from studies.point import noise_of_run
from studies.systems.running import Run

CONVOLUTION: dict[str, Any] = {
    "kernel": [2, 2],
    "stride": 9,
    "filters": {"kind": "fixed", "values": [[0.1, -0.4], [0.3, 0.9]]},
}
NOISE: dict[str, Any] = {
    "depolarizing": {"p1": 0.002, "p2": 0.01},
    "readout": {"p01": 0.01, "p10": 0.03},
    "drift": {"sd": 0.3, "correlation": 0.5},
}


def configuration(study: str, **settings: Any) -> dict[str, Any]:
    return {
        "study": {"name": study, "device": "grid:3x3", "images": 3, "check_patches": 0, **settings},
        "convolution": CONVOLUTION,
        "noise": NOISE,
    }


def run(folder: Path, axes: dict[str, Any], workers: int = 1) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        if workers == 1:
            patch.setattr("studies.sweep.job.local_workers", here_and_now)
        patch.setattr("studies.sweep.job.draw_device_map", lambda *arguments: [])
        studies.run(configuration("noise"), folder, axes, workers=workers)
    return studies.load(folder).drop(columns="seconds")


AXES: dict[str, Any] = {"shots": [100, 400], "repeat": [0, 1]}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return run(tmp_path_factory.mktemp("drift") / "out", AXES)


def test_points_of_a_repetition_see_the_same_drift(table: pd.DataFrame) -> None:
    # Of exact means, so that shots do not matter.
    table = table.round(12)
    each = table.groupby("repeat")["systematic_rmse"]
    assert (each.nunique() == 1).all()
    assert table["systematic_rmse"].nunique() == 2
    assert table["rmse"].nunique() == 4
    assert table["systematic_rmse_over_drift"].nunique() == 1
    assert table["bias_over_drift"].nunique() == 1


def test_the_mean_over_drifts_is_that_of_many_repetitions(tmp_path: Path) -> None:
    many = run(tmp_path / "out", {"noise.drift.realisation": list(range(60))})
    square = many["systematic_rmse"] ** 2
    for found, wanted in (
        (many["bias"], many["bias_over_drift"][0]),
        (square, many["systematic_rmse_over_drift"][0] ** 2),
    ):
        assert abs(found.mean() - wanted) < 4 * found.std() / np.sqrt(len(many))


def test_workers_do_not_matter(table: pd.DataFrame, tmp_path: Path) -> None:
    others = run(tmp_path / "out", AXES, workers=2)
    pd.testing.assert_frame_equal(others, table)


def test_a_realisation_belongs_to_seed_and_repetition() -> None:
    def number(run: int = 0, **settings: Any) -> int | None:
        drift = noise_of_run(NoisePoint.from_mapping(configuration("noise", **settings)), run).drift
        assert drift is not None
        return drift.realisation

    assert number() == number(shots=7) == number(split="test")
    others = [number(), number(repeat=1), number(seed=1), number(run=1)]
    assert None not in others and len(set(others)) == 4
    fixed = configuration("noise", repeat=3)
    fixed["noise"] = {**NOISE, "drift": {"sd": 0.1, "realisation": 2}}
    drift = noise_of_run(NoisePoint.from_mapping(fixed)).drift
    assert drift is not None and drift.realisation == 2


def test_equal_images_of_systems_have_rates_of_their_own() -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([0.1, -0.4, 0.3, 0.9]), stride=2)
    images = np.repeat(np.random.default_rng(1).random((1, 4, 4)), 3, axis=0)
    drifting = NoiseConfiguration.from_mapping(NOISE)
    maps = Run("grid:3x3", drifting, None, seed=4).maps(spec, None, images)
    program = compile_convolution(spec, "grid:3x3")
    layer = QuantumConvolution(program, "exact", drifting, None, seed=4)
    np.testing.assert_allclose(maps, layer.forward(images, image_ids=range(3)), atol=1e-13)
    assert np.abs(maps[0] - maps[1]).max() > 1e-4
