"""The parts of the layer, as tags on the operations of a compiled circuit.

Tags say where an operation came from and mean nothing to a simulator. They are plain texts, which
Cirq's JSON keeps. A pulse in which rotations of two parts were merged carries both, in order of
time.
"""

from __future__ import annotations

import cirq

PARTS = ("loader", "filter", "overlap", "backward", "routing", "decoupling")
"""What an operation can be for: loading the patch, preparing the filter, the overlap test, the
second ancilla of the backward pass, bringing qubits together where no layout fits, or protecting
qubits that wait."""

_STEP = "step "


def tagged(circuit: cirq.AbstractCircuit, part: str) -> cirq.Circuit:
    """Marks every operation that belongs to no part yet; its other tags stay.

    Args:
        circuit: What to mark; it is not changed.
        part: One of `PARTS`.
    """
    return cirq.map_operations(
        circuit.unfreeze(copy=False),
        lambda op, _: op if part_of(op) else op.with_tags(part),
        tags_to_ignore=(),
        deep=False,
    )


def of_step(circuit: cirq.AbstractCircuit, number: int) -> cirq.Circuit:
    """Marks every operation with a step of the overlap test, from 1.

    Args:
        circuit: What to mark; it is not changed.
        number: The step in which a pair of qubits meets, from 1.
    """
    tag = f"{_STEP}{number}"
    return cirq.map_operations(
        circuit.unfreeze(copy=False), lambda op, _: op.with_tags(tag), tags_to_ignore=(), deep=False
    )


def part_of(operation: cirq.Operation) -> str | None:
    """The part that an operation belongs to, the first if several; None if it is not tagged.

    Args:
        operation: An operation of a compiled circuit.
    """
    return next((tag for tag in operation.tags if tag in PARTS), None)


def step_of(operation: cirq.Operation) -> int | None:
    """The step of the overlap test that an operation belongs to, if it does to one.

    Args:
        operation: An operation of a compiled circuit.

    Returns:
        The step's number, from 1; None if it belongs to none.
    """
    for tag in operation.tags:
        if isinstance(tag, str) and tag.startswith(_STEP) and tag[len(_STEP) :].isdecimal():
            return int(tag[len(_STEP) :])
    return None


def describe_part(operation: cirq.Operation) -> str | None:
    """The part in words, with the step where there is one: "overlap step 2".

    Args:
        operation: An operation of a compiled circuit.

    Returns:
        The words; None if it belongs to no part.
    """
    part, step = part_of(operation), step_of(operation)
    return f"{part} step {step}" if part == "overlap" and step is not None else part
