"""Several loaders that read one table of angles."""

import cirq
import numpy as np
import pytest
from helpers import random_states, state_of

from qucnn_cirq.circuits.loaders import LineLoader, SideBySide, SymplecticLoader, make_loader
from qucnn_cirq.circuits.loaders.loader import Loader
from qucnn_cirq.circuits.slots import Rotation, Slot, TableAngle, fixed, from_column
from qucnn_cirq.errors import InputError

QUBITS = cirq.LineQubit.range(4)
LOADERS = (
    make_loader("multiplexed", 4),
    LineLoader(pattern="O"),
    SymplecticLoader(),
    SymplecticLoader(in_frame=True),
)


def prepared(loader: Loader, states: np.ndarray) -> list[np.ndarray]:
    circuit, angles = loader.circuit(QUBITS, "filter"), loader.angles(states)
    return [state_of(circuit, QUBITS, {"filter": row[None]}) for row in angles]


def test_each_part_reads_its_own_columns_of_one_table() -> None:
    # Products, which all of them load.
    generator = np.random.default_rng(0)
    states = np.array([np.kron(*generator.normal(size=(2, 4))) for _ in range(3)])
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    whole = SideBySide(LOADERS)
    assert whole.n_angles == 15 + 8 + 15 + 15
    for index, alone in enumerate(LOADERS):
        part = whole.part(index)
        np.testing.assert_array_equal(part.angles(states), whole.angles(states))
        angles, infidelities = part.solve(states)
        np.testing.assert_array_equal(angles, whole.angles(states))
        np.testing.assert_array_equal(infidelities, alone.solve(states)[1])
        assert (part.cost, part.couplers) == (alone.cost, alone.couplers)
        assert (part.frame, part.gate, part.is_real) == (alone.frame, alone.gate, alone.is_real)
        for found, wanted in zip(prepared(part, states), prepared(alone, states), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-14)
        again = SideBySide(**part.settings())
        assert again.circuit(QUBITS, "filter") == part.circuit(QUBITS, "filter")


def test_it_says_what_its_own_loader_says() -> None:
    states = random_states(4, 6, seed=1)
    short = SideBySide(LOADERS).part(1)
    assert short.is_closed_form and not SideBySide([LineLoader()]).is_closed_form
    assert short.seconds == pytest.approx(sum(loader.seconds for loader in LOADERS))
    np.testing.assert_array_equal(
        short.least_infidelities(states), LOADERS[1].least_infidelities(states)
    )
    assert short.solve(short.random_states(3, np.random.default_rng(2)))[1].max() < 1e-12
    with pytest.raises(InputError, match="unit vectors"):
        short.angles(2 * states)


def test_it_is_in_the_frame_of_its_own_loader() -> None:
    state, whole = random_states(4, 1, seed=3), SideBySide(LOADERS)
    for index in (0, 2, 3):
        part = whole.part(index)
        circuit = part.circuit(QUBITS, "filter") + part.out_of_frame(QUBITS)
        found = state_of(circuit, QUBITS, {"filter": part.angles(state)})
        assert abs(np.vdot(found, state[0])) == pytest.approx(1, abs=1e-7)


def test_loaders_of_other_sizes_and_none_are_refused() -> None:
    for loaders in ((), (SymplecticLoader(3), SymplecticLoader(4))):
        with pytest.raises(InputError, match="loaders of one size"):
            SideBySide(loaders)


def test_columns_move_and_nothing_else() -> None:
    a, b = QUBITS[:2]
    angle = TableAngle("patch", 2, -1)
    slot = Slot((Rotation("x", angle), Rotation("z", 0.3), *fixed(np.diag([1, 1j])).factors))
    circuit = cirq.Circuit(slot(a).with_tags("loader"), cirq.CZ(a, b).with_tags("t"), slot(b))
    moved = from_column(circuit, 5)
    assert from_column(moved, -5) == circuit != moved
    expected = Slot((Rotation("x", TableAngle("patch", 7, -1)), *slot.factors[1:]))
    assert moved[0].operations == (expected(a).with_tags("loader"),)
    assert moved[1] == circuit[1]
