"""SWAPs written in CZ: three, or fewer beside a CZ or a qubit that nothing has acted on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import cirq

from qucnn_cirq.circuits.slots import Slot, fixed

_HADAMARD = fixed(cirq.unitary(cirq.H))


def swap(a: cirq.Qid, b: cirq.Qid) -> list[cirq.Operation]:
    """Exchanges two qubits by three CZ gates between Hadamards.

    Args:
        a: One qubit.
        b: The other, its neighbour.
    """
    return [*_cnot(a, b), *_cnot(b, a), *_cnot(a, b)]


def _cnot(control: cirq.Qid, target: cirq.Qid) -> list[cirq.Operation]:
    hadamard = _HADAMARD.on(target)
    return [hadamard, cirq.CZ(control, target), hadamard]


def _swap_and_cz(a: cirq.Qid, b: cirq.Qid) -> list[cirq.Operation]:
    """SWAP times CZ, which commute, in two CZ: it is iSWAP but for phases."""
    hadamards = [_HADAMARD.on(a), _HADAMARD.on(b)]
    return [*hadamards, cirq.CZ(a, b), *hadamards, cirq.CZ(a, b), *hadamards]


def write_out_swaps(circuit: cirq.AbstractCircuit, from_zero: bool = True) -> cirq.Circuit:
    """Replaces every ``cirq.SWAP`` by CZ gates and slots.

    Together with a CZ on the same pair, next to it but for slots, it is two CZ; two as well where
    one of its qubits is still in |0>; three otherwise. The operations carry the tags of the CZ.

    Args:
        circuit: Operations on one or two qubits.
        from_zero: Whether they act on |0...0>; else no qubit is known to be in |0>.

    Returns:
        The same state on the same qubits.
    """
    operations = list(circuit.all_operations())
    on: dict[cirq.Qid, list[int]] = defaultdict(list)
    for index, operation in enumerate(operations):
        for qubit in operation.qubits:
            on[qubit].append(index)
    written: dict[int, list[cirq.Operation]] = {}
    for index, operation in enumerate(operations):
        if operation.gate != cirq.SWAP:
            continue
        a, b = operation.qubits
        for step in (-1, 1):
            beside = _next_gate(operations, on[a], index, step)
            if beside is None or beside != _next_gate(operations, on[b], index, step):
                continue
            if operations[beside].gate == cirq.CZ and beside not in written:
                tags = operations[beside].tags
                written[index] = []
                written[beside] = [op.with_tags(*tags) for op in _swap_and_cz(a, b)]
                # What is between them acts on the other side of the SWAP, hence on the other qubit.
                lower, upper = sorted((index, beside))
                for qubit in (a, b):
                    for between in on[qubit]:
                        if lower < between < upper:
                            other = b if qubit == a else a
                            written[between] = [operations[between].with_qubits(other)]
                break
        else:
            unused = [qubit for qubit in (a, b) if on[qubit][0] == index]
            if unused and from_zero:
                # The first of three CNOTs would do nothing.
                zero = unused[0]
                other = b if zero == a else a
                written[index] = [*_cnot(other, zero), *_cnot(zero, other)]
            else:
                written[index] = swap(a, b)
    return cirq.Circuit(written.get(index, [op]) for index, op in enumerate(operations))


def _next_gate(
    operations: Sequence[cirq.Operation], own: Sequence[int], index: int, step: int
) -> int | None:
    """The next operation of a qubit, or with step -1 the one before, that is no slot."""
    position = own.index(index) + step
    while 0 <= position < len(own):
        if not isinstance(operations[own[position]].gate, Slot):
            return own[position]
        position += step
    return None
