"""The inversion test of two known vectors in eight CZ: |<f|x>|^2 to all digits."""

import cirq
import numpy as np
import pytest
from helpers import random_states, state_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_symplectic_loader import structured, unit

from qucnn_cirq import ConvolutionSpec, FixedFilter
from qucnn_cirq.circuits.loaded import loaded_states
from qucnn_cirq.circuits.loaders import Comparison, RingComparison, SymplecticLoader
from qucnn_cirq.circuits.symplectic import COMPARISON, comparison_angles
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import extract_patches

QUBITS = cirq.LineQubit.range(4)
DIGITS = 1e-14
HADAMARD = np.array([[(-1.0) ** (i & j).bit_count() for i in range(16)] for j in range(16)]) / 4


def deviation(vector: np.ndarray, states: np.ndarray) -> float:
    """The largest error of the probability of |0000>."""
    loader = Comparison(vector)
    circuit, angles = loader.circuit(QUBITS, "patch"), loader.angles(states)
    ended = loaded_states(circuit, QUBITS, {"patch": angles}, len(states))[0]
    return float(np.abs(np.abs(ended) ** 2 - (states @ vector) ** 2).max(initial=0.0))


def test_takes_eight_cz_in_depth_six_on_a_line() -> None:
    loader = Comparison(HADAMARD[1])
    assert loader.cost == (8, 6)
    assert loader.couplers == {(0, 1), (1, 2), (2, 3)}
    assert loader.n_angles == len(COMPARISON) == 18
    assert not loader.is_real and RingComparison(HADAMARD[1]).is_real
    assert isinstance(loader.alone(), SymplecticLoader)
    assert [name for name, _ in loader.parts(QUBITS, "patch")] == ["loader", "overlap", "filter"]


def test_cirq_finds_the_overlap() -> None:
    states = random_states(4, 6, seed=5)
    for vector in states:
        loader = Comparison(vector)
        circuit, angles = loader.circuit(QUBITS, "patch"), loader.angles(states)
        for state, row in zip(states, angles, strict=True):
            ended = state_of(circuit, QUBITS, {"patch": row[None]})[0]
            assert abs(ended) ** 2 == pytest.approx((state @ vector) ** 2, abs=DIGITS)


@settings(max_examples=100, deadline=None)
@given(structured(4), st.lists(structured(4), max_size=20), st.integers(0, 2**32 - 1))
def test_every_pair_of_vectors(vector: np.ndarray, states: list[np.ndarray], seed: int) -> None:
    f = unit(vector)
    beside = np.random.default_rng(seed).normal(size=(4, 16))
    beside -= np.outer(beside @ f, f)
    others = [f, -f, *beside, *(f + 1e-9 * beside), *np.eye(16), *HADAMARD]
    assert deviation(f, unit(np.array([*states, *others]))) < DIGITS


def test_every_patch_of_real_images() -> None:
    spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(np.ones(16)))
    states = extract_patches(load_mnist("test", 40).images, spec).states
    for vector in (unit(load_classical_filter().ravel()), HADAMARD[0], states[100]):
        assert deviation(vector, states) < DIGITS


def test_a_pair_has_the_same_angles_in_any_batch() -> None:
    vector, *rest = unit(np.random.default_rng(1).normal(size=(8301, 16)))
    states = np.array(rest)
    together = comparison_angles(vector, states)
    for row in (0, 8191, 8192):
        alone = comparison_angles(vector, states[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], atol=0)
    assert comparison_angles(vector, states[:0]).shape == (0, 18)


@pytest.mark.parametrize("kind", [Comparison, RingComparison])
@pytest.mark.parametrize("vector", [np.ones(16), np.full(16, np.nan), np.zeros(16)])
def test_a_filter_that_is_no_unit_vector_is_refused(
    kind: type[Comparison], vector: np.ndarray
) -> None:
    with pytest.raises(InputError, match="unit vectors"):
        kind(vector)
    with pytest.raises(InputError, match="choose loader = 'auto'"):
        kind(np.ones(8))
