"""The study of other quantum convolutions and their controls."""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path

import attrs
import cirq
import numpy as np
import pandas as pd
import pytest
from figure_tables import Tabled
from matplotlib.figure import Figure
from test_figures import check_readable

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, InputError, XZAnsatz
from qucnn_cirq.convolution import extract_patches, ideal_numbers
from qucnn_cirq.drawing.theme import theme
from qucnn_cirq.engines import TWIRLS, as_twirl
from qucnn_cirq.filters import RingBody
from studies.drawing import lay_out
from studies.systems.configuration import SystemsPoint
from studies.systems.data import digits_of, selected
from studies.systems.figures import plot_accuracy
from studies.systems.models import ROLES, SYSTEMS, System
from studies.systems.running import Run
from studies.systems.study import COLUMNS, STUDY, measure
from studies.systems.training import MeasuredModel

SMALL = {
    "quanvolution": {"kind": "quanvolution", "stride": 7},
    "chen": {"kind": "chen", "size": 6, "stride": 3, "epochs": 1, "images": 20},
    "quclassi": {"kind": "quclassi", "components": 6, "epochs": 1},
    "qugan": {"kind": "qugan", "components": 2, "epochs": 1, "samples": 50},
    "quantumflow": {"kind": "quantumflow", "neurons": 2, "epochs": 1},
    "qcnn": {"kind": "qcnn", "epochs": 1},
}
"""A small system of each kind."""


def point(system: object, noise: object = None, **settings: object) -> SystemsPoint:
    """The settings of a small point."""
    study = {"images": 100, "test_images": 40, "digits": [3, 6], **settings, "system": system}
    found: SystemsPoint = STUDY.read({"study": study, "noise": noise})
    return found


@functools.lru_cache(maxsize=1)
def digits() -> np.ndarray:
    """Six test images of a 3 or a 6."""
    return selected("test_images", 60, None, (3, 6)).images[:6]


def test_every_system_has_a_small_one() -> None:
    assert set(SMALL) == set(SYSTEMS)


@pytest.mark.parametrize("kind", SYSTEMS)
def test_a_system_is_measured_with_all_its_controls(kind: str) -> None:
    settings = point(SMALL[kind], "willow_pink", check_fraction=1.0, check_shots=50)
    rows = measure(settings, np.random.SeedSequence(1)).rows
    assert [row["role"] for row in rows][0] == "model"
    # Data are made by no overlaps, so that QuCNN has no part in it.
    assert {row["role"] for row in rows} == set(ROLES) - ({"qucnn"} if kind == "qugan" else set())
    labels = [row["control"] for row in rows]
    assert len(set(labels)) == len(labels)
    for row in rows:
        assert set(row) <= set(COLUMNS)
        assert (row["circuits"] == 0) == (row["role"] == "classical")
        if row["role"] == "unentangled":
            # A CNOT that only permutes outcomes is read and not run.
            assert row["two_qubit_gates"] <= rows[0]["two_qubit_gates"]
    assert rows[0]["check_items"] > 0
    assert rows[0]["check_largest_z"] < 5
    assert measure(settings, np.random.SeedSequence(1)).rows == rows


@pytest.mark.parametrize("kind", SYSTEMS)
def test_settings_are_read_as_they_are_written(kind: str) -> None:
    settings = point(SMALL[kind])
    assert STUDY.read(settings.to_mapping()) == settings
    other = attrs.evolve(settings, system=SYSTEMS.read(kind))
    assert settings.to_identity() != other.to_identity()
    assert SYSTEMS.read(kind).label


# The operators of nine qubits are carried back through each form: sixteen take a minute.
@pytest.mark.parametrize(
    ("kind", "twirl"),
    [
        (kind, twirl)
        for kind in SYSTEMS
        for twirl in ("none", *TWIRLS)
        if (kind, twirl) != ("chen", "pauli")
    ],
)
def test_ideal_circuits_are_those_without_noise(kind: str, twirl: str) -> None:
    """Linear algebra and compiled circuits on the exact engine agree, for every convolution."""
    # Of the other pooling records decide on gates that follow.
    pooling = {"pooling": "measured"} if kind == "qcnn" and twirl != "none" else {}
    system: System = SYSTEMS.read(SMALL[kind] | pooling)
    weak = as_noise({"coherent": {"angle": 1e-12}}).configuration
    run = Run(noise=weak, twirl=as_twirl(twirl))
    for model in system.models(0, (3, 6)):
        model.fit(selected("images", 100, None, (3, 6)), 0)
        for spec, images in zip(model.specs, model.inputs(digits()), strict=True):
            draws = np.random.default_rng(0)
            angles = draws.uniform(0, 6, (spec.n_filters, spec.n_parameters))
            ideal = Run().maps(spec, angles, images)
            assert ideal.shape[:2] == (len(images), spec.n_maps)
            np.testing.assert_allclose(run.maps(spec, angles, images), ideal, atol=1e-9)


def test_a_twirl_takes_away_what_coherent_errors_add_to_small_overlaps() -> None:
    settings = point(SMALL["quclassi"] | {"overlap": "ancilla"}, "willow_pink")
    model, *_ = settings.system.models(0, settings.digits)
    model.fit(selected("images", 100, None, (3, 6)), 0)
    (seen,) = model.inputs(digits())
    noise = as_noise("willow_pink").configuration
    ideal = Run().maps(model.specs[0], model.parameters[0], seen)
    errors = []
    for name in ("none", "conjugate"):
        run = Run(noise=noise, twirl=as_twirl(name))
        found = run.maps(model.specs[0], model.parameters[0], seen)
        # What is no common factor and offset.
        slope, offset = np.polyfit(ideal.ravel(), found.ravel(), 1)
        errors.append(np.std(found - slope * ideal - offset))
    assert errors[1] < 0.5 * errors[0]
    once, twice = (
        measure(attrs.evolve(settings, twirl=name), np.random.SeedSequence(1)).rows[0]
        for name in ("none", "conjugate")
    )
    assert twice["circuits"] == 2 * once["circuits"]


def test_shots_that_have_no_effect_are_refused() -> None:
    with pytest.raises(InputError, match=r"no effect on QuGAN.*set system\.shots"):
        point(SMALL["qugan"], shots=10)


def test_patches_that_are_alike_are_run_once_and_put_back_where_they_were() -> None:
    spec = ConvolutionSpec(kernel=2, filters=[XZAnsatz(1)] * 3)
    angles = np.random.default_rng(1).uniform(0, 6, (3, spec.n_parameters))
    images = np.random.default_rng(2).integers(0, 2, (4, 5, 3)).astype(float)
    patches = extract_patches(images, spec)
    wanted = patches.to_maps(ideal_numbers(patches, spec, angles))
    np.testing.assert_allclose(Run().maps(spec, angles, images), wanted, atol=1e-12)


def test_shots_of_equal_patches_differ_and_their_mean_is_right() -> None:
    spec = ConvolutionSpec(
        kernel=2, stride=2, filters=[RingBody(1)], encoding="angle", measurement="z"
    )
    angles = np.random.default_rng(3).uniform(0, 6, (1, spec.n_parameters))
    images = np.full((1, 40, 40), 0.3)
    maps = Run(shots=50, seed=1).maps(spec, angles, images)
    exact = Run().maps(spec, angles, images)
    assert maps[0, 0].std() > 0
    error = np.sqrt((1 - exact[0, :, 0, 0] ** 2) / (50 * 400))
    assert (np.abs(maps.mean(axis=(2, 3)) - exact[0, :, 0, 0]) < 5 * error + 1e-9).all()


def test_gradients_of_measured_filters_are_difference_quotients() -> None:
    spec = ConvolutionSpec(
        kernel=2, stride=2, filters=[RingBody(1)] * 2, encoding="arctan", measurement="z"
    )
    draws = np.random.default_rng(4)
    angles, images = draws.uniform(0, 6, (2, spec.n_parameters)), draws.random((3, 4, 4))
    upstream = draws.normal(size=(3, spec.n_maps, 2, 2))

    def loss(weights: np.ndarray) -> float:
        return float((MeasuredModel(spec, weights).maps(images, np.arange(3), 0) * upstream).sum())

    model = MeasuredModel(spec, angles)
    model.maps(images, np.arange(3), 0)
    found, step = model.gradient(upstream, 0), 1e-5
    for place in ((0, 0), (1, 4), (0, spec.n_parameters - 1)):
        moved = np.zeros_like(angles)
        moved[place] = step
        wanted = (loss(angles + moved) - loss(angles - moved)) / (2 * step)
        assert found[place] == pytest.approx(wanted, abs=1e-7)


def test_the_most_likely_outcome_of_nine_noisy_qubits_is_that_of_the_density_matrix() -> None:
    system = SYSTEMS.read(
        {"kind": "quanvolution", "form": "threshold", "kernel": 3, "rotations": 12}
    )
    (spec,) = system.models(2)[0].specs
    patch = (np.random.default_rng(5).random((1, 3, 3)) < 0.5).astype(float)
    noise = as_noise({"depolarizing": {"p1": 0.01, "p2": 0.05}, "readout": {"p01": 0.1}})
    configuration = noise.configuration
    assert configuration is not None
    run = Run(noise=configuration)
    found = run.maps(spec, None, patch)[0, 0, 0, 0]
    program = run.program(spec)
    circuit = program.circuit(patch[0])
    read = program.filters[0].template.observable.qubits
    noisy = cirq.drop_terminal_measurements(circuit).with_noise(noise.gate_model)
    qubits = sorted(circuit.all_qubits())
    final = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(noisy, qubit_order=qubits)
    chances = np.diag(final.final_density_matrix).real.reshape((2,) * len(qubits))
    chances = chances.transpose([qubits.index(qubit) for qubit in read])
    for axis in range(len(read)):
        confusion = np.array([[0.9, 0.0], [0.1, 1.0]])
        chances = np.moveaxis(np.tensordot(confusion, chances, axes=(1, axis)), 0, axis)
    assert found == f"{int(chances.argmax()):b}".count("1")


def results_table() -> pd.DataFrame:
    """What two systems gave under two kinds of noise, with shots and without, made by hand."""
    roles = {"model": "quanvolution", "unentangled": "without entanglers", "classical": "pixels"}
    rows = []
    axes = ([4, 20], ["willow_pink", "other"], [0.0, 1.0], [1000, 0], [0, 1])
    for rotations, noise, scale, shots, repeat in itertools.product(*axes):
        for number, (role, control) in enumerate(roles.items()):
            correct = 90 - rotations - 5 * number - (0 if role == "classical" else int(scale))
            rows.append(
                {
                    "system": f"kind=quanvolution, rotations={rotations}",
                    "noise": noise,
                    "noise.scale": scale,
                    "shots": shots,
                    "repeat": repeat,
                    "model": f"quanvolution, {rotations} rotations",
                    "role": role,
                    "control": f"{control} of {rotations}" if role == "classical" else control,
                    "correct": correct + repeat,
                    "tested": 100,
                    "accuracy": (correct + repeat) / 100,
                    "circuits": 0 if role == "classical" else 196,
                    "two_qubit_gates": float(rotations // 2 * (role == "model")),
                }
            )
    return pd.DataFrame(rows)


def test_figures_show_all_points_and_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, tuple[Figure, pd.DataFrame]] = {}
    keep = lambda figure, data, folder, name: drawn.update({name: (figure, data)})  # noqa: E731
    monkeypatch.setattr("studies.drawing.save_drawn", keep)
    table = results_table()
    assert STUDY.draw(Tabled(table), Path()) == list(drawn)
    for kind in ("systems", "systems_shots"):
        parts = [data for name, (_, data) in drawn.items() if re.fullmatch(rf"{kind}(_\d+)?", name)]
        assert sum(map(len, parts)) == len(table)
        assert all(
            ((own["low"] < own["mean"]) & (own["mean"] < own["high"])).all() for own in parts
        )
    gates = drawn["systems_gates"][1]
    # Model and control with circuits, two systems, two kinds of noise, ideal and scale 1.
    assert len(gates) == 16 and set(gates["scale"]) == {0.0, 1.0}
    with theme():
        for figure, _ in drawn.values():
            lay_out(figure)
            check_readable(figure)
    for words in ("quanvolution, 20 rotations", "exact means", "noise x 1: 0.695"):
        assert words in STUDY.text(Tabled(table))


@pytest.mark.parametrize("scale", [0.0, 0.01, 10.0])
def test_intervals_and_lines_are_seen_at_a_single_scale(scale: float) -> None:
    table = results_table()
    rows = (table["noise.scale"] == table["noise.scale"].max()) & (table["shots"] == 0)
    one = table[rows & (table["noise"] == table["noise"].iloc[0])]
    one = one[one["model"] == one["model"].iloc[0]].assign(**{"noise.scale": scale})
    axes = plot_accuracy(Figure().subplots(), one)
    band, *_ = axes.collections
    box = band.get_paths()[0].get_extents()
    assert box.width > 0 and box.height > 0
    drawn = [line for line in axes.lines if len(line.get_xdata())]
    assert len(drawn) >= one["control"].nunique()
    assert all(np.ptp(line.get_xdata()) > 0 for line in drawn)


@pytest.mark.parametrize("value", ["some", [3], [3, 3], [3, 10], 3])
def test_digits_are_checked(value: object) -> None:
    with pytest.raises(InputError, match="digits"):
        digits_of("digits", value)


def test_only_images_of_the_digits_are_read() -> None:
    data = selected("images", 50, None, (3, 6))
    assert set(data.labels) == {3, 6} and len(data.images) == len(data.labels) < 50
    assert data.images.min() >= 0 and data.images.max() <= 1
    with pytest.raises(InputError, match="take more images"):
        selected("images", 10, None, tuple(range(10)))
