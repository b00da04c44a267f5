"""Blocks of fixed gates on two qubits, written again where that takes fewer CZ.

A block is what acts on two qubits one after the other and has no open angle: SWAPs of a router
beside gates of a filter, or the end of a loader where the filter is undone.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence

import cirq
import numpy as np

from qucnn_cirq.circuits.blocks import block, gates_of
from qucnn_cirq.circuits.feed_forward import controlling, is_read_early
from qucnn_cirq.circuits.known_states import KnownStates, at_zero, from_known
from qucnn_cirq.circuits.slots import Factor, Rotation, Slot
from qucnn_cirq.compiler.passes import is_ignored


@cirq.transformer
def merge_blocks(
    circuit: cirq.AbstractCircuit,
    *,
    context: cirq.TransformerContext | None = None,
    counts_zeros: bool = False,
    given: Collection[cirq.Qid] = (),
) -> cirq.Circuit:
    """Writes blocks of fixed gates on two qubits in fewer CZ, where there is a way.

    A block on qubits in known states, such as |0>, needs even fewer. If the probability that all
    bits are 0 is measured, the same is true backwards from <0|. A block that is written again
    carries the tags of all its gates; the others are left as they are.

    Args:
        circuit: Slots, two-qubit gates and, last, measurements; others control something. It acts
            on |0...0>.
        context: Names tags of operations to leave as they are; None for none.
        counts_zeros: Whether what is measured is the probability of all zeros.
        given: Qubits of which the state is not |0> at the beginning, but handed over.
    """
    operations = list(circuit.all_operations())
    keys = controlling(circuit)
    measurements = [
        op for op in operations if cirq.is_measurement(op) and not is_read_early(op, keys)
    ]
    gates = [op for op in operations if op not in measurements]
    begun = at_zero(qubit for qubit in circuit.all_qubits() if qubit not in given)
    merged = _merged(_postponed(gates, context), begun, context)
    if counts_zeros and all(len(op.qubits) == 1 or op.gate == cirq.CZ for op in merged):
        zeros = at_zero(qubit for op in measurements for qubit in op.qubits)
        undone = _postponed(_backwards(merged), context)
        merged = _backwards(_merged(undone, zeros, context))
    if gates_of(merged) >= gates_of(gates):
        return circuit.unfreeze()
    return cirq.Circuit(merged, measurements)


def _backwards(operations: Sequence[cirq.Operation]) -> list[cirq.Operation]:
    """The inverse, tags kept."""
    return [
        op if op.gate == cirq.CZ else (op.untagged**-1).with_tags(*op.tags)
        for op in reversed(operations)
    ]


def _postponed(
    operations: Iterable[cirq.Operation], context: cirq.TransformerContext | None
) -> list[cirq.Operation]:
    """Open phases at the end of slots, put behind the CZ that follow if what is left is fixed."""
    waiting: dict[cirq.Qid, list[cirq.Operation]] = {}
    done: list[cirq.Operation] = []
    for operation in operations:
        gate, qubits = operation.gate, operation.qubits
        if gate == cirq.CZ and not is_ignored(operation, context):
            done.append(operation)
            continue
        for qubit in qubits:
            done += waiting.pop(qubit, [])
        if isinstance(gate, Slot) and gate.tables and not is_ignored(operation, context):
            count = len(gate.factors)
            while count and _is_phase(gate.factors[count - 1]):
                count -= 1
            first, last = Slot(gate.factors[:count]), Slot(gate.factors[count:])
            if not first.tables:
                waiting[qubits[0]] = [last.on(*qubits).with_tags(*operation.tags)]
                operation = first.on(*qubits).with_tags(*operation.tags)
                if not first.factors:
                    continue
        done.append(operation)
    return [*done, *(op for left in waiting.values() for op in left)]


def _is_phase(factor: Factor) -> bool:
    if isinstance(factor, Rotation):
        return factor.axis == "z"
    return max(abs(factor.entries[1]), abs(factor.entries[2])) <= 1e-12


def _merged(
    operations: Iterable[cirq.Operation],
    known: KnownStates,
    context: cirq.TransformerContext | None,
) -> list[cirq.Operation]:
    done: list[cirq.Operation] = []
    # The operations of each open block; both of its qubits hold the same list.
    opened: dict[cirq.Qid, list[cirq.Operation]] = {}

    def close(qubit: cirq.Qid) -> list[cirq.Operation]:
        """Ends a block, unless it is of one qubit, whose operations are returned."""
        block_ = opened.pop(qubit, [])
        pair = next((op.qubits for op in block_ if len(op.qubits) == 2), None)
        if pair is None:
            return block_
        opened.pop(pair[0] if qubit == pair[1] else pair[1])
        done.extend(_shortened(block_, pair, known))
        return []

    def end(qubit: cirq.Qid) -> None:
        alone = close(qubit)
        for op in alone:
            from_known(op.qubits, cirq.unitary(op), known)
        done.extend(alone)

    for operation in operations:
        qubits = operation.qubits
        if is_ignored(operation, context) or not _is_fixed(operation):
            for qubit in qubits:
                end(qubit)
            from_known(qubits, None, known)
            done.append(operation)
        elif len(qubits) == 1:
            opened.setdefault(qubits[0], []).append(operation)
        else:
            first, second = qubits
            if opened.get(first) is None or opened.get(first) is not opened.get(second):
                opened[first] = opened[second] = [*close(first), *close(second)]
            opened[first].append(operation)
    for qubit in list(opened):
        if qubit in opened:
            end(qubit)
    return done


def _is_fixed(operation: cirq.Operation) -> bool:
    if isinstance(operation.gate, Slot):
        return not operation.gate.tables
    return operation.gate == cirq.CZ


def _shortened(
    operations: list[cirq.Operation], pair: tuple[cirq.Qid, ...], known: KnownStates
) -> list[cirq.Operation]:
    """A block on a pair of qubits, in fewer CZ if there is a way."""
    if known.keys().isdisjoint(pair) and gates_of(operations) < 2:
        return operations
    first, second = pair
    matrix = np.eye(4, dtype=complex)
    for op in operations:
        if op.qubits == (first,):
            own = np.kron(cirq.unitary(op), np.eye(2))
        elif op.qubits == (second,):
            own = np.kron(np.eye(2), cirq.unitary(op))
        else:
            own = cirq.unitary(cirq.CZ)
        matrix = own @ matrix
    ways = [from_known(pair, matrix, known)]
    if _least_cz(matrix.tobytes()) < gates_of(operations):
        ways.append(block(first, second, matrix))
    tags = dict.fromkeys(tag for op in operations for tag in op.tags)
    tagged = [[op.with_tags(*tags) for op in way] for way in ways if way is not None]
    return min(operations, *tagged, key=gates_of) if tagged else operations


@functools.lru_cache(maxsize=4096)
def _least_cz(matrix: bytes) -> int:
    """How many CZ a unitary takes; the steps of an ancilla have the same few."""
    return cirq.num_cnots_required(np.frombuffer(matrix, dtype=complex).reshape(4, 4))
