"""The rules of a device, checked for a whole circuit at once.

Cirq stops at the first offence and does not say where it is. Here every offence is listed, with
its moment. Whenever Cirq's own validation raises, at least one error is listed; the rules beyond
Cirq's are ``not_finite``, ``unresolved_parameters``, ``after_measurement``,
``measurement_beside_gates``, ``overlapping_operations``, what is inside subcircuits, and the
warning ``coherence_time``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

import cirq
import cirq_google

from qucnn_cirq.circuits.feed_forward import is_controlled
from qucnn_cirq.circuits.parts import describe_part
from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.finite import is_finite
from qucnn_cirq.validation.coherence import outlived_coherence
from qucnn_cirq.validation.hints import Hints
from qucnn_cirq.validation.opening import Moments, OpenedMoment, opened_moments
from qucnn_cirq.validation.violation import Violation, listed, operation_text


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
    opened = opened_moments(moments)
    checker = _Checker(target, opened)
    found = [each for index in range(len(opened)) for each in checker.check(index)]
    if not found:
        found = _objections_of_cirq(moments, target)
    return found + outlived_coherence(opened, target)


def errors_of(violations: Iterable[Violation]) -> list[Violation]:
    """The violations that keep a device from running a circuit: all but the warnings.

    Args:
        violations: What `validate` found.
    """
    return [each for each in violations if not each.is_warning]


def check(circuit: cirq.AbstractCircuit, device: DeviceLike) -> None:
    """Makes sure that a device can run a circuit; warnings are let pass.

    Args:
        circuit: Any circuit.
        device: A name, or a device.

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

    def __init__(self, device: Device, moments: Sequence[OpenedMoment]) -> None:
        self._device = device
        self._moments = moments
        operations = [op for each in moments for column in each.columns for op in column.operations]
        self._hints = Hints(device, operations)
        self._qubits = frozenset(device.graph)
        self._couplers = frozenset(frozenset(edge) for edge in device.graph.edges)
        self._measured: set[cirq.Qid] = set()
        self._native: dict[Hashable, bool] = {}
        self._finite: dict[Hashable, bool] = {}

    def check(self, index: int) -> Iterator[Violation]:
        """What is wrong in one moment."""
        moment = self._moments[index]
        found = list(moment.problems)
        taken: set[cirq.Qid] = set()
        for operation in moment.operations:
            twice = [qubit for qubit in operation.qubits if qubit in taken]
            if twice:
                reason = f"another operation of the moment acts on {listed(twice)}"
                hint = "move it to a moment of its own"
                found.append((operation, ("overlapping_operations", reason, hint)))
            taken.update(operation.qubits)
        for column, _ in moment.columns:
            crowded = self._device.measures_apart and any(map(cirq.is_measurement, column))
            for operation in column:
                found += [
                    (operation, broken)
                    for broken in (
                        *self._placement(operation),
                        *self._gate(operation),
                        *self._order(operation, crowded),
                    )
                ]
            for operation in column:
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

    def _placement(self, operation: cirq.Operation) -> Iterator[tuple[str, str, str]]:
        qubits = operation.qubits
        unknown = [each for qubit in qubits for each in self._missing(qubit)]
        apart = [
            each.qubits
            for each in qubits
            if isinstance(each, cirq_google.Coupler)
            and frozenset(each.qubits) not in self._couplers
        ]
        if unknown:
            yield (
                "unknown_qubit",
                f"{self._device.name} has no qubit {listed(unknown)}",
                "name one of the device's couplers"
                if isinstance(
                    next(each for each in qubits if self._missing(each)), cirq_google.Coupler
                )
                else self._hints.for_qubits(*dict.fromkeys(unknown)),
            )
        elif apart:
            yield (
                "missing_coupler",
                f"no coupler joins {listed(apart[0])}",
                "name one of the device's couplers",
            )
        elif (
            len(qubits) == 2
            and frozenset(qubits) not in self._couplers
            and not _acts_on_any_qubits(operation)
        ):
            yield (
                "missing_coupler",
                f"no coupler joins {listed(qubits)}",
                self._hints.for_coupler(*qubits),
            )

    def _missing(self, qubit: cirq.Qid) -> list[cirq.Qid]:
        """What the device lacks of a qubit, or of the two that a coupler joins."""
        if qubit in self._qubits:
            return []
        if isinstance(qubit, cirq_google.Coupler):
            return [each for each in qubit.qubits if each not in self._qubits]
        return [qubit]

    def _gate(self, operation: cirq.Operation) -> Iterator[tuple[str, str, str]]:
        if not self._is_finite(operation):
            yield (
                "not_finite",
                "a number in it is NaN or infinite",
                "give finite numbers: what calculated this one divided by zero or overflowed",
            )
        elif cirq.is_parameterized(operation):
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

    def _is_finite(self, operation: cirq.Operation) -> bool:
        """Whether all numbers in an operation are finite."""
        gate = operation.untagged.gate
        if gate is None:
            return is_finite(operation)
        return _once(self._finite, (type(gate), gate), lambda: is_finite(gate))

    def _is_native(self, operation: cirq.Operation) -> bool:
        """Whether a gate is in the gate set; refusals are slow."""
        gateset, gate = self._device.gateset, operation.gate
        if gateset is None:
            return True
        if _is_in_software(operation):
            return True
        if gate is None:
            return _is_in(operation, gateset)
        key = (type(gate), gate, operation.tags)
        return _once(self._native, key, lambda: _is_in(operation, gateset))

    def _order(self, operation: cirq.Operation, crowded: bool) -> Iterator[tuple[str, str, str]]:
        if cirq.is_measurement(operation) or isinstance(operation.gate, cirq.ResetChannel):
            return
        read = [qubit for qubit in operation.qubits if qubit in self._measured]
        if read:
            yield (
                "after_measurement",
                f"it follows the measurement of {listed(read)}",
                "measure last, or use another qubit",
            )
        if crowded and len(operation.qubits) > 1 and not _acts_on_any_qubits(operation):
            yield (
                "measurement_beside_gates",
                f"{self._device.name} measures apart from two-qubit gates",
                "put the measurement into a moment of its own, last",
            )


def _once(known: dict[Hashable, bool], key: Hashable, ask: Callable[[], bool]) -> bool:
    """An answer that is the same for equal keys."""
    try:
        found = known.get(key)
    except (TypeError, ValueError, ArithmeticError):
        # It has no hash, or none for what is not finite.
        return ask()
    if found is None:
        found = known[key] = ask()
    return found


def _is_in_software(operation: cirq.Operation) -> bool:
    """Whether it is no gate at all: a record that turns the signs of later ones."""
    return is_controlled(operation) and cirq.VirtualTag() in operation.tags


def _is_in(operation: cirq.Operation, gateset: cirq.Gateset) -> bool:
    try:
        return operation in gateset
    except (ValueError, TypeError, AssertionError, ArithmeticError):
        # Families of gates compare matrices and properties that not every gate has, and angles
        # that no float may hold.
        return False


def _objections_of_cirq(moments: Moments, device: Device) -> list[Violation]:
    """What Cirq's own validation says that the rules did not find."""
    validator = device.cirq_device
    circuit = [
        cirq.Moment(operation for operation in moment if not _is_in_software(operation))
        for moment in moments
    ]
    whole = _objection(validator.validate_circuit, cirq.Circuit(circuit))
    if whole is None:
        return []
    for index, moment in enumerate(circuit):
        reason = _objection(validator.validate_moment, moment)
        if reason is not None:
            has_subcircuit = any(isinstance(op.untagged, cirq.CircuitOperation) for op in moment)
            hint = "unroll it: cirq.unroll_circuit_op(circuit, tags_to_check=None)"
            return [
                Violation(
                    "device",
                    index,
                    "moment",
                    tuple(sorted(moment.qubits)),
                    reason,
                    hint if has_subcircuit else "see the device's specification",
                )
            ]
    return [Violation("device", 0, "circuit", (), whole, "see the device's specification")]


def _objection(validate_part: Callable[[Any], None], part: object) -> str | None:
    try:
        validate_part(part)
    except ValueError as objection:
        return " ".join(str(objection).split())
    return None


def _acts_on_any_qubits(operation: cirq.Operation) -> bool:
    return isinstance(operation.gate, cirq.MeasurementGate | cirq.WaitGate)
