"""What a circuit uses of a device, and the error that is predicted from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cirq

from qucnn_cirq.circuits.feed_forward import is_controlled
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.devices import Device

Coupler = tuple[cirq.Qid, cirq.Qid]


@dataclass(frozen=True)
class Usage:
    """How often a circuit uses each qubit and each coupler.

    Attributes:
        one_qubit: One-qubit gates on each qubit, virtual Z excepted.
        two_qubit: Two-qubit gates on each coupler (a, b), a < b.
        measured: The measured qubits.
        qubits: All qubits.
        active: For each qubit the moments of one- and of two-qubit gates from its first
            operation to its last.
    """

    one_qubit: Counter[cirq.Qid]
    two_qubit: Counter[Coupler]
    measured: tuple[cirq.Qid, ...]
    qubits: tuple[cirq.Qid, ...]
    active: dict[cirq.Qid, tuple[int, int]]

    @classmethod
    def of(cls, circuit: cirq.AbstractCircuit, couplers: Iterable[Coupler] = ()) -> Usage:
        """Counts the operations of a circuit.

        Args:
            circuit: Native gates and measurements; its moments count for `active`.
            couplers: More couplers that must be there, with no gate on them.
        """
        one_qubit: Counter[cirq.Qid] = Counter()
        two_qubit: Counter[Coupler] = Counter()
        measured: list[cirq.Qid] = []
        for operation in circuit.all_operations():
            if cirq.is_measurement(operation):
                measured += operation.qubits
            elif len(operation.qubits) == 2:
                first, second = sorted(operation.qubits)
                two_qubit[first, second] += 1
            elif not (
                is_controlled(operation)
                or (isinstance(operation.gate, Slot) and operation.gate.is_virtual)
            ):
                one_qubit.update(operation.qubits)
        two_qubit.update({(min(pair), max(pair)): 0 for pair in couplers})
        qubits = tuple(sorted(circuit.all_qubits().union(*two_qubit)))
        return cls(one_qubit, two_qubit, tuple(measured), qubits, _active_moments(circuit))

    def of_one(self, qubit: cirq.Qid) -> Usage:
        """The share of a single qubit, its couplers apart.

        Args:
            qubit: One of the qubits.
        """
        return Usage(
            Counter({qubit: self.one_qubit[qubit]}),
            Counter(),
            tuple(each for each in self.measured if each == qubit),
            (qubit,),
            {each: moments for each, moments in self.active.items() if each == qubit},
        )

    def predicted_error(
        self, positions: Mapping[cirq.Qid, cirq.Qid], device: Device, gate_set: str
    ) -> float:
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
