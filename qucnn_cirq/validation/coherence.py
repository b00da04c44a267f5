"""Whether qubits are in use for longer than they stay coherent."""

from __future__ import annotations

from collections.abc import Sequence

import cirq

from qucnn_cirq.circuits.parts import describe_part
from qucnn_cirq.devices import Device
from qucnn_cirq.validation.opening import OpenedMoment
from qucnn_cirq.validation.violation import Violation, operation_text


def outlived_coherence(moments: Sequence[OpenedMoment], device: Device) -> list[Violation]:
    """Warns if qubits are in use for longer than the smaller of T1 and T2.

    A qubit is in use from its first operation to the end of its last, or to the beginning of its
    last measurement: reading takes the state as it finds it.

    Args:
        moments: The circuit, as from `opened_moments`.
        device: The device.

    Returns:
        One warning, for the first qubit to be late and with the number of others; none if all are
        in time or the device states neither durations nor coherence times.
    """
    if device.calibration is None:
        return []
    began: dict[cirq.Qid, float] = {}
    late: dict[cirq.Qid, tuple[int, cirq.Operation, float]] = {}
    now = 0.0
    columns = [(index, each) for index, moment in enumerate(moments) for each in moment.columns]
    for index, (column, rounds) in columns:
        after = now + rounds * (device.moment_ns(column) or 0.0)
        for operation in column:
            end = now if cirq.is_measurement(operation) else after
            for qubit in operation.qubits:
                used = end - began.setdefault(qubit, now)
                if used > device.coherence_ns(qubit) and qubit not in late:
                    late[qubit] = (index, operation, used)
        now = after
    if not late:
        return []
    qubit, (index, operation, used) = next(iter(late.items()))
    limit = device.coherence_ns(qubit)
    others = f", and {len(late) - 1} other qubits" if len(late) > 1 else ""
    return [
        Violation(
            "coherence_time",
            index,
            operation_text(operation),
            tuple(sorted(late)),
            f"{qubit} has been in use for {_microseconds(used)} and keeps its state for "
            f"{_microseconds(limit)}{others}",
            "shorten the circuit, start later, or place it on qubits with longer coherence",
            describe_part(operation),
        )
    ]


def _microseconds(nanoseconds: float) -> str:
    return f"{nanoseconds / 1000:.3g} us"
