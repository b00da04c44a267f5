"""The likelihood estimator: against another optimiser, its bound and its intervals."""

import numpy as np
import pytest
import scipy.optimize

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, XZAnsatz, compile_convolution
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import make_engine
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import (
    Likelihood,
    effects_of,
    evaluated,
    gradient_forms,
    overlap_forms,
    readings_of,
)

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}


@pytest.fixture(scope="module")
def reading():
    return a_reading("destructive", (2, 2))


def a_reading(overlap, kernel, noise=NOISE):
    # A filter in general position: products leave signs open.
    spec = ConvolutionSpec(kernel=kernel, filters=XZAnsatz(2, ("y",)), overlap=overlap)
    compiled = compile_convolution(spec).filters[0]
    parameters = np.random.default_rng(0).uniform(0.3, 1.2, (1, spec.n_parameters))
    vector = filter_states(spec, parameters)[0]
    table = compiled.filter_table(parameters)
    return readings_of(compiled, table, vector, as_noise(noise), make_engine("exact"))[-1]


def patches_of(count, size, seed=0):
    states = np.random.default_rng(seed).normal(size=(count, size))
    return states / np.linalg.norm(states, axis=1, keepdims=True)


def counts_of(reading, states, shots, seed=1):
    chances = reading.distribution(states)
    generator = np.random.default_rng(seed)
    return generator.multinomial(shots, chances / chances.sum(axis=1, keepdims=True))


def some_forms(size):
    n_qubits = int(np.log2(size))
    ansatz = XZAnsatz(1)
    angles = np.random.default_rng(9).uniform(-np.pi, np.pi, ansatz.n_parameters(n_qubits))
    vectors = patches_of(3, size, seed=8).astype(complex)
    return np.concatenate([overlap_forms(vectors), gradient_forms(ansatz, n_qubits, angles)])


def test_it_finds_what_another_optimiser_finds(reading):
    states = patches_of(4, 4)
    counts, effects = counts_of(reading, states, 4000), effects_of(reading)
    found = Likelihood().likeliest([reading], [counts])
    for own, patch in zip(counts, found.states, strict=True):

        def cost(vector, own=own):
            unit = vector / np.linalg.norm(vector)
            return -own @ np.log(np.maximum(evaluated(effects, unit[None])[:, 0], 1e-12))

        best = min(
            (scipy.optimize.minimize(cost, start) for start in patches_of(6, 4, seed=5)),
            key=lambda result: result.fun,
        )
        assert cost(patch) == pytest.approx(best.fun, abs=1e-3)
        other = best.x / np.linalg.norm(best.x)
        assert abs(patch @ other) == pytest.approx(1, abs=1e-5)


def test_intervals_cover_and_errors_are_near_the_bound(reading):
    shots, states = 3000, np.repeat(patches_of(20, 4, seed=3), 20, axis=0)
    forms = some_forms(4)
    found = Likelihood().estimate(reading, counts_of(reading, states, shots), forms)
    errors = found.values - evaluated(forms, states)
    covered = np.abs(errors) < 1.96 * np.sqrt(found.variances)
    assert covered.mean() > 0.93
    exact = evaluated(forms[:3], states)
    bound = np.mean(exact * (1 - exact)) / shots
    assert bound < np.mean(errors[:3] ** 2) < 2.5 * bound


def test_four_qubits_are_found():
    reading, states = a_reading("destructive", (4, 4)), patches_of(100, 16, seed=3)
    forms = some_forms(16)
    found = Likelihood().estimate(reading, counts_of(reading, states, 10_000), forms)
    errors = np.abs(found.values - evaluated(forms, states))
    assert errors.max() < 0.03
    assert (errors < 1.96 * np.sqrt(found.variances)).mean() > 0.93


def test_counts_of_several_circuits_add_up(reading):
    other = a_reading("destructive", (2, 2))
    states, forms = patches_of(200, 4, seed=4), some_forms(4)
    first, second = counts_of(reading, states, 1000), counts_of(other, states, 3000, seed=2)
    joint = Likelihood().estimate_jointly([reading, other], [first, second], forms)
    alone = Likelihood().estimate(reading, first + second, forms)
    # The circuits are the same: so are the values.
    assert joint.values == pytest.approx(alone.values, abs=2e-4)
    assert joint.variances == pytest.approx(alone.variances, rel=0.05)


def test_covariances_hold_the_variances(reading):
    states, forms = patches_of(30, 4, seed=6), some_forms(4)
    found = Likelihood().likeliest([reading], [counts_of(reading, states, 10_000)])
    covariances = found.covariance(forms)
    diagonal = np.einsum("pkk->kp", covariances)
    assert diagonal == pytest.approx(found.estimates(forms).variances, rel=0.1, abs=1e-6)
    assert np.linalg.eigvalsh(covariances).min() > -1e-12


def test_no_patches_and_no_forms_of_its_own(reading):
    found = Likelihood().estimate(reading, np.zeros((0, 16), dtype=np.int64))
    assert found.values.shape == (1, 0)


@pytest.mark.parametrize("overlap", ["ancilla", "inversion"])
def test_circuits_that_do_not_tell_patches_apart_are_refused(overlap):
    with pytest.raises(InputError, match="tell patches apart"):
        reading = a_reading(overlap, (2, 2))
        Likelihood().estimate(reading, np.ones((1, reading.n_outcomes), dtype=np.int64))


def test_the_search_hardly_ever_ends_in_a_lower_maximum():
    """Few shots of products, which say little of signs: other starts have to find the patch."""
    reading = a_reading("destructive", (2, 4))
    generator = np.random.default_rng(4)
    states = generator.normal(size=(400, 8)) * (generator.random((400, 8)) < 0.5)
    states[:, 0] += 0.1
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    counts, effects = counts_of(reading, states, 300), effects_of(reading)

    def likelihoods(vectors):
        chances = np.maximum(evaluated(effects, vectors), 1e-12)
        return np.einsum("po,op->p", counts, np.log(chances))

    found = Likelihood().likeliest([reading], [counts])
    assert np.mean(likelihoods(found.states) < likelihoods(states) - 1) < 0.01
