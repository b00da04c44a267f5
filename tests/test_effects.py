"""Effects: the outcomes of noisy circuits as quadratic forms of the patch."""

import numpy as np
import pytest

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, XZAnsatz, compile_convolution
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import make_engine
from qucnn_cirq.estimators import evaluated, readings_of
from qucnn_cirq.estimators.effects import (
    effects_of,
    fitted_effects,
    packed,
    quadratic_features,
    unpacked,
)

NOISE = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.05}}


def readings(overlap, noise=None, kernel=(2, 2), layers=1):
    spec = ConvolutionSpec(kernel=kernel, filters=XZAnsatz(layers), overlap=overlap)
    compiled = compile_convolution(spec).filters[0]
    parameters = np.random.default_rng(0).uniform(-np.pi, np.pi, (1, spec.n_parameters))
    return readings_of(
        compiled,
        compiled.filter_table(parameters),
        filter_states(spec, parameters)[0],
        as_noise(noise),
        make_engine("exact"),
    )


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_effects_of_a_circuit_without_noise_hold_its_own_overlap(overlap):
    for reading in readings(overlap):
        effects = effects_of(reading)
        own = np.tensordot(reading.observable.table, effects, axes=1)
        assert own == pytest.approx(reading.own_form[0], abs=1e-9)
        assert effects.sum(axis=0) == pytest.approx(np.eye(4), abs=1e-9)
        assert np.linalg.eigvalsh(effects).min() > -1e-9


@pytest.mark.parametrize("noise", [NOISE, "willow_pink"])
def test_effects_give_noisy_probabilities(noise):
    for reading in readings("destructive", noise):
        found = fitted_effects(reading)
        states = reading.variant.loader.random_states(20, np.random.default_rng(5))
        exact = reading.distribution(states)
        fitted = evaluated(found.matrices, states).T
        assert fitted == pytest.approx(exact, abs=5e-3)
        assert found.residual < 1e-3
        assert effects_of(reading) is found.matrices


def test_what_a_short_loader_does_not_tell_is_taken_from_the_circuit():
    shortest = readings("inversion", None, kernel=(4, 4), layers=2)[0]
    found = fitted_effects(shortest)
    assert found.rank < 136
    # Outcomes of the inversion test are those of one basis of the register.
    for effect in found.matrices:
        assert np.linalg.matrix_rank(effect, tol=1e-6) <= 2
        assert np.trace(effect) == pytest.approx(1, abs=1e-6)
    assert found.matrices[0] == pytest.approx(shortest.own_form[0], abs=1e-6)


def test_packed_matrices_are_linear_in_features():
    generator = np.random.default_rng(1)
    matrices = generator.normal(size=(3, 5, 5))
    matrices += matrices.swapaxes(1, 2)
    states = generator.normal(size=(7, 5))
    values = packed(matrices) @ quadratic_features(states).T
    assert values == pytest.approx(evaluated(matrices, states))
    assert unpacked(packed(matrices), 5) == pytest.approx(matrices)
