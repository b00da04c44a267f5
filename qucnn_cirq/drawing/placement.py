"""Where the layer sits on a device and how its ancillas walk, read from a circuit's tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cirq

from qucnn_cirq.circuits.parts import PARTS, part_of, step_of

ROLES: Mapping[str, str] = {
    "data": "D",
    "filter": "F",
    "ancilla": "A",
    "reader": "B",
    "routing": "R",
    "other": "X",
}
"""What a qubit is for, and the letter that stands for it: it holds the patch, the filter, an
ancilla on its way, the second ancilla of the backward pass, something on its way to its partner,
or whatever a circuit without tags does with it."""

ROLE_PARTS: Mapping[str, str | None] = {
    "data": "loader",
    "filter": "filter",
    "ancilla": "overlap",
    "reader": "backward",
    "routing": "routing",
    "other": None,
}
"""The part of the layer that makes each role, the decisive one first; it is coloured as that."""


@dataclass(frozen=True)
class CircuitPlacement:
    """Where a circuit sits.

    Attributes:
        roles: What each of its qubits is for, one of `ROLES`.
        walks: For each ancilla the qubits on which it is, in order.
        pairs: Qubits that meet without an ancilla, as in the destructive test.
    """

    roles: dict[cirq.Qid, str]
    walks: tuple[tuple[cirq.Qid, ...], ...]
    pairs: tuple[tuple[cirq.Qid, cirq.Qid], ...]


def placement_of(circuit: cirq.AbstractCircuit) -> CircuitPlacement:
    """Reads the placement of a compiled circuit from the tags of its operations.

    A circuit without tags has no walk, and all its qubits have the role "other".

    Args:
        circuit: A compiled circuit, or any other.
    """
    parts: dict[cirq.Qid, set[str]] = {qubit: set() for qubit in circuit.all_qubits()}
    steps: dict[int, set[cirq.Qid]] = {}
    for operation in circuit.all_operations():
        for qubit in operation.qubits:
            parts[qubit] |= {tag for tag in operation.tags if tag in PARTS}
        step = step_of(operation)
        if step is not None and len(operation.qubits) == 2:
            steps.setdefault(step, set()).update(operation.qubits)
    roles = {qubit: _role(own) for qubit, own in parts.items()}
    pairs = tuple((min(each), max(each)) for each in steps.values() if len(each) == 2)
    walks = tuple(_walks([steps[key] for key in sorted(steps)], roles, _ends(circuit)))
    return CircuitPlacement(roles, walks, pairs if not walks else ())


def _role(parts: set[str]) -> str:
    return next((role for role, part in ROLE_PARTS.items() if part in parts), "other")


def _ends(circuit: cirq.AbstractCircuit) -> set[cirq.Qid]:
    """Qubits that are measured, or handed to the second ancilla."""
    return {
        qubit
        for operation in circuit.all_operations()
        if cirq.is_measurement(operation) or part_of(operation) == "backward"
        for qubit in operation.qubits
    }


def _walks(
    steps: list[set[cirq.Qid]], roles: Mapping[cirq.Qid, str], ends: set[cirq.Qid]
) -> Iterable[tuple[cirq.Qid, ...]]:
    """Steps that share a qubit follow each other; it is where the ancilla comes out."""
    path: list[cirq.Qid] = []
    for index, step in enumerate(steps):
        if len(step) != 3:
            return
        if not path:
            path = sorted(qubit for qubit in step if ROLE_PARTS[roles[qubit]] == "overlap")[:1]
        following = steps[index + 1] & step if index + 1 < len(steps) else set()
        out = sorted((following or step & ends) - set(path))
        if not following and not out and set(path[-1:]) & ends:
            # The last step may leave it where it came in.
            yield tuple(path)
            path = []
            continue
        if len(path) < 1 or not out:
            return
        path.append(out[0])
        if not following:
            yield tuple(path)
            path = []
