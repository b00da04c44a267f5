"""Estimators: values and variances from counts of outcomes."""

import numpy as np
import pytest

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, XZAnsatz, compile_convolution
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import Streams, make_engine
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import (
    ESTIMATORS,
    Raw,
    evaluated,
    gradient_forms,
    overlap_forms,
    readings_of,
)

NOISE = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.05}}


def a_reading(overlap, noise=None, seed=0):
    generator = np.random.default_rng(seed)
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(1), overlap=overlap)
    program = compile_convolution(spec)
    parameters = generator.uniform(-np.pi, np.pi, (1, spec.n_parameters))
    compiled = program.filters[0]
    (reading,) = readings_of(
        compiled,
        compiled.filter_table(parameters),
        filter_states(spec, parameters)[0],
        as_noise(noise),
        make_engine("exact"),
    )
    states = generator.normal(size=(5, 4))
    return reading, states / np.linalg.norm(states, axis=1, keepdims=True), parameters


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_raw_is_the_mean_of_the_observable(overlap):
    reading, states, _ = a_reading(overlap)
    exact = evaluated(reading.own_form, states)
    found = Raw().moments(reading, reading.distribution(states), 100)
    assert found.values == pytest.approx(exact, abs=1e-12)
    assert found.variances == pytest.approx(reading.observable.variance(exact, 100), abs=1e-12)


def test_counts_scatter_by_the_variance():
    reading, states, _ = a_reading("destructive", NOISE)
    exact = Raw().moments(reading, reading.distribution(states), 500)
    counts = Streams(1, tuple(range(5)), np.arange(400)).multinomial(
        500, np.repeat(reading.distribution(states)[:, None], 400, axis=1)
    )
    values, variances = [], []
    for row in range(400):
        found = Raw().estimate(reading, counts[:, row])
        values.append(found.values[0])
        variances.append(found.variances[0])
    assert np.mean(values, axis=0) == pytest.approx(exact.values[0], abs=0.01)
    assert np.var(values, axis=0) == pytest.approx(exact.variances[0], rel=0.3)
    assert np.mean(variances, axis=0) == pytest.approx(exact.variances[0], rel=0.02)


def test_shots_that_are_alike_are_not_certain():
    reading, _, _ = a_reading("destructive")
    counts = np.zeros((1, 16), dtype=np.int64)
    counts[0, 0] = 10
    assert Raw().estimate(reading, counts).variances[0, 0] > 1e-3


def test_forms_are_overlaps_and_their_derivatives():
    generator = np.random.default_rng(2)
    filter_, n_qubits = XZAnsatz(2), 2
    angles = generator.uniform(-np.pi, np.pi, filter_.n_parameters(n_qubits))
    states = generator.normal(size=(6, 4))

    def overlaps(angles):
        vectors = filter_.states(n_qubits, angles[None])
        return np.abs(vectors.conj() @ states.T)[0] ** 2

    vectors = filter_.states(n_qubits, angles[None])
    assert evaluated(overlap_forms(vectors), states)[0] == pytest.approx(overlaps(angles))
    slopes = evaluated(gradient_forms(filter_, n_qubits, angles), states)
    step = 1e-6
    for row, unit in zip(slopes, np.eye(len(angles)), strict=True):
        numeric = (overlaps(angles + step * unit) - overlaps(angles - step * unit)) / (2 * step)
        assert row == pytest.approx(numeric, abs=1e-8)


def test_a_linear_estimator_of_one_filter_refuses_others():
    reading, states, _ = a_reading("destructive")
    with pytest.raises(InputError, match="for other filters and gradients"):
        Raw().moments(reading, reading.distribution(states), 1, reading.own_form)


@pytest.mark.parametrize("name", ["raw", "mixed_each", "unbiased", "likelihood", "auto"])
@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.zeros((1, 16), dtype=int), "patch 0 has no shot"),
        (np.eye(16, dtype=int)[:2] * [[1], [0]], "patch 1 has no shot"),
        (np.ones((1, 8), dtype=int), r"shape \(patches, 16\)"),
        (np.ones(16, dtype=int), r"shape \(patches, 16\)"),
        (np.ones((1, 16)), "float64"),
        (np.full((1, 16), np.nan), "float64"),
        (-np.ones((1, 16), dtype=int), "counts have -1"),
    ],
)
def test_counts_that_do_not_fit_are_refused(name, counts, message):
    reading, _, _ = a_reading("destructive", NOISE)
    with pytest.raises(InputError, match=message):
        ESTIMATORS[name]().estimate(reading, counts)
