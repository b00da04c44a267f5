"""Evolution of Pauli coefficients, against density matrices, with NumPy and with torch."""

import cirq
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.circuits.slots import Rotation, Slot, TableAngle
from qucnn_cirq.engines import make_engine
from qucnn_cirq.engines.arrays import ARRAY_LIBRARIES, NUMPY, array_library
from qucnn_cirq.engines.evolution import Evolution, _halves
from qucnn_cirq.engines.pauli_transfer import pauli_basis
from qucnn_cirq.engines.plan import Multiply, MultiplyWhole, Select
from qucnn_cirq.engines.process import Element
from qucnn_cirq.engines.rows import Plane, arranged, closed
from qucnn_cirq.engines.steps import PLANES, fused, taken_apart
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


_FULL = [cirq.H, cirq.X, cirq.amplitude_damp(0.3), cirq.X, cirq.T, cirq.X]
"""Of a qubit of which then no coefficient is zero, so that it is kept whole."""


@given(processes(), st.integers(0, 2**32 - 1))
@example([*(gate(QUBITS[0]) for gate in _FULL), cirq.CZ(*QUBITS[:2])], 1)
@example([*(gate(QUBITS[1]) for gate in _FULL), cirq.CZ(*QUBITS[:2]), cirq.CZ(*QUBITS[1:])], 2)
@settings(max_examples=40, deadline=None)
def test_evolution_is_that_of_density_matrices(operations, seed):
    turned = [i for i, op in enumerate(operations) if isinstance(op.gate, cirq.XPowGate)]
    angles = np.random.default_rng(seed).uniform(-4, 4, (3, len(turned)))
    elements = [
        element_of(op, turned.index(i) if i in turned else 0) for i, op in enumerate(operations)
    ]
    evolution = Evolution(fused(elements), QUBITS)
    found = evolution.whole(evolution.run({"patch": angles}, 3))
    np.testing.assert_allclose(found, instances_of(operations, angles), atol=1e-12)


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
    found = evolution.whole(evolution.run({"filter": angles}, 2))
    for column, row in zip(found.T, angles, strict=True):
        gate = {"x": cirq.rx, "y": cirq.ry, "z": cirq.rz}[axis](-row[1])
        state = cirq.unitary(gate) @ cirq.unitary(first)[:, 0]
        expected = np.einsum("i,pij,j->p", state.conj(), pauli_basis(1), state).real
        np.testing.assert_allclose(column, expected, atol=1e-14)


def test_clifford_gates_with_pauli_noise_are_selections():
    for kind, instruction in (("selected", Select), ("multiplied", Multiply | MultiplyWhole)):
        for gate in FIXED[kind]:
            qubits = tuple(QUBITS[: cirq.num_qubits(gate)])
            noisy = [Element(qubits, kraus=cirq.kraus(gate))]
            if gate == cirq.depolarize(0.1, 2):
                noisy.insert(0, Element(qubits, kraus=cirq.kraus(cirq.ISWAP**0.25)))
            # So that no coefficient is left out.
            turned = Slot(
                (Rotation("y", TableAngle("patch", 0)), Rotation("z", TableAngle("patch", 0)))
            )
            noisy = [*taken_apart([Element((qubit,), turned) for qubit in qubits]), *noisy]
            evolution = Evolution(fused(noisy), qubits)
            assert any(isinstance(each, instruction) for each in evolution._plan.instructions), gate


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


@pytest.mark.parametrize("noise", [None, {"depolarizing": {"p2": 0.02}}, "willow_pink"])
def test_single_precision_is_off_by_rounding_alone(noise):
    spec = ConvolutionSpec(kernel=(4, 4), filters=[XZAnsatz(2)] * 2)
    program = compile_convolution(spec, "willow_pink")
    images = np.random.default_rng(5).normal(size=(1, 12, 12))
    upstream = np.random.default_rng(6).normal(size=(1, 2, 9, 9))
    found = {}
    for engine in ("exact", "exact:float32"):
        layer = QuantumConvolution(program, engine=engine, noise=noise, shots=None, seed=2)
        found[engine] = layer.forward(images), layer.backward(upstream, "parameter_shift")
    for single, double in zip(found["exact:float32"], found["exact"], strict=True):
        assert single.dtype == np.float64
        assert 0 < abs(single - double).max() < 1e-6 * max(1, abs(double).max())
    # Beyond the range of single precision.
    for scale in (2.0**140, 2.0**-150):
        found = layer.backward(scale * upstream, "parameter_shift") / scale
        np.testing.assert_array_equal(found, single)


@given(st.lists(st.integers(0, 63), min_size=1, unique=True), st.permutations(range(3)))
def test_rotations_find_their_components_as_blocks(carried, qubits):
    planes = [Plane(2 * qubit, *PLANES[axis]) for qubit, axis in zip(qubits, "xyz", strict=True)]
    labels = closed(np.array(carried), planes)
    order, paths = arranged(labels, planes)
    assert sorted(order) == sorted(labels) and set(carried) <= set(labels)
    for plane, own in zip(planes, paths, strict=True):
        pairs = [_halves(order[:, None], path) for path in own]
        firsts = np.concatenate([first.ravel() for first, _ in pairs] or [order[:0]])
        seconds = np.concatenate([second.ravel() for _, second in pairs] or [order[:0]])
        turned = [label for label in labels if label >> plane.shift & 3 == plane.first]
        assert sorted(firsts) == sorted(turned)
        assert (seconds == firsts + plane.step).all()


def test_array_libraries_by_name():
    assert array_library("numpy") is NUMPY
    assert ARRAY_LIBRARIES == ("numpy", "float32", "torch", "cupy")
    assert make_engine("exact:numpy").name == "exact"
    with pytest.raises(InputError, match="unknown array library 'torhc'. Did you mean 'torch'"):
        make_engine("exact:torhc")


def test_a_missing_array_library_is_named(monkeypatch):
    for module, advice in (("torch", r"'\.\[torch\]'"), ("cupy", "cupy-cuda12x")):
        monkeypatch.setitem(__import__("sys").modules, module, None)
        with pytest.raises(InputError, match=advice):
            make_engine(f"exact:{module}")
