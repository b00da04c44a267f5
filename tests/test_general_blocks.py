"""Angles of any unitary on two qubits."""

from __future__ import annotations

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group, unitary_group

from qucnn_cirq.circuits.general_blocks import general_angles

FIRST, SECOND = cirq.LineQubit.range(2)


def circuit(angles: np.ndarray) -> cirq.Circuit:
    """What the docstring of `general_angles` says."""
    t = iter(angles)
    turns = (cirq.rz, cirq.ry, cirq.rz)
    return cirq.Circuit(
        [turn(next(t))(qubit) for qubit in (FIRST, SECOND) for turn in turns],
        cirq.CNOT(FIRST, SECOND),
        [cirq.ry(next(t))(FIRST), cirq.rz(next(t))(SECOND)],
        cirq.CNOT(SECOND, FIRST),
        cirq.ry(next(t))(FIRST),
        cirq.CNOT(FIRST, SECOND),
        [turn(next(t))(qubit) for qubit in (FIRST, SECOND) for turn in turns],
    )


def local(seed: int) -> np.ndarray:
    return np.kron(*unitary_group.rvs(2, size=2, random_state=seed))


def deviation(matrices: np.ndarray) -> float:
    """The largest error of an entry, up to a phase for each matrix."""
    found = np.array([circuit(row).unitary() for row in general_angles(matrices)])
    phases = np.einsum("nij,nij->n", found.conj(), matrices)
    phases /= np.abs(phases)
    return float(np.abs(found * phases[:, None, None] - matrices).max())


NAMED = (cirq.CNOT, cirq.CZ, cirq.SWAP, cirq.ISWAP, cirq.ISWAP**0.5, cirq.SWAP**0.5, cirq.CZ**0.3)


@pytest.mark.parametrize(
    "matrices",
    [
        unitary_group.rvs(4, size=50, random_state=1),
        ortho_group.rvs(4, size=20, random_state=2).astype(complex),
        np.array([np.eye(4, dtype=complex), *(local(seed) for seed in range(20))]),
        np.array([cirq.unitary(gate) for gate in NAMED]),
        np.array([cirq.unitary(cirq.SWAP ** (1 - 10.0**-k)) for k in range(1, 17)]),
        np.array(
            [
                local(k) @ cirq.unitary(cirq.ISWAP ** (10.0**-k)) @ local(k + 99)
                for k in range(1, 17)
            ]
        ),
    ],
    ids=["general", "real", "products", "named", "nearly swaps", "nearly products"],
)
def test_the_circuit_is_the_unitary(matrices: np.ndarray) -> None:
    assert deviation(matrices) < 1e-13


@given(
    exponents=st.lists(st.sampled_from([0, 1e-8, 0.25, 0.5, 1, 0.3]), min_size=3, max_size=3),
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_interaction(exponents: list[float], seeds: tuple[int, int]) -> None:
    middle = np.eye(4)
    for gate, exponent in zip((cirq.XX, cirq.YY, cirq.ZZ), exponents, strict=True):
        middle = cirq.unitary(gate**exponent) @ middle
    assert deviation((local(seeds[0]) @ middle @ local(seeds[1]))[None]) < 1e-13


def test_an_empty_batch_has_no_angles() -> None:
    assert general_angles(np.empty((0, 4, 4), complex)).shape == (0, 15)
