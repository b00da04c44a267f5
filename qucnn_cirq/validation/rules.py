"""The rules of a device, checked for a whole circuit at once.

Cirq stops at the first offence and does not say where it is. Here every offence is listed, with
its moment. Whenever Cirq's own validation raises, at least one error is listed; the rules beyond
Cirq's are ``unresolved_parameters``, ``after_measurement``, ``measurement_beside_gates``,
``overlapping_operations``, what is inside subcircuits, and the warning ``coherence_time``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

import cirq

from qucnn_cirq.circuits.parts import describe_part
from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.validation.coherence import outlived_coherence
from qucnn_cirq.validation.hints import Hints
from qucnn_cirq.validation.violation import Violation, operation_text

Moments = Sequence[Sequence[cirq.Operation]]

LARGEST_CIRCUIT = 1_000_000
"""Operations, those in subcircuits included, up to which a circuit is checked."""


def validate(
    circuit: cirq.AbstractCircuit | Iterable[Iterable[cirq.Operation]],
    device: DeviceLike,
) -> list[Violation]:
    """Every rule of a device that a circuit breaks.

    Args:
        circuit: Any circuit, compiled here or foreign. Moments may also be given as lists of
            operations, which unlike ``cirq.Moment`` can act on a qubit twice.
        device: A name, or a device.

    Returns:
        The violations in order of moments; warnings last. Empty if the device can run the
        circuit.

    Raises:
        InputError: If the device is unknown or the circuit has more than a million operations.
    """
    target = load_device(device)
    moments = [list(moment) for moment in circuit]
    opened = _opened(moments)
    checker = _Checker(target, opened)
    found = [each for index in range(len(opened)) for each in checker.check(index)]
    if not found:
        found = _objections_of_cirq(moments, target)
    return found + outlived_coherence(moments, target)


def errors_of(violations: Iterable[Violation]) -> list[Violation]:
    """The violations that keep a device from running a circuit: all but the warnings."""
    return [each for each in violations if not each.is_warning]


def check(circuit: cirq.AbstractCircuit, device: DeviceLike) -> None:
    """Makes sure that a device can run a circuit; warnings are let pass.

    Raises:
        InputError: With the first violation and the number of others, if it cannot.
    """
    target = load_device(device)
    errors = errors_of(validate(circuit, target))
    if errors:
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        raise InputError(f"device {target.name!r} cannot run the circuit: {errors[0]}{more}.")


class _Checker:
    """Checks the moments of one circuit in turn; it remembers what has been measured."""

    def __init__(self, device: Device, moments: Sequence[Sequence[_Opened]]) -> None:
        self._device = device
        self._moments = moments
        operations = [op for moment in moments for each in moment for op in each.inside]
        self._hints = Hints(device, operations)
        self._qubits = frozenset(device.graph)
        self._couplers = frozenset(frozenset(edge) for edge in device.graph.edges)
        self._measured: set[cirq.Qid] = set()
        self._native: dict[Hashable, bool] = {}

    def check(self, index: int) -> Iterator[Violation]:
        """What is wrong in one moment."""
        taken: set[cirq.Qid] = set()
        crowded = self._device.measures_apart and any(
            cirq.is_measurement(each.operation) for each in self._moments[index]
        )
        for outer, inside in self._moments[index]:
            found = [(outer, broken) for broken in self._overlap(outer, taken)]
            taken.update(outer.qubits)
            for operation in inside:
                found += [
                    (operation, broken)
                    for broken in (
                        *self._placement(operation),
                        *self._gate(operation),
                        *self._order(operation, crowded),
                    )
                ]
                if cirq.is_measurement(operation):
                    self._measured.update(operation.qubits)
                elif isinstance(operation.gate, cirq.ResetChannel):
                    self._measured.difference_update(operation.qubits)
            for operation, (rule, reason, hint) in found:
                yield Violation(
                    rule,
                    index,
                    operation_text(operation),
                    operation.qubits,
                    reason,
                    hint,
                    describe_part(operation),
                )

    def _overlap(
        self, operation: cirq.Operation, taken: set[cirq.Qid]
    ) -> Iterator[tuple[str, str, str]]:
        twice = [qubit for qubit in operation.qubits if qubit in taken]
        if twice:
            yield (
                "overlapping_operations",
                f"another operation of the moment acts on {_names(twice)}",
                "move it to a moment of its own",
            )

    def _placement(self, operation: cirq.Operation) -> Iterator[tuple[str, str, str]]:
        qubits = operation.qubits
        unknown = [qubit for qubit in qubits if qubit not in self._qubits]
        if unknown:
            yield (
                "unknown_qubit",
                f"{self._device.name} has no qubit {_names(unknown)}",
                self._hints.for_qubit(unknown[0]),
            )
        elif (
            len(qubits) == 2
            and frozenset(qubits) not in self._couplers
            and not _acts_on_any_qubits(operation)
        ):
            yield (
                "missing_coupler",
                f"no coupler joins {_names(qubits)}",
                self._hints.for_coupler(*qubits),
            )

    def _gate(self, operation: cirq.Operation) -> Iterator[tuple[str, str, str]]:
        if cirq.is_parameterized(operation):
            symbols = ", ".join(sorted(cirq.parameter_names(operation)))
            yield (
                "unresolved_parameters",
                f"{symbols} has no value" if symbols else "a parameter has no value",
                "resolve it: cirq.resolve_parameters(circuit, values)",
            )
        elif not self._is_native(operation):
            yield (
                "gate_set",
                f"the gate is not in the gate set of {self._device.name}",
                self._hints.for_gate(operation),
            )

    def _is_native(self, operation: cirq.Operation) -> bool:
        """Whether a gate is in the gate set; asked once for equal gates, as refusals are slow."""
        gateset = self._device.gateset
        if gateset is None:
            return True
        key = (type(operation.gate), operation.gate, operation.tags)
        try:
            known = self._native.get(key)
        except TypeError:
            return operation in gateset
        if known is None or operation.gate is None:
            known = self._native[key] = operation in gateset
        return known

    def _order(self, operation: cirq.Operation, crowded: bool) -> Iterator[tuple[str, str, str]]:
        if cirq.is_measurement(operation) or isinstance(operation.gate, cirq.ResetChannel):
            return
        read = [qubit for qubit in operation.qubits if qubit in self._measured]
        if read:
            yield (
                "after_measurement",
                f"it follows the measurement of {_names(read)}",
                "measure last, or use another qubit",
            )
        if crowded and len(operation.qubits) > 1 and not _acts_on_any_qubits(operation):
            yield (
                "measurement_beside_gates",
                f"{self._device.name} measures apart from two-qubit gates",
                "put the measurement into a moment of its own, last",
            )


class _Opened(NamedTuple):
    """An operation and, if it is a subcircuit, those inside it; else only itself."""

    operation: cirq.Operation
    inside: list[cirq.Operation]


def _opened(moments: Moments) -> list[list[_Opened]]:
    """All subcircuits opened.

    A loop is opened twice: a third round breaks no rule that the second does not.
    """
    known: dict[cirq.FrozenCircuit, int] = {}
    total = sum(_size(each, known) for moment in moments for each in moment)
    if total > LARGEST_CIRCUIT:
        raise InputError(
            f"the circuit has {total} operations, subcircuits included: check it in pieces "
            f"of at most {LARGEST_CIRCUIT}."
        )

    def inside(operation: cirq.Operation) -> Iterator[cirq.Operation]:
        inner = operation.untagged
        if not isinstance(inner, cirq.CircuitOperation):
            yield operation
            return
        looped = inner.replace(
            repetitions=_rounds(inner), repetition_ids=None, use_repetition_ids=False
        )
        for each in looped.mapped_circuit(deep=False).all_operations():
            yield from inside(each.with_tags(*operation.tags) if operation.tags else each)

    return [[_Opened(each, list(inside(each))) for each in moment] for moment in moments]


def _rounds(loop: cirq.CircuitOperation) -> int:
    rounds = loop.repetitions if isinstance(loop.repetitions, int) else 1
    return max(-2, min(rounds, 2))


def _size(operation: cirq.Operation, known: dict[cirq.FrozenCircuit, int]) -> int:
    """How many operations opening one takes; subcircuits that recur are counted once."""
    inner = operation.untagged
    if not isinstance(inner, cirq.CircuitOperation):
        return 1
    if inner.circuit not in known:
        known[inner.circuit] = sum(_size(each, known) for each in inner.circuit.all_operations())
    return 1 + abs(_rounds(inner)) * known[inner.circuit]


def _objections_of_cirq(moments: Moments, device: Device) -> list[Violation]:
    """What Cirq's own validation says that the rules did not find."""
    validator = device.cirq_device
    try:
        validator.validate_circuit(cirq.Circuit(map(cirq.Moment, moments)))
    except ValueError as objection:
        whole = " ".join(str(objection).split())
    else:
        return []
    hint = "see the device's specification"
    for index, moment in enumerate(moments):
        try:
            validator.validate_moment(cirq.Moment(moment))
        except ValueError as objection:
            reason = " ".join(str(objection).split())
            qubits = tuple(sorted({qubit for op in moment for qubit in op.qubits}))
            return [Violation("device", index, "moment", qubits, reason, hint)]
    return [Violation("device", 0, "circuit", (), whole, hint)]


def _acts_on_any_qubits(operation: cirq.Operation) -> bool:
    return cirq.is_measurement(operation) or isinstance(operation.gate, cirq.WaitGate)


def _names(qubits: Iterable[cirq.Qid]) -> str:
    return ", ".join(str(qubit) for qubit in qubits)
