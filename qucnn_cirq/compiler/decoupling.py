"""Dynamical decoupling: pulses on qubits that wait, so that slow phase errors cancel.

Cirq's own ``add_dynamical_decoupling`` puts a pulse into every idle moment and pulls unfinished
sequences through Clifford gates. Here each window gets one complete sequence, evenly spread: two or
four more gates instead of dozens, and no gate of the circuit changes, so that its slots stay open.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cirq
import numpy as np

from qucnn_cirq.circuits.slots import Slot, fixed
from qucnn_cirq.compiler.passes import is_ignored
from qucnn_cirq.errors import InputError, shown, unknown_name

_X, _Y = fixed(cirq.unitary(cirq.X)), fixed(cirq.unitary(cirq.Y))

SEQUENCES: dict[str, tuple[Slot, ...]] = {
    "XX": (_X, _X),
    "YY": (_Y, _Y),
    "XY4": (_X, _Y, _X, _Y),
}
"""Pulses whose product is the identity, first to act first."""

DECOUPLING_TAG = "decoupling"
_NEAREST = 3
"""Moments near its ideal time that are tried for each pulse."""


@cirq.transformer
def decouple(
    circuit: cirq.AbstractCircuit,
    *,
    context: cirq.TransformerContext | None = None,
    sequence: str = "XX",
    duration_ratio: float = 1.0,
) -> cirq.Circuit:
    """Puts a sequence of pulses into every window in which a qubit waits between two gates.

    Pulses go into moments of one-qubit gates only, so that no moment is added or takes longer. A
    window that ends with a measurement is left alone: a phase is not measured. So is one in which a
    constant detuning would not at least be halved, because there are too few such moments.

    Args:
        circuit: Moments of one-qubit gates or of two-qubit gates, and measurements.
        context: Windows next to an operation with one of its ``tags_to_ignore`` are left alone.
        sequence: One of `SEQUENCES`.
        duration_ratio: Duration of a two-qubit gate, in durations of a one-qubit gate.

    Returns:
        The circuit with pulses (slots of a fixed X or Y) tagged "decoupling".

    Raises:
        InputError: If the sequence is unknown or the ratio is not positive.
    """
    if sequence not in SEQUENCES:
        raise unknown_name("dynamical decoupling sequence", sequence, SEQUENCES)
    if not duration_ratio > 0:
        raise InputError(
            f"duration_ratio = {shown(duration_ratio)} is not allowed: give a positive number."
        )
    pulses = SEQUENCES[sequence]
    durations = [_duration(moment, duration_ratio) for moment in circuit]
    ends = np.cumsum(durations)
    open_moments = [index for index, moment in enumerate(circuit) if _takes_pulses(moment)]
    added: dict[int, list[cirq.Operation]] = {}
    for qubit in sorted(circuit.all_qubits()):
        busy = [index for index, moment in enumerate(circuit) if qubit in moment.qubits]
        for before, after in itertools.pairwise(busy):
            neighbours = circuit[before][qubit], circuit[after][qubit]
            if cirq.is_measurement(neighbours[1]) or any(
                is_ignored(operation, context) for operation in neighbours
            ):
                continue
            inside = [index for index in open_moments if before < index < after]
            middles = [float(ends[index] - durations[index] / 2) for index in inside]
            start, end = float(ends[before]), float(ends[after] - durations[after])
            for pulse, place in zip(
                pulses, _places(middles, start, end, len(pulses)), strict=False
            ):
                operation = pulse.on(qubit).with_tags(DECOUPLING_TAG)
                added.setdefault(inside[place], []).append(operation)
    return cirq.Circuit(
        moment.with_operations(*added.get(index, [])) for index, moment in enumerate(circuit)
    )


def _places(middles: Sequence[float], start: float, end: float, count: int) -> tuple[int, ...]:
    """Which of the times in a window get a pulse; none if it would be of little use.

    Of the moments near the ideal times (2k + 1)/(2 count) of the window those are taken between
    which a constant detuning cancels best.
    """
    length = end - start
    ideal = [start + length * (2 * k + 1) / (2 * count) for k in range(count)]
    near = [
        sorted(range(len(middles)), key=lambda i, t=time: (abs(middles[i] - t), i))[:_NEAREST]  # type: ignore[misc]
        for time in ideal
    ]
    best: tuple[float, float, tuple[int, ...]] | None = None
    for places in itertools.product(*near):
        if any(a >= b for a, b in itertools.pairwise(places)):
            continue
        times = [middles[place] for place in places]
        signs = (-1) ** np.arange(count + 1)
        left_over = abs(float(np.diff([start, *times, end]) @ signs))
        shift = sum(abs(time - wanted) for time, wanted in zip(times, ideal, strict=True))
        candidate = (round(left_over, 9), round(shift, 9), places)
        if best is None or candidate < best:
            best = candidate
    return best[2] if best is not None and best[0] <= length / 2 else ()


def _duration(moment: cirq.Moment, duration_ratio: float) -> float:
    if any(len(op.qubits) > 1 and not cirq.is_measurement(op) for op in moment):
        return duration_ratio
    return 1.0 if any(not _is_virtual(op) for op in moment) else 0.0


def _takes_pulses(moment: cirq.Moment) -> bool:
    """Whether it holds one-qubit gates only, and one of them takes time."""
    return all(len(op.qubits) == 1 and not cirq.is_measurement(op) for op in moment) and any(
        not _is_virtual(op) for op in moment
    )


def _is_virtual(operation: cirq.Operation) -> bool:
    gate = operation.gate
    return gate.is_virtual if isinstance(gate, Slot) else isinstance(gate, cirq.ZPowGate)
