"""The meeting of data and filter as a tensor network, against Cirq's density matrix."""

import cirq
import numpy as np
import opt_einsum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import as_noise
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import Rotation, Slot, TableAngle
from qucnn_cirq.engines.arrays import NUMPY
from qucnn_cirq.engines.meeting import Meeting
from qucnn_cirq.engines.pauli_transfer import pauli_basis
from qucnn_cirq.engines.process import Element
from qucnn_cirq.engines.steps import fused, taken_apart

QUBITS = cirq.LineQubit.range(5)
GATES = [cirq.CZ, cirq.ISWAP**0.5, cirq.CNOT, cirq.H, cirq.amplitude_damp(0.3)]
GATES += [cirq.depolarize(0.1, 2), cirq.X, cirq.Y]
READOUT = {"readout": {"p01": 0.1, "p10": 0.2}, "correlated_readout": {"both": 0.15}}


@st.composite
def meetings(draw: st.DrawFn) -> list[cirq.Operation]:
    """Operations in which X and Y stand for rotations by a filter's and by an upstream angle."""
    operations = []
    for _ in range(draw(st.integers(0, 14))):
        gate = draw(st.sampled_from(GATES))
        qubits = draw(st.permutations(QUBITS))[: cirq.num_qubits(gate)]
        operations.append(gate.on(*qubits))
    return operations


def table_of(operation: cirq.Operation) -> str | None:
    return {cirq.X: "filter", cirq.Y: "upstream"}.get(operation.gate)


def with_angles(operation: cirq.Operation, angles: dict[str, float]) -> cirq.Operation:
    table = table_of(operation)
    return operation if table is None else cirq.ry(angles[table]).on(*operation.qubits)


def element_of(operation: cirq.Operation) -> Element:
    table = table_of(operation)
    if table is None:
        return Element(operation.qubits, kraus=cirq.kraus(operation))
    return Element(operation.qubits, Slot((Rotation("y", TableAngle(table, 0)),)))


@given(meetings(), st.permutations(QUBITS), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_what_is_left_on_the_data_register_is_what_cirq_measures(operations, order, seed):
    """Two data qubits, up to two filter qubits and ancillas, in any order; three filters."""
    generator = np.random.default_rng(seed)
    data, filters = order[:2], order[2 : 2 + seed % 3]
    pair = tuple(generator.permutation(5)[:2])
    values = tuple(generator.normal(size=4))
    observable = Observable((((QUBITS[pair[0]], QUBITS[pair[1]]), values),), -1)
    noise = as_noise(READOUT)
    angles = {"filter": generator.uniform(-4, 4, (3, 1)), "upstream": np.array([[0.7]])}
    states = generator.normal(size=(3, 2 ** len(filters))) + 0j
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    rho = generator.normal(size=(4, 4)) + 1j * generator.normal(size=(4, 4))
    rho = rho @ rho.conj().T / np.trace(rho @ rho.conj().T)

    steps = fused(taken_apart([element_of(operation) for operation in operations]))
    meeting = Meeting(steps, data, filters, observable, noise, NUMPY)
    coefficients = np.einsum("fi,pij,fj->pf", states.conj(), pauli_basis(len(filters)), states)
    weights = meeting.weights(coefficients.real, angles)
    # Without angles it was contracted once for all filters.
    one_by_one = meeting._contracted(coefficients.real, angles)
    np.testing.assert_allclose(weights, one_by_one, atol=1e-13)
    indices = [*(tensor.indices for tensor in meeting._tensors), meeting._state_indices]
    shapes = [tuple(meeting._sizes[index] for index in own) for own in indices]
    info = opt_einsum.contract_path(
        meeting._expression, *shapes, shapes=True, optimize=meeting._order
    )[1]
    assert meeting.elements == info.largest_intermediate
    found = weights @ np.einsum("pij,ji->p", pauli_basis(2), rho).real

    rest = [qubit for qubit in order if qubit not in (*data, *filters)]
    zero = np.zeros((2 ** len(rest),) * 2)
    zero[0, 0] = 1
    for row in range(3):
        start = np.kron(np.kron(rho, np.outer(states[row], states[row].conj())), zero)
        own = {"filter": angles["filter"][row, 0], "upstream": 0.7}
        circuit = cirq.Circuit(with_angles(operation, own) for operation in operations)
        # Readout errors as channels, by the noise model: the network has them in the observable.
        circuit += cirq.Moment(cirq.measure(*observable.qubits, key="m"))
        noisy = cirq.drop_terminal_measurements(noise.noisy_circuit(circuit))
        final = (
            cirq.DensityMatrixSimulator(dtype=np.complex128)
            .simulate(
                noisy,
                qubit_order=[*data, *filters, *rest],
                initial_state=start.astype(np.complex128),
            )
            .final_density_matrix
        )
        probabilities = np.diag(final).real.reshape((2,) * 5)
        axes = [[*data, *filters, *rest].index(qubit) for qubit in observable.qubits]
        kept = np.moveaxis(probabilities, axes, (0, 1)).sum(axis=(2, 3, 4))
        assert found[row] == pytest.approx(kept.ravel() @ values, abs=1e-10)
