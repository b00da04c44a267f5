"""Where a user wants a circuit on a device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cirq
import networkx as nx

from noise_models.checks import only_known_keys
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.devices import Device
from qucnn_cirq.errors import InputError, shown

Q = cirq.GridQubit
QubitLike = Q | tuple[int, int] | str
PlacementLike = Mapping[str, Iterable[QubitLike]] | Iterable[QubitLike] | str | None

ROLES = ("data", "filter", "ancilla")
"""What can be given a place: both registers, most significant qubit first, and where the ancillas
start."""


@dataclass(frozen=True)
class Pinning:
    """Limits of a placement.

    Attributes:
        allowed: The only qubits that may be used; None for all.
        roles: Roles and the qubits that must play them.
    """

    allowed: frozenset[cirq.Qid] | None = None
    roles: tuple[tuple[str, tuple[cirq.Qid, ...]], ...] = ()

    def graph(self, device: Device) -> nx.Graph:
        """The qubits and couplers of a device that may be used.

        Args:
            device: The device.
        """
        return device.graph if self.allowed is None else device.graph.subgraph(self.allowed)

    def __str__(self) -> str:
        if self.allowed is not None:
            return f"the {len(self.allowed)} qubits given"
        return " and ".join(f"{role} = {' '.join(map(str, qubits))}" for role, qubits in self.roles)


def read_placement(placement: PlacementLike, device: Device) -> Pinning:
    """Checks where a circuit is wanted.

    Args:
        placement: Qubits out of which the compiler may choose; or a mapping from any of "data",
            "filter" and "ancilla" to their qubits in order; or either as text, as `placement_text`
            writes it; or None. A qubit is a ``cirq.GridQubit``, a pair (row, column), or text
            "row_column".
        device: The device.

    Raises:
        InputError: If something is no qubit of the device, occurs twice, or no role is known.
    """
    if placement is None:
        return Pinning()
    if isinstance(placement, str):
        placement = _parsed(placement)
    if isinstance(placement, Mapping):
        only_known_keys("placement", placement, ROLES)
        roles = tuple((role, _qubits(role, placement[role])) for role in ROLES if role in placement)
        _check([qubit for _, qubits in roles for qubit in qubits], device)
        return Pinning(roles=roles)
    qubits = _qubits("placement", placement)
    _check(qubits, device)
    return Pinning(allowed=frozenset(qubits))


def roles_of(template: Template) -> dict[str, tuple[cirq.Qid, ...]]:
    """The qubits of a circuit by what they are for; roles that it does not have are left out.

    Args:
        template: The circuit.
    """
    registers = (template.data_qubits, template.filter_qubits, template.ancillas)
    return {role: qubits for role, qubits in zip(ROLES, registers, strict=True) if qubits}


def placement_text(roles: Mapping[str, Iterable[cirq.Qid]]) -> str:
    """A placement as text, "data = 0_0 0_1, filter = 1_0 1_1", which can be given as a placement.

    Args:
        roles: For each role its qubits, in order, as of `Program.placement`.
    """
    return ", ".join(f"{role} = {' '.join(map(_named, own))}" for role, own in roles.items())


def _named(qubit: cirq.Qid) -> str:
    return f"{qubit.row}_{qubit.col}" if isinstance(qubit, Q) else str(qubit)


def _parsed(text: str) -> Mapping[str, list[str]] | list[str]:
    """Roles and their qubits, or qubits alone; names of qubits are parted by blanks or commas."""
    if "=" not in text:
        return text.replace(",", " ").split()
    found: dict[str, list[str]] = {}
    for part in text.split(","):
        role, equals, qubits = part.partition("=")
        if not equals or role.strip() in found:
            raise InputError(
                f"placement = {shown(text)} cannot be read: write 'data = 0_0 0_1, filter = 1_0 "
                "1_1', or qubits alone."
            )
        found[role.strip()] = qubits.split()
    return found


def _qubits(key: str, given: object) -> tuple[cirq.Qid, ...]:
    if isinstance(given, str | cirq.Qid) or not isinstance(given, Iterable):
        raise InputError(f"{key} = {shown(given)} is not allowed: give a list of qubits.")
    try:
        listed = tuple(given)
    except Exception:
        raise InputError(f"{key} = {shown(given)} cannot be read: give a list of qubits.") from None
    return tuple(_qubit(key, each) for each in listed)


def _qubit(key: str, given: object) -> Q:
    if isinstance(given, Q):
        return given
    parts = given.split("_") if isinstance(given, str) else given
    try:
        row, column = (int(part) for part in parts)  # type: ignore[attr-defined]
    except Exception:
        # A class of the user's may fail in a way of its own.
        raise InputError(
            f"{key} has {shown(given)}: give cirq.GridQubit(row, column), (row, column) or "
            "'row_column'."
        ) from None
    return Q(row, column)


def _check(qubits: Iterable[cirq.Qid], device: Device) -> None:
    seen: set[cirq.Qid] = set()
    for qubit in qubits:
        if qubit not in device.graph:
            raise InputError(f"placement has {qubit}, which device {device.name!r} does not have.")
        if qubit in seen:
            raise InputError(f"placement names {qubit} twice.")
        seen.add(qubit)
