"""Devices of any grid qubits, as Cirq's device specification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cirq
import cirq_google
from cirq_google.api import v2

from qucnn_cirq.devices.device import NATIVE_GATES, Device
from qucnn_cirq.errors import InputError, unknown_name


def grid_device(
    qubits: Sequence[cirq.GridQubit],
    couplers: Iterable[tuple[cirq.GridQubit, cirq.GridQubit]] | None = None,
    *,
    name: str = "grid",
    two_qubit_gates: Sequence[str] = tuple(NATIVE_GATES),
) -> Device:
    """A device of any grid qubits, made from Cirq's device specification.

    Args:
        qubits: The qubits, at least one.
        couplers: Pairs of neighbours; all pairs of neighbours if None.
        name: The device's name.
        two_qubit_gates: The gates on offer, out of "cz", "sqrt_iswap" and "syc".

    Raises:
        InputError: If there are no qubits, a coupler leaves them, or a gate is unknown.
    """
    present = sorted(set(qubits))
    if not present:
        raise InputError(f"device {name!r} has no qubits; give at least one.")
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
            raise InputError(f"device {name!r}: coupler {a}, {b} does not join two neighbours.")
        targets.targets.add(ids=[v2.qubit_to_proto_id(a), v2.qubit_to_proto_id(b)])
    for gate in ("phased_xz", "virtual_zpow", "physical_zpow", "meas", "wait"):
        getattr(specification.valid_gates.add(), gate).SetInParent()
    for gate in two_qubit_gates:
        if gate not in NATIVE_GATES:
            raise unknown_name("two-qubit gate", gate, NATIVE_GATES)
        getattr(specification.valid_gates.add(), gate).SetInParent()
    return Device(name, cirq_google.GridDevice.from_proto(specification))
