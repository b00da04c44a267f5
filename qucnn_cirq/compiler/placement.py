"""Placement: the best position of a layout on a device."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import cirq

from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.assembly import Assembly
from qucnn_cirq.compiler.pinning import Pinning
from qucnn_cirq.devices import Device

Q = cirq.GridQubit
Positions = dict[cirq.Qid, cirq.Qid]
_ANYWHERE = Pinning()


@dataclass(frozen=True)
class Placement:
    """Where the qubits of an assembly sit on a device.

    Attributes:
        positions: From the assembly's coordinates to qubits of the device.
        predicted_error: Probability that at least one gate or readout errs, between 0 and 1,
            from the device's calibration or, without one, from nominal error rates.
    """

    positions: Positions
    predicted_error: float


def best_placement(
    assembly: Assembly, device: Device, gate_set: str, pinning: Pinning = _ANYWHERE
) -> Placement | None:
    """The placement with the smallest predicted error; the first in qubit order if equal.

    Args:
        assembly: The circuit in coordinates of its own.
        device: The device.
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
        pinning: Where the circuit may be.

    Returns:
        None if the layout fits nowhere on the device.
    """
    usage = Usage.of(assembly.template.circuit)
    best: Placement | None = None
    for positions in placements(usage, device, pinning.allowed):
        roles = assembly.roles_on(positions) if pinning.roles else {}
        if any(roles[role] != qubits for role, qubits in pinning.roles):
            continue
        error = usage.predicted_error(positions, device, gate_set)
        if best is None or error < best.predicted_error * (1 - 1e-9):
            best = Placement(positions, error)
    return best


def unmoved(assembly: Assembly, device: Device, gate_set: str) -> Placement:
    """The placement of an assembly that is on the device already.

    Args:
        assembly: A circuit that was routed on the device.
        device: The device.
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
    """
    usage = Usage.of(assembly.template.circuit)
    template = assembly.template
    places = (*usage.qubits, *template.data_qubits, *template.filter_qubits)
    positions: Positions = {qubit: qubit for qubit in places}
    return Placement(positions, usage.predicted_error(positions, device, gate_set))


@dataclass(frozen=True)
class Usage:
    """How often a circuit uses each qubit and each coupler.

    Attributes:
        one_qubit: One-qubit gates on each qubit, virtual Z excepted.
        two_qubit: Two-qubit gates on each coupler.
        measured: The measured qubits.
        qubits: All qubits.
        active: For each qubit the moments of one- and of two-qubit gates from its first
            operation to its last.
    """

    one_qubit: Counter[cirq.Qid]
    two_qubit: Counter[tuple[cirq.Qid, cirq.Qid]]
    measured: tuple[cirq.Qid, ...]
    qubits: tuple[cirq.Qid, ...]
    active: dict[cirq.Qid, tuple[int, int]]

    @classmethod
    def of(cls, circuit: cirq.AbstractCircuit) -> Usage:
        """Counts the operations of a circuit.

        Args:
            circuit: Native gates and measurements; its moments count for `active`.
        """
        one_qubit: Counter[cirq.Qid] = Counter()
        two_qubit: Counter[tuple[cirq.Qid, cirq.Qid]] = Counter()
        measured: list[cirq.Qid] = []
        for operation in circuit.all_operations():
            if cirq.is_measurement(operation):
                measured += operation.qubits
            elif len(operation.qubits) == 2:
                first, second = sorted(operation.qubits)
                two_qubit[first, second] += 1
            elif not (isinstance(operation.gate, Slot) and operation.gate.is_virtual):
                one_qubit.update(operation.qubits)
        qubits = tuple(sorted(circuit.all_qubits()))
        return cls(one_qubit, two_qubit, tuple(measured), qubits, _active_moments(circuit))

    def predicted_error(self, positions: Positions, device: Device, gate_set: str) -> float:
        """1 - product of (1 - error) over all gates, the decay of active qubits and readouts.

        Args:
            positions: From the circuit's qubits to qubits of the device.
            device: The device, whose error rates count.
            gate_set: The native two-qubit gate, one of `GATE_SETS`.
        """
        kept = 1.0
        for (a, b), count in self.two_qubit.items():
            kept *= (1 - device.two_qubit_error(positions[a], positions[b], gate_set)) ** count
        for qubit, count in self.one_qubit.items():
            kept *= (1 - device.one_qubit_error(positions[qubit])) ** count
        for qubit, (one_qubit_moments, two_qubit_moments) in self.active.items():
            kept *= 1 - device.decay_error(positions[qubit], one_qubit_moments, two_qubit_moments)
        for qubit in self.measured:
            kept *= 1 - device.readout_error(positions[qubit])
        return 1 - kept


def _active_moments(circuit: cirq.AbstractCircuit) -> dict[cirq.Qid, tuple[int, int]]:
    first: dict[cirq.Qid, int] = {}
    last: dict[cirq.Qid, int] = {}
    two_qubit_moments = [0]
    for index, moment in enumerate(circuit):
        for qubit in moment.qubits:
            first.setdefault(qubit, index)
            last[qubit] = index
        has_two_qubit_gates = any(
            len(op.qubits) == 2 and not cirq.is_measurement(op) for op in moment
        )
        two_qubit_moments.append(two_qubit_moments[-1] + has_two_qubit_gates)
    active = {}
    for qubit, start in first.items():
        two_qubit = two_qubit_moments[last[qubit] + 1] - two_qubit_moments[start]
        active[qubit] = (last[qubit] + 1 - start - two_qubit, two_qubit)
    return active


_SYMMETRIES = tuple(itertools.product((False, True), (1, -1), (1, -1)))


def placements(
    usage: Usage, device: Device, allowed: Collection[cirq.Qid] | None = None
) -> Iterator[Positions]:
    """All translations of all eight symmetries of a layout that fit the device.

    Args:
        usage: The qubits and couplers of the layout.
        device: The device.
        allowed: The only qubits that may be used; None for all.
    """
    graph = device.graph if allowed is None else device.graph.subgraph(allowed)
    couplers = {frozenset(edge) for edge in graph.edges}
    anchor = usage.qubits[0]
    for symmetry in _SYMMETRIES:
        turned = {qubit: _turn(qubit, symmetry) for qubit in usage.qubits}
        for place in sorted(graph.nodes):
            shift_row = place.row - turned[anchor].row
            shift_column = place.col - turned[anchor].col
            positions: Positions = {
                qubit: Q(image.row + shift_row, image.col + shift_column)
                for qubit, image in turned.items()
            }
            if all(q in graph for q in positions.values()) and all(
                frozenset((positions[a], positions[b])) in couplers for a, b in usage.two_qubit
            ):
                yield positions


def _turn(qubit: cirq.Qid, symmetry: tuple[bool, int, int]) -> Q:
    assert isinstance(qubit, Q)
    transposed, row_sign, column_sign = symmetry
    row, column = (qubit.col, qubit.row) if transposed else (qubit.row, qubit.col)
    return Q(row_sign * row, column_sign * column)
