"""Subcircuits opened: what a moment holds, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import cirq

from qucnn_cirq.errors import InputError

Moments = Sequence[Sequence[cirq.Operation]]

LARGEST_CIRCUIT = 1_000_000
"""Operations, those in subcircuits included, up to which a circuit is checked."""


Problem = tuple[cirq.Operation, tuple[str, str, str]]
"""An operation with the rule that it breaks, why, and what to do."""


class Column(NamedTuple):
    """What happens at the same time.

    Attributes:
        operations: The operations.
        rounds: How often they happen: in the second round of a loop all later ones count.
    """

    operations: list[cirq.Operation]
    rounds: int


@dataclass(frozen=True)
class OpenedMoment:
    """A moment whose subcircuits have been opened.

    Subcircuits of one moment begin together, as ``cirq.unroll_circuit_op`` lets them. A loop is
    opened twice, as a third round breaks no rule that the second does not.

    Attributes:
        operations: The moment as it was.
        columns: What happens in it, one column after the other.
        problems: Subcircuits that cannot be opened as they stand.
    """

    operations: Sequence[cirq.Operation]
    columns: list[Column]
    problems: list[Problem]


def opened_moments(moments: Moments) -> list[OpenedMoment]:
    """All moments of a circuit with their subcircuits opened.

    Args:
        moments: For each moment its operations, which may act on a qubit twice.

    Raises:
        InputError: If there are more than a million operations.
    """
    known: dict[cirq.FrozenCircuit, int] = {}
    total = sum(_size(each, known) for moment in moments for each in moment)
    if total > LARGEST_CIRCUIT:
        raise InputError(
            f"the circuit has {total} operations, subcircuits included: check it in pieces "
            f"of at most {LARGEST_CIRCUIT}."
        )
    return [_opened(moment) for moment in moments]


def _opened(moment: Sequence[cirq.Operation]) -> OpenedMoment:
    problems: list[Problem] = []
    return OpenedMoment(moment, _side_by_side(moment, problems), problems)


def _side_by_side(operations: Iterable[cirq.Operation], problems: list[Problem]) -> list[Column]:
    """The columns of operations that begin together; one, if there are none."""
    parts = [_columns(operation, problems) for operation in operations]
    nothing = Column([], 1)
    return [
        Column([op for each in column for op in each.operations], max(c.rounds for c in column))
        for column in zip_longest(*parts, fillvalue=nothing)
    ] or [nothing]


def _columns(operation: cirq.Operation, problems: list[Problem]) -> list[Column]:
    loop = operation.untagged
    if not isinstance(loop, cirq.CircuitOperation):
        return [Column([operation], 1)]
    repetitions = _repetitions(loop)
    if not isinstance(loop.repetitions, int):
        names = ", ".join(sorted(cirq.parameter_names(loop.repetitions)))
        reason = f"how often it repeats, {names or loop.repetitions}, has no value"
        hint = "resolve it: cirq.resolve_parameters(circuit, values)"
        problems.append((operation, ("unresolved_parameters", reason, hint)))
    if loop.repeat_until is not None:
        hint = "repeat it a fixed number of times: the device cannot branch"
        problems.append((operation, ("gate_set", f"it repeats until {loop.repeat_until}", hint)))
    if repetitions == 0:
        return []
    once = loop.replace(
        repetitions=1 if repetitions > 0 else -1,
        repetition_ids=None,
        use_repetition_ids=False,
        repeat_until=None,
    )
    try:
        circuit = once.mapped_circuit(deep=False)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        hint = "write out what it stands for, moment by moment"
        problems.append((operation, ("gate_set", f"it cannot be opened ({reason})", hint)))
        return []
    tags = operation.tags
    columns = [
        column
        for moment in circuit
        for column in _side_by_side(
            (each.with_tags(*tags) if tags else each for each in moment), problems
        )
    ]
    later = abs(repetitions) - 1
    return columns + [Column(ops, rounds * later) for ops, rounds in columns if later]


def _repetitions(loop: cirq.CircuitOperation) -> int:
    return loop.repetitions if isinstance(loop.repetitions, int) else 1


def _size(operation: cirq.Operation, known: dict[cirq.FrozenCircuit, int]) -> int:
    """How many operations opening one takes; subcircuits that recur are counted once."""
    inner = operation.untagged
    if not isinstance(inner, cirq.CircuitOperation):
        return 1
    if inner.circuit not in known:
        known[inner.circuit] = sum(_size(each, known) for each in inner.circuit.all_operations())
    return 1 + min(abs(_repetitions(inner)), 2) * known[inner.circuit]
