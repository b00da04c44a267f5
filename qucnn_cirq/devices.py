"""Grid devices: their couplers, gate sets and calibrated errors, and readable validation.

All devices are ``cirq_google.GridDevice`` objects, so that Cirq's own validation has the last
word on every circuit.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cirq
import cirq_google
import networkx as nx
from cirq_google.api import v2

from noise_models import CALIBRATIONS, load_calibration
from qucnn_cirq.errors import InputError, unknown_name

NATIVE_GATES: dict[str, cirq.Gate] = {
    "cz": cirq.CZ,
    "sqrt_iswap": cirq.SQRT_ISWAP,
    "syc": cirq_google.SYC,
}
"""The two-qubit gates that circuits are compiled to, most convenient first."""

NOMINAL_ERRORS = {"one_qubit": 0.001, "two_qubit": 0.005, "readout": 0.02, "idle": 0.0005}
"""Errors of a gate, a readout and a moment of decay, used to compare circuits on devices that
have no calibration."""

_LARGEST_GRID = 10_000


@dataclass(frozen=True)
class Violation:
    """One way in which a circuit breaks a device's rules.

    Attributes:
        moment: Index of the moment.
        operation: The operation, as text.
        qubits: The qubits concerned.
        rule: What is broken.
        hint: What to do.
    """

    moment: int
    operation: str
    qubits: tuple[cirq.Qid, ...]
    rule: str
    hint: str

    def __str__(self) -> str:
        return f"moment {self.moment}: {self.operation}: {self.rule}; {self.hint}"


@dataclass(frozen=True, eq=False)
class Device:
    """A grid of qubits with couplers and a gate set.

    Attributes:
        name: The name under which it is loaded.
        cirq_device: Cirq's description, which validates circuits.
    """

    name: str
    cirq_device: cirq.Device

    def __repr__(self) -> str:
        return f"load_device({self.name!r})"

    @cached_property
    def graph(self) -> nx.Graph:
        """Qubits and couplers."""
        assert self.cirq_device.metadata is not None
        return nx.Graph(self.cirq_device.metadata.nx_graph)

    @property
    def n_qubits(self) -> int:
        """Number of qubits."""
        return int(self.graph.number_of_nodes())

    @cached_property
    def two_qubit_gates(self) -> tuple[str, ...]:
        """Names of the native two-qubit gates on offer, the default first."""
        gateset = self._gateset
        return tuple(
            name for name, gate in NATIVE_GATES.items() if gateset is None or gate in gateset
        )

    @property
    def default_gate_set(self) -> str:
        """The gate set that circuits are compiled to if none is asked for."""
        return self.two_qubit_gates[0]

    @property
    def _gateset(self) -> cirq.Gateset | None:
        metadata = self.cirq_device.metadata
        return metadata.gateset if isinstance(metadata, cirq.GridDeviceMetadata) else None

    @property
    def is_calibrated(self) -> bool:
        """Whether cirq-google ships a calibration for this device."""
        return self.name in CALIBRATIONS

    def one_qubit_error(self, qubit: cirq.Qid) -> float:
        """Pauli error of a one-qubit gate, decay during the gate apart."""
        if not self.is_calibrated:
            return NOMINAL_ERRORS["one_qubit"]
        return load_calibration(self.name).one_qubit.get(qubit, NOMINAL_ERRORS["one_qubit"])

    def two_qubit_error(self, a: cirq.Qid, b: cirq.Qid, gate_set: str) -> float:
        """Pauli error of a native two-qubit gate on a coupler, decay during the gate apart."""
        if not self.is_calibrated:
            return NOMINAL_ERRORS["two_qubit"]
        calibration = load_calibration(self.name)
        if (a, b) not in calibration.two_qubit:
            return 1.0
        return calibration.error_of(NATIVE_GATES[gate_set](a, b)).total

    def readout_error(self, qubit: cirq.Qid) -> float:
        """Mean probability that a qubit is read wrongly."""
        if not self.is_calibrated:
            return NOMINAL_ERRORS["readout"]
        p01, p10 = load_calibration(self.name).readout.get(qubit, (1.0, 1.0))
        return (p01 + p10) / 2

    def decay_error(self, qubit: cirq.Qid, one_qubit_moments: int, two_qubit_moments: int) -> float:
        """Pauli error of a qubit's decay over a number of moments, busy or idle."""
        if not self.is_calibrated:
            return NOMINAL_ERRORS["idle"] * (one_qubit_moments + two_qubit_moments)
        calibration = load_calibration(self.name)
        if qubit not in calibration.rates:
            return 1.0
        rate_1, rate_2 = calibration.rates[qubit]
        longest = max(calibration.two_qubit_ns.values())
        time = one_qubit_moments * calibration.one_qubit_ns + two_qubit_moments * longest
        # Decay and dephasing as Pauli errors: 1/2 - e^(-t/T2)/4 ... for X and Y, and for Z.
        flips = (1 - math.exp(-time * rate_1)) / 4
        return 2 * flips + (1 - math.exp(-time * rate_2)) / 2 - flips

    def violations(self, circuit: cirq.AbstractCircuit) -> list[Violation]:
        """Every rule that a circuit breaks, in order of moments.

        Beyond Cirq's own rules, which stop at the first offence, a gate after the measurement of
        its qubit is reported.
        """
        found: list[Violation] = []
        measured: set[cirq.Qid] = set()
        for index, moment in enumerate(circuit):
            for operation in moment:
                for rule, hint in self._broken_rules(operation, measured):
                    text = f"{operation.gate or operation} on {_names(operation.qubits)}"
                    found.append(Violation(index, text, operation.qubits, rule, hint))
            measured |= {q for op in moment if cirq.is_measurement(op) for q in op.qubits}
        if not found:
            found += self._cirq_objections(circuit)
        return found

    def validate(self, circuit: cirq.AbstractCircuit) -> None:
        """Checks that the device can run a circuit.

        Raises:
            InputError: With the first violations and their number, if it cannot.
        """
        found = self.violations(circuit)
        if found:
            more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
            raise InputError(f"device {self.name!r} cannot run the circuit: {found[0]}{more}.")

    def _broken_rules(
        self, operation: cirq.Operation, measured: set[cirq.Qid]
    ) -> list[tuple[str, str]]:
        broken = []
        unknown = [qubit for qubit in operation.qubits if qubit not in self.graph]
        if unknown:
            broken.append(
                (f"{self.name} has no qubit {_names(unknown)}", "place the circuit on its qubits")
            )
        if cirq.is_parameterized(operation):
            broken.append(("its parameters are not resolved", "resolve or bind them first"))
        elif self._gateset is not None and operation not in self._gateset:
            gates = ", ".join(self.two_qubit_gates)
            broken.append(
                ("the gate is not in the gate set", f"compile to PhasedXZ and one of: {gates}")
            )
        if len(operation.qubits) == 2 and not unknown and not _acts_on_any_qubits(operation):
            a, b = operation.qubits
            if not self.graph.has_edge(a, b):
                broken.append((f"no coupler joins {_names((a, b))}", "route the circuit first"))
        if not measured.isdisjoint(operation.qubits) and not cirq.is_measurement(operation):
            broken.append(("it follows the qubit's measurement", "measure last"))
        return broken

    def _cirq_objections(self, circuit: cirq.AbstractCircuit) -> list[Violation]:
        """What Cirq's own validation says that the rules above did not find."""
        try:
            self.cirq_device.validate_circuit(circuit)
        except ValueError as objection:
            reason = str(objection).replace("\n", " ")
            return [Violation(0, "circuit", (), reason, "see the device's specification")]
        return []


def _acts_on_any_qubits(operation: cirq.Operation) -> bool:
    return cirq.is_measurement(operation) or isinstance(operation.gate, cirq.WaitGate)


def _names(qubits: Iterable[cirq.Qid]) -> str:
    return ", ".join(str(qubit) for qubit in qubits)


def _by_processor(name: str) -> cirq.Device:
    return cirq_google.engine.create_device_from_processor_id(name)


_DEVICES: dict[str, Callable[[], cirq.Device]] = {
    "sycamore": lambda: cirq_google.Sycamore,
    "sycamore_cz": lambda: _sycamore_with_cz(),
    "rainbow": lambda: _by_processor("rainbow"),
    "weber": lambda: _by_processor("weber"),
    "willow_pink": lambda: _by_processor("willow_pink"),
}


def _sycamore_with_cz() -> cirq.Device:
    graph = cirq_google.Sycamore.metadata.nx_graph
    return grid_device(list(graph), graph.edges, name="sycamore_cz").cirq_device


def device_names() -> tuple[str, ...]:
    """Devices that have a name of their own; rectangles are "grid:ROWSxCOLUMNS"."""
    return tuple(_DEVICES)


def load_device(device: str | cirq.Device | Device) -> Device:
    """A device by name, or any Cirq device that says what its couplers are.

    Args:
        device: "sycamore" (``cirq_google.Sycamore``: sqrt-iSWAP and SYC), "sycamore_cz" (the
            same 54 qubits with CZ as well, which later processors of the kind offer),
            "rainbow", "weber", "willow_pink", "grid:ROWSxCOLUMNS" (all neighbours coupled; CZ,
            sqrt-iSWAP and SYC), a Cirq device with a graph in its metadata, or a
            :class:`Device`.

    Raises:
        InputError: If the name is unknown or the device has no graph of grid qubits.
    """
    if isinstance(device, Device):
        return device
    if isinstance(device, str):
        return _load_by_name(device)
    if not isinstance(device, cirq.Device):
        raise InputError(f"device = {device!r}: give a name, a Device or a cirq.Device.")
    if device.metadata is None or not all(
        isinstance(qubit, cirq.GridQubit) for qubit in device.metadata.nx_graph
    ):
        raise InputError(
            f"device {device!r} does not say how its grid qubits are coupled: its metadata needs "
            "nx_graph, a graph of cirq.GridQubit."
        )
    return Device(type(device).__name__, device)


@functools.cache
def _load_by_name(name: str) -> Device:
    if name.startswith("grid"):
        match = re.fullmatch(r"grid:(\d+)x(\d+)", name)
        rows, columns = (int(size) for size in match.groups()) if match else (0, 0)
        if not 0 < rows * columns <= _LARGEST_GRID:
            raise InputError(
                f"device {name!r}: a rectangle is written grid:ROWSxCOLUMNS, such as grid:5x6, "
                f"with 1 to {_LARGEST_GRID} qubits."
            )
        return grid_device(cirq.GridQubit.rect(rows, columns), name=name)
    if name not in _DEVICES:
        raise unknown_name("device", name, (*_DEVICES, "grid:ROWSxCOLUMNS"))
    return Device(name, _DEVICES[name]())


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


def describe_devices() -> list[dict[str, object]]:
    """One row for each named device: name, qubits, couplers, gates, median errors."""
    rows: list[dict[str, object]] = []
    for name in _DEVICES:
        device = load_device(name)
        row: dict[str, object] = {
            "name": name,
            "qubits": device.n_qubits,
            "couplers": device.graph.number_of_edges(),
            "two_qubit_gates": list(device.two_qubit_gates),
            "calibrated": device.is_calibrated,
        }
        if device.is_calibrated:
            gate = device.default_gate_set
            couplers = [device.two_qubit_error(a, b, gate) for a, b in device.graph.edges]
            row["median_two_qubit_error"] = _median(couplers)
            row["median_one_qubit_error"] = _median(map(device.one_qubit_error, device.graph))
            row["median_readout_error"] = _median(map(device.readout_error, device.graph))
        rows.append(row)
    return rows


def _median(values: Iterable[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
