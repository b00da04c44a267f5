"""The pass that merges blocks: what is measured stays the same, and gates become fewer."""

import cirq
import numpy as np
import pytest
from helpers import state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq.circuits.slots import Slot, TableAngle, fixed, rotation
from qucnn_cirq.compiler.merging import merge_blocks
from qucnn_cirq.compiler.passes import two_qubit_gates
from qucnn_cirq.compiler.swaps import swap

SEEDS = st.integers(0, 2**31 - 1)
N_ANGLES = 6


def random_circuit(n_qubits, generator, share_open):
    """Slots, fixed and open, and CZ and SWAPs written in CZ, all tagged."""
    qubits = cirq.LineQubit.range(n_qubits)
    operations, column = [], 0
    for _ in range(25):
        if generator.random() < 0.5:
            pair = [qubits[index] for index in generator.choice(n_qubits, 2, replace=False)]
            made = swap(*pair) if generator.random() < 0.2 else [cirq.CZ(*pair)]
            operations += [op.with_tags("overlap") for op in made]
            continue
        qubit = qubits[generator.integers(n_qubits)]
        matrix = cirq.testing.random_unitary(2, random_state=int(generator.integers(2**31)))
        gate = fixed(matrix)
        if generator.random() < 0.3:
            gate = fixed([cirq.unitary(each) for each in (cirq.H, cirq.S, cirq.X)][column % 3])
        if column < N_ANGLES and generator.random() < share_open:
            axis = "xyz"[generator.integers(3)]
            factors = rotation(axis, TableAngle("patch", column)).factors
            order = (gate.factors, factors, gate.factors)[: generator.integers(1, 4)][1:]
            gate = Slot(sum(order, ()) or factors)
            column += 1
        operations.append(gate.on(qubit).with_tags("loader"))
    return cirq.Circuit(operations), qubits


@given(seed=SEEDS, n_qubits=st.integers(2, 4), share_open=st.sampled_from([0.0, 0.2, 0.7]))
@settings(max_examples=60, deadline=None)
def test_merged_circuits_prepare_the_same_state(seed, n_qubits, share_open):
    generator = np.random.default_rng(seed)
    circuit, qubits = random_circuit(n_qubits, generator, share_open)
    measured = circuit + cirq.measure(*qubits, key="m")
    tables = {"patch": generator.uniform(-4, 4, (1, N_ANGLES))}
    before = state_of(circuit, qubits, tables)
    merged = merge_blocks(measured)
    assert two_qubit_gates(merged) <= two_qubit_gates(measured)
    after = state_of(cirq.drop_terminal_measurements(merged), qubits, tables)
    assert abs(np.vdot(before, after)) ** 2 == pytest.approx(1, abs=1e-11)
    shorter = merge_blocks(measured, counts_zeros=True)
    assert two_qubit_gates(shorter) <= two_qubit_gates(merged)
    last = state_of(cirq.drop_terminal_measurements(shorter), qubits, tables)
    assert abs(last[0]) ** 2 == pytest.approx(abs(before[0]) ** 2, abs=1e-11)
    assert all(op.tags for op in shorter.all_operations() if not cirq.is_measurement(op))


def test_blocks_of_fixed_gates_take_three_gates_at_most():
    a, b, c = cirq.LineQubit.range(3)
    generator = np.random.default_rng(0)

    def turn(qubit):
        return fixed(cirq.testing.random_unitary(2, random_state=generator.integers(99).item())).on(
            qubit
        )

    begun = [rotation("y", TableAngle("patch", 0)).on(qubit) for qubit in (a, b, c)]
    fixed_gates = [[turn(a), turn(b), cirq.CZ(a, b)] for _ in range(6)]
    circuit = cirq.Circuit(begun, fixed_gates, cirq.CZ(b, c))
    assert two_qubit_gates(merge_blocks(circuit)) == 4
    # Nothing to gain: left as it is.
    short = cirq.Circuit(begun, fixed_gates[:2], cirq.CZ(b, c))
    assert merge_blocks(short) == short


def test_an_open_phase_beside_a_cz_does_not_part_a_block():
    a, b = cirq.LineQubit.range(2)
    phase = rotation("z", TableAngle("patch", 1)).on(a)
    begun = [rotation("y", TableAngle("patch", 0)).on(qubit) for qubit in (a, b)]
    circuit = cirq.Circuit(begun, cirq.CZ(a, b), phase, cirq.CZ(a, b), cirq.measure(a, b))
    assert two_qubit_gates(merge_blocks(circuit)) == 0


def test_operations_that_shall_be_ignored_are():
    a, b = cirq.LineQubit.range(2)
    begun = [rotation("y", TableAngle("patch", 0)).on(qubit) for qubit in (a, b)]
    circuit = cirq.Circuit(begun, cirq.CZ(a, b), cirq.CZ(a, b).with_tags("keep"))
    context = cirq.TransformerContext(tags_to_ignore=("keep",))
    assert merge_blocks(circuit, context=context) == circuit
    assert two_qubit_gates(merge_blocks(circuit)) == 0
