"""The passes in order, and what each of them changed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import cirq

from qucnn_cirq.compiler.decoupling import decouple
from qucnn_cirq.compiler.gate_sets import rebase
from qucnn_cirq.compiler.merging import merge_blocks
from qucnn_cirq.compiler.passes import (
    drop_unobserved,
    merge_slots,
    one_qubit_gates,
    schedule_as_late_as_possible,
    two_qubit_depth,
    two_qubit_gates,
)
from qucnn_cirq.text import aligned_table


@dataclass(frozen=True)
class PassRecord:
    """What one pass left behind.

    Attributes:
        name: The pass.
        two_qubit_gates: Two-qubit gates after it.
        two_qubit_depth: Longest chain of two-qubit gates after it.
        one_qubit_gates: One-qubit gates after it.
        moments: Moments after it.
    """

    name: str
    two_qubit_gates: int
    two_qubit_depth: int
    one_qubit_gates: int
    moments: int

    @classmethod
    def of(cls, name: str, circuit: cirq.AbstractCircuit) -> PassRecord:
        """Counts a circuit.

        Args:
            name: The pass that made the circuit.
            circuit: What it made.
        """
        return cls(
            name,
            two_qubit_gates(circuit),
            two_qubit_depth(circuit),
            one_qubit_gates(circuit),
            len(circuit),
        )

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "two-qubit gates": self.two_qubit_gates,
            "two-qubit depth": self.two_qubit_depth,
            "one-qubit gates": self.one_qubit_gates,
            "moments": self.moments,
        }


Transformer = Callable[[cirq.AbstractCircuit], cirq.AbstractCircuit]


def passes_for(
    gate_set: str,
    decoupling: str | None = None,
    duration_ratio: float = 1.0,
    counts_zeros: bool = False,
    given: Collection[cirq.Qid] = (),
) -> tuple[tuple[str, Transformer], ...]:
    """The passes from a routed circuit of slots and CZ gates to native moments, in order.

    Each is a Cirq transformer and can be used by itself.

    Args:
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
        decoupling: The dynamical decoupling sequence, or None.
        duration_ratio: Duration of a two-qubit gate, in durations of a one-qubit gate.
        counts_zeros: Whether what is measured is the probability of all zeros.
        given: Qubits whose state is handed over at the beginning.
    """
    passes: tuple[tuple[str, Transformer], ...] = (
        ("drop unobserved", drop_unobserved),
        ("merge blocks", functools.partial(merge_blocks, counts_zeros=counts_zeros, given=given)),
        ("native gates", functools.partial(rebase, gate_set=gate_set)),
        ("merge one-qubit gates", merge_slots),
        ("schedule", schedule_as_late_as_possible),
    )
    if decoupling is None:
        return passes
    pulses = functools.partial(decouple, sequence=decoupling, duration_ratio=duration_ratio)
    return (*passes, ("decouple", pulses))


def run_passes(
    circuit: cirq.Circuit, passes: Sequence[tuple[str, Transformer]]
) -> tuple[cirq.Circuit, tuple[PassRecord, ...]]:
    """Applies passes one after the other and counts after each.

    Args:
        circuit: A routed, measured circuit of slots and CZ gates.
        passes: Names and transformers, as from `passes_for`.

    Returns:
        The native circuit, and one record for each pass.
    """
    records = []
    changed: cirq.AbstractCircuit = circuit
    for name, transform in passes:
        changed = transform(changed)
        records.append(PassRecord.of(name, changed))
    return changed.unfreeze(copy=False), tuple(records)


def passes_text(records: Sequence[PassRecord]) -> str:
    """A table of the counts after each pass and, where they changed, by how much.

    Args:
        records: One or more, in the order of the passes.
    """
    rows: list[list[object]] = []
    before: dict[str, int] = {}
    for record in records:
        row: list[object] = [record.name]
        for name, count in record.counts.items():
            change = count - before.get(name, count)
            row += [count, f"{change:+d}" if change else ""]
        rows.append(row)
        before = record.counts
    header = ["pass"]
    for name in records[0].counts:
        header += [name, ""]
    return aligned_table(header, rows)
