"""What happens physically in each moment of a circuit, as noise needs to know it.

Noise depends on the structure of a circuit alone: on the types of gates, the qubits and the tags,
never on an angle. So a circuit and the same circuit with other angles carry the same noise.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cirq

from noise_models.errors import InputError
from noise_models.values import qubit_key


class Role(enum.Enum):
    """What an operation means for noise."""

    VIRTUAL = enum.auto()
    """Done in software: a Z power, or anything tagged `cirq.VirtualTag`. Takes no time."""
    WAIT = enum.auto()
    """An identity or a `cirq.WaitGate`: its qubits idle."""
    ONE_QUBIT_GATE = enum.auto()
    TWO_QUBIT_GATE = enum.auto()
    MEASUREMENT = enum.auto()
    CHANNEL = enum.auto()
    """A reset or a channel that the circuit itself contains: it is left as it is."""


def is_virtual(operation: cirq.Operation) -> bool:
    """Whether an operation is done in software and so carries no noise.

    That is a power of Z (unless it is tagged as a physical one, `cirq_google.PhysicalZTag`), a
    global phase, or whatever is tagged `cirq.VirtualTag`. A `cirq.PhasedXZGate` is one pulse and
    never virtual, even where its angles make it a Z rotation.

    Args:
        operation: An operation of a circuit, with its tags.
    """
    gate = operation.gate
    if isinstance(gate, cirq.ZPowGate):
        # Compared by name: the tag's package need not be installed.
        return not any(type(tag).__name__ == "PhysicalZTag" for tag in operation.tags)
    return isinstance(gate, cirq.GlobalPhaseGate) or cirq.VirtualTag() in operation.tags


def role(operation: cirq.Operation) -> Role:
    """What an operation means for noise.

    Args:
        operation: An operation of a circuit, with its tags.

    Raises:
        InputError: For a gate on three or more qubits and for a subcircuit, to neither of which
            the noise of one- and two-qubit gates can be given.
    """
    if is_virtual(operation):
        return Role.VIRTUAL
    if isinstance(operation.untagged, cirq.CircuitOperation):
        raise InputError(
            "the circuit contains a cirq.CircuitOperation, whose moments cannot be given noise:"
            " unroll it with cirq.unroll_circuit_op first."
        )
    if cirq.is_measurement(operation):
        return Role.MEASUREMENT
    if isinstance(operation.gate, cirq.IdentityGate | cirq.WaitGate):
        return Role.WAIT
    if not (cirq.is_parameterized(operation) or cirq.has_unitary(operation)):
        return Role.CHANNEL
    if len(operation.qubits) == 1:
        return Role.ONE_QUBIT_GATE
    if len(operation.qubits) == 2:
        return Role.TWO_QUBIT_GATE
    raise InputError(
        f"the circuit contains {operation}, a gate on {len(operation.qubits)} qubits: noise is"
        " defined for gates on one and two; decompose or compile the circuit first."
    )


def handed_over_tag(qubit: cirq.Qid) -> str:
    """Marks, on any operation of a circuit, a qubit that does not start in |0>.

    Its state is handed over by whoever simulates the circuit, so that errors of preparation do not
    act on it. A text, as other tags are.

    Args:
        qubit: The qubit.
    """
    return f"handed over {qubit_key(qubit)}"


def prepared_qubits(
    moments: Iterable[cirq.Moment], qubits: Sequence[cirq.Qid]
) -> tuple[cirq.Qid, ...]:
    """The qubits that a circuit prepares in |0>: those that no `handed_over_tag` names.

    Args:
        moments: All moments of the circuit.
        qubits: All qubits of the system.
    """
    tags = {tag for moment in moments for op in moment for tag in op.tags if isinstance(tag, str)}
    return tuple(qubit for qubit in qubits if handed_over_tag(qubit) not in tags)


@dataclass(frozen=True)
class Step:
    """One moment, sorted by what noise acts on.

    Attributes:
        one_qubit_gates: The physical gates on one qubit.
        two_qubit_gates: The gates on two qubits.
        idle: Qubits that wait while others are operated on; a virtual Z does not end waiting.
            Empty for a moment that takes no time and for one that contains a measurement.
        waiting_for_measurement: Qubits that wait while others are measured and that are operated
            on afterwards. Empty unless the moment contains a measurement.
        has_measurement: Whether the moment contains a measurement.
        longest_wait_ns: The longest `cirq.WaitGate`, in nanoseconds; 0 if there is none.
    """

    one_qubit_gates: tuple[cirq.Operation, ...]
    two_qubit_gates: tuple[cirq.Operation, ...]
    idle: tuple[cirq.Qid, ...]
    waiting_for_measurement: tuple[cirq.Qid, ...]
    has_measurement: bool
    longest_wait_ns: float

    def duration_ns(
        self, one_qubit: float, two_qubit: Iterable[float], measurement: float
    ) -> float:
        """How long the moment takes, which is as long as its longest operation.

        Args:
            one_qubit: Duration of a one-qubit gate, in nanoseconds.
            two_qubit: Durations of its two-qubit gates.
            measurement: Duration of a measurement.

        Returns:
            Nanoseconds; 0 if nothing in it takes time.
        """
        durations = [self.longest_wait_ns, *two_qubit]
        durations += [one_qubit] if self.one_qubit_gates else []
        durations += [measurement] if self.has_measurement else []
        return max(durations)

    @property
    def operated(self) -> tuple[cirq.Qid, ...]:
        """The qubits that gates act on."""
        gates = self.one_qubit_gates + self.two_qubit_gates
        return tuple(qubit for gate in gates for qubit in gate.qubits)


def _last_use(moments: Sequence[cirq.Moment]) -> dict[cirq.Qid, int]:
    """The index of the last moment that operates physically on each qubit."""
    return {
        qubit: index
        for index, moment in enumerate(moments)
        for operation in moment
        if not is_virtual(operation)
        for qubit in operation.qubits
    }


def _measured_qubits(moment: cirq.Moment) -> frozenset[cirq.Qid]:
    """The qubits that a moment measures."""
    return frozenset(q for op in moment if cirq.is_measurement(op) for q in op.qubits)


def finished_after(moments: Sequence[cirq.Moment]) -> dict[cirq.Qid, int]:
    """For each qubit whose last operation is a measurement, the index of that moment.

    A virtual Z after it takes no time and is no reason to go on.

    Args:
        moments: All moments of a circuit, in order.
    """
    return {
        qubit: index
        for qubit, index in _last_use(moments).items()
        if qubit in _measured_qubits(moments[index])
    }


def _wait_ns(operation: cirq.Operation) -> float:
    if not isinstance(operation.gate, cirq.WaitGate):
        return 0.0
    nanoseconds = operation.gate.duration.total_nanos()
    if cirq.is_parameterized(operation):
        raise InputError(f"{operation} has a symbolic duration: resolve it before adding noise.")
    return float(nanoseconds)


def timeline(moments: Iterable[cirq.Moment], qubits: Sequence[cirq.Qid]) -> list[Step]:
    """Sorts the operations of every moment by what noise acts on.

    Args:
        moments: The moments of a circuit, in order.
        qubits: All qubits of the system.

    Returns:
        One step for each moment.

    Raises:
        InputError: If an operation is a subcircuit or acts on three or more qubits.
    """
    all_moments = list(moments)
    last = _last_use(all_moments)
    finished = finished_after(all_moments)
    steps = []
    for index, moment in enumerate(all_moments):
        by_role: dict[Role, list[cirq.Operation]] = {each: [] for each in Role}
        for operation in moment:
            by_role[role(operation)].append(operation)
        gates = by_role[Role.ONE_QUBIT_GATE] + by_role[Role.TWO_QUBIT_GATE]
        taken = {q for op in gates + by_role[Role.CHANNEL] for q in op.qubits}
        measured = _measured_qubits(moment)
        free = [
            qubit
            for qubit in qubits
            if qubit not in taken
            and qubit not in measured
            and finished.get(qubit, len(all_moments)) > index
        ]
        takes_time = bool(gates or by_role[Role.WAIT])
        steps.append(
            Step(
                one_qubit_gates=tuple(by_role[Role.ONE_QUBIT_GATE]),
                two_qubit_gates=tuple(by_role[Role.TWO_QUBIT_GATE]),
                idle=tuple(free) if takes_time and not measured else (),
                waiting_for_measurement=(
                    tuple(q for q in free if last.get(q, -1) > index) if measured else ()
                ),
                has_measurement=bool(measured),
                longest_wait_ns=max(map(_wait_ns, by_role[Role.WAIT]), default=0.0),
            )
        )
    return steps
