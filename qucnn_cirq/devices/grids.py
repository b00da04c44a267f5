"""Devices of any grid qubits, as Cirq's device specification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import cirq
import cirq_google
from cirq_google.api import v2

from noise_models.errors import shown
from qucnn_cirq.devices.device import NATIVE_GATES, Device
from qucnn_cirq.errors import InputError, unknown_name

LARGEST_DEVICE = 10_000
"""Qubits of the largest device."""

_KINDS = {
    "phased_xz": "one_qubit",
    "virtual_zpow": "",
    "physical_zpow": "one_qubit",
    "meas": "measurement",
    "wait": "",
}
"""The gates of every grid besides its couplers', and what their duration is called."""


def grid_device(
    qubits: Sequence[cirq.GridQubit],
    couplers: Iterable[tuple[cirq.GridQubit, cirq.GridQubit]] | None = None,
    *,
    name: str = "grid",
    two_qubit_gates: Sequence[str] = tuple(NATIVE_GATES),
    durations_ns: Mapping[str, float] | None = None,
) -> Device:
    """A device of any grid qubits, made from Cirq's device specification.

    Args:
        qubits: The qubits, at least one.
        couplers: Pairs of neighbours; all pairs of neighbours if None.
        name: The device's name.
        two_qubit_gates: The gates on offer, out of "cz", "sqrt_iswap" and "syc".
        durations_ns: Nanoseconds of "one_qubit" gates, "two_qubit" gates and of a "measurement",
            as far as they are known.

    Raises:
        InputError: If there are no qubits, a coupler leaves them, or a gate is unknown.
    """
    present = sorted(set(qubits))
    if not 0 < len(present) <= LARGEST_DEVICE:
        raise InputError(
            f"device {shown(name)} has {len(present) or 'no'} qubits; give 1 to {LARGEST_DEVICE}."
        )
    if present[0].row < 0 or min(qubit.col for qubit in present) < 0:
        raise InputError(
            f"device {shown(name)} has a qubit with a negative row or column, which Cirq's device "
            "specification does not know: move it."
        )
    members = set(present)
    if couplers is None:
        couplers = [
            (q, other) for q in present for other in (q + (0, 1), q + (1, 0)) if other in members
        ]
    specification = v2.device_pb2.DeviceSpecification()
    specification.valid_qubits.extend(v2.qubit_to_proto_id(qubit) for qubit in present)
    targets = specification.valid_targets.add(
        name="couplers", target_ordering=v2.device_pb2.TargetSet.SYMMETRIC
    )
    for a, b in couplers:
        if a not in members or b not in members or not a.is_adjacent(b):
            raise InputError(
                f"device {shown(name)}: coupler {a}, {b} does not join two neighbours."
            )
        targets.targets.add(ids=[v2.qubit_to_proto_id(a), v2.qubit_to_proto_id(b)])
    for gate in two_qubit_gates:
        if gate not in NATIVE_GATES:
            raise unknown_name("two-qubit gate", gate, NATIVE_GATES)
    kinds = _KINDS | dict.fromkeys(two_qubit_gates, "two_qubit")
    for gate, kind in kinds.items():
        entry = specification.valid_gates.add()
        getattr(entry, gate).SetInParent()
        entry.gate_duration_picos = round(1000 * (durations_ns or {}).get(kind, 0.0))
    return Device(name, cirq_google.GridDevice.from_proto(specification))
