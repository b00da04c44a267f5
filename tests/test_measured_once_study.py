"""The measured_once study: what counts that are taken once tell, beside a circuit for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.measured_once import MeasuredOnce
from qucnn_cirq.patches import extract_patches
from studies.measured_once.classifier import MeasuredModel
from studies.measured_once.configuration import MeasuredOncePoint
from studies.measured_once.errors import Errors
from studies.measured_once.figures import accuracy_data, draw, error_data, text
from studies.measured_once.methods import angles_of, shares
from studies.measured_once.study import COLUMNS, measure
from studies.sweep.catalogue import load_study
from studies.sweep.results import read_results
from tests.helpers import sweep_in_process

NOISE = {"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01, "p10": 0.03}}
SMALL = [
    "images=2",
    "convolution.kernel=[2, 2]",
    "convolution.filters.layers=1",
    "load_filters=false",
    'noise=["depolarizing_readout"]',
    "filters=[1, 2]",
    "shots=[12, 10000]",
]


def a_point(noise: Any = NOISE, convolution: Any = None, **study: Any) -> MeasuredOncePoint:
    return MeasuredOncePoint.from_mapping(
        {
            "study": {"name": "measured_once", "images": 2, "filters": 2, **study},
            "convolution": {
                "kernel": [2, 2],
                "stride": 4,
                "filters": {"kind": "ansatz", "layers": 1},
                **(convolution or {}),
            },
            "noise": noise,
        }
    )


def a_row(**settings: Any) -> dict[str, Any]:
    return dict(measure(a_point(**settings), np.random.SeedSequence(3)).rows[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("once") / "results"
    sweep_in_process(*load_study("measured_once", SMALL), path)
    return path


@pytest.mark.parametrize("method", ["each", "each_inversion"])
def test_a_circuit_for_each_errs_as_a_layer_does(method: str) -> None:
    settings = a_point(method=method, shots=1000, load_filters=True)
    spec = ConvolutionSpec(
        kernel=2,
        stride=4,
        filters=[XZAnsatz(1)] * 2,
        overlap="destructive" if method == "each" else "inversion",
    )
    layer = QuantumConvolution(
        compile_convolution(spec, load_filters=True),
        noise=NOISE,
        shots=None,
        parameters=angles_of(settings),
    )
    patches = extract_patches(load_mnist("train", 2).images, spec)
    means = layer.run(patches).estimates
    errors = means - ideal_overlaps(patches, spec, angles_of(settings))
    row = dict(measure(settings, np.random.SeedSequence(0)).rows[0])
    # 250 shots of each of two circuits for values, and 31 of each of 16 for gradients.
    assert row["circuits"] == 18 and row["shots_taken"] == 996
    variance = layer.program.filters[0].template.observable.variance(means, 250)
    assert row["values_rmse"] == pytest.approx(np.sqrt((errors**2 + variance).mean()))
    assert row["values_bias"] == pytest.approx(errors.mean(), abs=1e-12)
    maps = patches.to_maps(means)
    squares = []
    for place in np.argwhere(maps[:, 0] > 0)[::5]:
        upstream = np.zeros_like(maps)
        upstream[(place[0], slice(None), *place[1:])] = 1.0
        layer.forward(load_mnist("train", 2).images)
        layer.shots = None
        exact = layer.gradient(upstream, "exact").values
        bias = layer.gradient(upstream, "parameter_shift").values - exact
        layer.shots = 31
        squares.append(bias**2 + layer.gradient(upstream, "parameter_shift").variance)
        layer.shots = None
    assert row["gradients_rmse"] == pytest.approx(np.sqrt(np.mean(squares)), rel=0.1)


def test_one_measurement_tells_more_than_a_circuit_for_each() -> None:
    rows = {
        name: a_row(method=name, images=4, shots=20_000)
        for name in ("measured_once", "measured_once_destructive", "each_inversion", "bound")
    }
    for name in ("values", "gradients"):
        once = [rows[method][f"{name}_rmse"] for method in list(rows)[:2]]
        least = rows["bound"][f"{name}_rmse"]
        assert least < min(once) and max(once) < 3 * least
        assert max(once) < 0.5 * rows["each_inversion"][f"{name}_rmse"]
        for method in list(rows)[:2]:
            assert rows[method][f"{name}_coverage"] > 0.85
            assert rows[method][f"{name}_rmse_worst"] >= rows[method][f"{name}_rmse_high"]
    assert rows["measured_once"]["circuits"] == 12
    assert rows["measured_once_destructive"]["circuits"] == 1


@pytest.mark.parametrize("method", ["measured_once_destructive", "optimal"])
def test_wrong_rates_cost(method: str) -> None:
    right, wrong = (
        a_row(method=method, images=4, shots=10**6, assumed_scale=scale) for scale in (1.0, 3.0)
    )
    assert wrong["values_systematic_rmse"] > 1.2 * right["values_systematic_rmse"]
    assert wrong["values_rmse"] > right["values_rmse"]


def test_the_bound_of_an_overlap_with_a_real_filter_is_that_of_its_own_test() -> None:
    # An ansatz of Y rotations alone has real states.
    settings = MeasuredOncePoint.from_mapping(
        {
            "study": {"name": "measured_once", "images": 1, "filters": 1, "method": "bound"},
            "convolution": {
                "kernel": [2, 2],
                "stride": 4,
                "filters": {"kind": "ansatz", "layers": 1, "rotations": ["y"]},
            },
        }
    )
    row = dict(measure(settings, np.random.SeedSequence(0)).rows[0])
    patches = extract_patches(load_mnist("train", 1).images, settings.spec)
    exact = ideal_overlaps(patches, settings.spec, angles_of(settings))
    assert row["values_rmse"] == pytest.approx(np.sqrt((exact * (1 - exact)).mean() / 10_000))


def test_repetitions_and_seeds_draw_again_and_repeat() -> None:
    first, again, other = (
        measure(a_point(shots=1000), np.random.SeedSequence(seed)).rows[0] for seed in (1, 1, 2)
    )
    assert first == again
    assert first["values_rmse"] != other["values_rmse"]


def test_errors_whose_moments_are_known_are_those_of_a_sample() -> None:
    generator = np.random.default_rng(0)
    exact = np.tile(generator.random((3, 1)), (1, 40_000))
    bias, deviation = np.array([[0.0], [0.02], [0.05]]), np.array([[0.01], [0.01], [0.0]])
    values = exact + bias + deviation * generator.normal(size=exact.shape)
    known = Errors.known(exact, bias + 0 * exact, deviation**2 + 0 * exact)
    drawn = Errors.sampled(exact, values, deviation**2 + 0 * exact, exact + bias)
    for name in ("squared", "covered", "mean", "systematic"):
        found, wanted = (getattr(each, name).mean(axis=1) for each in (drawn, known))
        assert found == pytest.approx(wanted, abs=0.01)
    assert known.covered[2].max() == 0


def test_shots_are_shared() -> None:
    spec = ConvolutionSpec(kernel=2, filters=[XZAnsatz(1)] * 3)
    spent = shares(spec, 1000, 0.25)
    assert (spent.value_circuits, spent.gradient_circuits) == (3, 2 * spec.n_angles)
    assert spent.of_a_value == 83
    assert spent.shots <= 1000


@pytest.mark.parametrize("kernel", [(2, 2), (1, 3)])
def test_a_model_of_counts_gives_what_the_counts_tell(kernel: tuple[int, int]) -> None:
    settings = a_point(convolution={"kernel": list(kernel)})
    images = load_mnist("train", 4).images.astype(float)
    measured = MeasuredOnce(
        settings.convolution, noise=NOISE, shots=1200, circuit="destructive"
    ).measure(images)
    model = MeasuredModel(settings.spec, angles_of(settings), measured)
    chosen = np.array([1, 3])
    maps = model.maps(images[chosen], chosen, 0)
    whole = measured.overlaps(angles_of(settings), settings.spec.filter_list).values
    assert maps == pytest.approx(whole[chosen], abs=1e-12)
    upstream = np.zeros_like(whole)
    upstream[chosen] = np.random.default_rng(0).normal(size=maps.shape)
    wanted = measured.gradients(upstream, angles_of(settings), settings.spec.filter_list)
    assert model.gradient(upstream[chosen], 0) == pytest.approx(wanted.values, abs=1e-10)


@pytest.mark.parametrize(
    ("method", "circuits"), [("measured_once", 12), ("each_inversion", 36), ("ideal", 0)]
)
def test_classifiers_are_trained(method: str, circuits: int) -> None:
    row = a_row(method=method, train=True, images=10, test_images=10, epochs=2, shots=400)
    assert 0 <= row["correct"] <= row["tested"] == 10
    assert row["circuits"] == circuits
    assert row["training_shots"] == row["patches"] * row["shots_taken"]
    if method == "ideal":
        assert row["correct"] == row["correct_exact"] and row["training_shots"] == 0
    else:
        assert 0.9 * 400 < row["shots_taken"] <= 400


def test_the_figure_has_its_numbers_and_the_summary_says_them(folder: Path, tmp_path: Path) -> None:
    results = read_results(folder)
    assert draw(results, tmp_path) == ["measured_once"]
    drawn = pd.read_csv(tmp_path / "measured_once.csv")
    assert set(drawn["quantity"]) == {"values", "gradients"}
    table = results.table()
    own = table[table["filters"] == 2]
    data = error_data(own, "values")
    assert list(data["method"])[-1] == "bound"
    row = own[(own["method"] == "optimal") & (own["shots"] == 10_000)].iloc[0]
    same = data[(data["method"] == "optimal") & (data["shots"] == 10_000)].iloc[0]
    assert same["rmse"] == pytest.approx(row["values_rmse"])
    assert same["low"] <= same["rmse"] <= same["high"]
    words = text(results)
    assert f"{row['values_rmse']:.5f}" in words and "times in gradients" in words
    # 12 shots are fewer than the shifted circuits, whose error is not told.
    assert (
        table[(table["shots"] == 12) & (table["method"] == "each")]["gradients_rmse"].isna().all()
    )
    assert "shots = 12 are too few for gradients" in words


def test_accuracy_is_drawn_against_all_shots(tmp_path: Path) -> None:
    settings = [
        *SMALL[1:3],
        "convolution.stride=8",
        "images=10",
        "test_images=10",
        "epochs=1",
        "shots=[100, 1000]",
        'method=["measured_once_destructive", "each_inversion", "ideal"]',
    ]
    sweep_in_process(*load_study("measured_once_training", settings), tmp_path / "results")
    results = read_results(tmp_path / "results")
    assert draw(results, tmp_path) == ["measured_once_training"]
    data = accuracy_data(results.table(), "correct_exact")
    assert len(data) == 6
    assert ((data["low"] <= data["accuracy"]) & (data["accuracy"] <= data["high"])).all()
    assert "measured once, destructive: accuracy" in text(results)


def test_every_column_is_explained(folder: Path) -> None:
    found = set(a_row(method="each", shots=12)) | set(a_row(train=True, images=10, method="ideal"))
    assert found <= set(COLUMNS)
    assert "refused" in found


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["method=once"], "unknown method 'once'"),
        (["method=ideal"], "'ideal' has no errors"),
        (["method=bound", "train=true", "images=10"], "'bound' has no shots to train with"),
        (["train=true", "images=2"], "images = 2 are too few to train with"),
        (["convolution.overlap=inversion"], "chosen by the method"),
        (
            ["convolution.kernel=2", "convolution.filters={kind='fixed', values=[1, 2, 3, 4]}"],
            "takes one filter with angles",
        ),
    ],
)
def test_wrong_settings_are_refused(settings: list[str], message: str) -> None:
    kind, document = load_study("measured_once", settings)
    document.pop("axes", None)
    with pytest.raises(InputError, match=message):
        kind.read(document)
