"""One way in which a circuit breaks a rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cirq

RULES: dict[str, str] = {
    "unknown_qubit": "every qubit belongs to the device",
    "missing_coupler": "a gate on two qubits acts on a coupler",
    "gate_set": "every gate is in the device's gate set",
    "unresolved_parameters": "no gate has a symbol for a number",
    "not_finite": "every number in a gate is finite",
    "after_measurement": "no gate follows the measurement of its qubit",
    "measurement_beside_gates": "where the device measures apart, a moment with a measurement "
    "holds no two-qubit gate",
    "overlapping_operations": "the operations of a moment act on different qubits",
    "device": "whatever else Cirq's own validation objects to",
    "coherence_time": "no qubit is in use for longer than its coherence time (a warning)",
}
"""What each rule demands."""

WARNINGS = frozenset({"coherence_time"})
"""Rules whose violation makes a circuit useless rather than impossible."""


_LONGEST_TEXT = 120


def operation_text(operation: cirq.Operation) -> str:
    """An operation in one line of limited length.

    Args:
        operation: Any operation, of Cirq's or of a class of the user's own.
    """
    what = operation.gate or operation.untagged
    try:
        text = str(what)
    except (ValueError, ArithmeticError):
        # Gates round their numbers for their names, which NaN and infinity do not let them.
        text = repr(what)
    name = " ".join(text.split())
    return f"{_shortened(name)} on {_shortened(listed(operation.qubits))}"


def listed(qubits: Iterable[cirq.Qid]) -> str:
    """Qubits as messages name them.

    Args:
        qubits: The qubits.
    """
    return ", ".join(map(str, qubits))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


@dataclass(frozen=True)
class Violation:
    """One way in which a circuit breaks a device's rules.

    Attributes:
        rule: The rule's name, one of `RULES`.
        moment: Index of the moment.
        operation: The operation, as text.
        qubits: The qubits concerned.
        reason: What is wrong.
        hint: What to do.
        part: The part of the layer that the operation belongs to ("loader", "overlap step 2"),
            from its tags; None if it has no such tag.
    """

    rule: str
    moment: int
    operation: str
    qubits: tuple[cirq.Qid, ...]
    reason: str
    hint: str
    part: str | None = None

    @property
    def is_warning(self) -> bool:
        """Whether the device would run the circuit all the same."""
        return self.rule in WARNINGS

    def __str__(self) -> str:
        origin = f" ({self.part})" if self.part else ""
        kind = "warning: " if self.is_warning else ""
        where = f"moment {self.moment}: {self.operation}{origin}"
        return f"{where}: {kind}{self.reason}; {self.hint} [{self.rule}]"

    def to_mapping(self) -> dict[str, object]:
        """The violation as plain data, ready for JSON."""
        return {
            "rule": self.rule,
            "moment": self.moment,
            "operation": self.operation,
            "qubits": [str(qubit) for qubit in self.qubits],
            "part": self.part,
            "reason": self.reason,
            "hint": self.hint,
            "warning": self.is_warning,
        }
