"""Evolution of Pauli coefficients, against density matrices, with NumPy and with torch."""

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.circuits.slots import Rotation, Slot, TableAngle
from qucnn_cirq.engines import make_engine
from qucnn_cirq.engines.arrays import ARRAY_LIBRARIES, NUMPY, array_library
from qucnn_cirq.engines.evolution import Evolution, _Multiply, _Select
from qucnn_cirq.engines.pauli_transfer import pauli_basis
from qucnn_cirq.engines.process import Element
from qucnn_cirq.engines.steps import fused
from qucnn_cirq.errors import InputError

QUBITS = cirq.LineQubit.range(3)
FIXED = {
    "selected": [cirq.CZ, cirq.CNOT, cirq.SWAP, cirq.H, cirq.depolarize(0.1), cirq.bit_flip(0.2)],
    "multiplied": [cirq.ISWAP**0.5, cirq.T, cirq.amplitude_damp(0.3), cirq.depolarize(0.1, 2)],
}


def instances_of(operations: list[cirq.Operation], angles: np.ndarray) -> np.ndarray:
    """Coefficients by a density matrix for each row of angles; Cirq knows nothing of ours."""
    columns = []
    for row in angles:
        numbers = iter(row)
        circuit = cirq.Circuit(
            cirq.rz(next(numbers))(op.qubits[0]) if isinstance(op.gate, cirq.XPowGate) else op
            for op in operations
        )
        simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
        rho = simulator.simulate(circuit, qubit_order=QUBITS).final_density_matrix
        columns.append(np.einsum("pij,ji->p", pauli_basis(3), rho).real)
    return np.array(columns).T


def element_of(operation: cirq.Operation, column: int) -> Element:
    if isinstance(operation.gate, cirq.XPowGate):
        return Element(operation.qubits, Slot((Rotation("z", TableAngle("patch", column)),)))
    return Element(operation.qubits, kraus=cirq.kraus(operation))


@st.composite
def processes(draw: st.DrawFn) -> list[cirq.Operation]:
    """Operations in which X stands for a rotation by an angle from a table."""
    gates = [*FIXED["selected"], *FIXED["multiplied"], cirq.X]
    operations = []
    for _ in range(draw(st.integers(0, 12))):
        gate = draw(st.sampled_from(gates))
        qubits = draw(st.permutations(QUBITS))[: cirq.num_qubits(gate)]
        operations.append(gate.on(*qubits))
    return operations


@given(processes(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_evolution_is_that_of_density_matrices(operations, seed):
    turned = [i for i, op in enumerate(operations) if isinstance(op.gate, cirq.XPowGate)]
    angles = np.random.default_rng(seed).uniform(-4, 4, (3, len(turned)))
    elements = [
        element_of(op, turned.index(i) if i in turned else 0) for i, op in enumerate(operations)
    ]
    evolution = Evolution(fused(elements), QUBITS)
    found = evolution.run({"patch": angles}, 3).reshape(4, 4, 4, 3)
    found = found.transpose([*(evolution.qubits.index(qubit) for qubit in QUBITS), 3])
    np.testing.assert_allclose(found.reshape(64, 3), instances_of(operations, angles), atol=1e-12)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_rotations_turn_as_their_unitaries_do(axis):
    rotation = Rotation(axis, TableAngle("filter", 1, -1))
    angles = np.array([[0.0, 0.4], [0.0, -2.0]])
    first = cirq.Y(QUBITS[0]) ** 0.3
    elements = [
        Element((QUBITS[0],), kraus=cirq.kraus(first)),
        Element((QUBITS[0],), Slot((rotation,))),
    ]
    evolution = Evolution(fused(elements), QUBITS[:1])
    for column, row in zip(evolution.run({"filter": angles}, 2).T, angles, strict=True):
        gate = {"x": cirq.rx, "y": cirq.ry, "z": cirq.rz}[axis](-row[1])
        state = cirq.unitary(gate) @ cirq.unitary(first)[:, 0]
        expected = np.einsum("i,pij,j->p", state.conj(), pauli_basis(1), state).real
        np.testing.assert_allclose(column, expected, atol=1e-14)


def test_clifford_gates_with_pauli_noise_are_selections():
    for kind, instruction in (("selected", _Select), ("multiplied", _Multiply)):
        for gate in FIXED[kind]:
            qubits = tuple(QUBITS[: cirq.num_qubits(gate)])
            noisy = [Element(qubits, kraus=cirq.kraus(gate))]
            if gate == cirq.depolarize(0.1, 2):
                noisy.insert(0, Element(qubits, kraus=cirq.kraus(cirq.ISWAP**0.25)))
            evolution = Evolution(fused(noisy), qubits)
            assert any(isinstance(each, instruction) for each in evolution._instructions), gate


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("noise", [{"depolarizing": {"p2": 0.02}}, "willow_pink"])
def test_torch_computes_the_same(overlap, noise):
    pytest.importorskip("torch")
    spec = ConvolutionSpec(kernel=(2, 3), filters=[XZAnsatz(1), XZAnsatz(1)], overlap=overlap)
    program = compile_convolution(spec, "willow_pink")
    images = np.random.default_rng(4).normal(size=(2, 4, 4))
    means = {}
    for engine in ("exact", "exact:torch"):
        layer = QuantumConvolution(program, engine=engine, noise=noise, shots=None, seed=2)
        assert layer.engine.name == engine
        means[engine] = layer.run(images).estimates
    assert isinstance(means["exact:torch"], np.ndarray)
    np.testing.assert_allclose(means["exact:torch"], means["exact"], atol=1e-13)


def test_array_libraries_by_name():
    assert array_library("numpy") is NUMPY
    assert ARRAY_LIBRARIES == ("numpy", "torch", "cupy")
    assert make_engine("exact:numpy").name == "exact"
    with pytest.raises(InputError, match="unknown array library 'torhc'. Did you mean 'torch'"):
        make_engine("exact:torhc")


def test_a_missing_array_library_is_named(monkeypatch):
    for module, advice in (("torch", r"'\.\[torch\]'"), ("cupy", "cupy-cuda12x")):
        monkeypatch.setitem(__import__("sys").modules, module, None)
        with pytest.raises(InputError, match=advice):
            make_engine(f"exact:{module}")
