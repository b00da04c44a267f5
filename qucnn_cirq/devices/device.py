"""One device: its couplers, gate set, durations and calibrated errors."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import cirq
import cirq_google
import networkx as nx

from noise_models import CALIBRATIONS, load_calibration
from noise_models.calibration import Calibration
from noise_models.errors import shown
from noise_models.timeline import is_virtual
from qucnn_cirq.errors import InputError

NATIVE_GATES: dict[str, cirq.Gate] = {
    "cz": cirq.CZ,
    "sqrt_iswap": cirq.SQRT_ISWAP,
    "syc": cirq_google.SYC,
}
"""The two-qubit gates that circuits are compiled to, most convenient first."""

NOMINAL_ERRORS = {"one_qubit": 0.001, "two_qubit": 0.005, "readout": 0.02, "idle": 0.0005}
"""Errors of a gate, a readout and a moment of decay, used to compare circuits on devices that
have no calibration."""


@dataclass(frozen=True, eq=False)
class Device:
    """A grid of qubits with couplers and a gate set.

    Attributes:
        name: The name under which it is loaded.
        cirq_device: Cirq's description, which validates circuits.
        own_calibration: Errors and durations of a device that cirq-google has no calibration for.
        measures_apart: Whether a moment with a measurement may hold no two-qubit gate.
    """

    name: str
    cirq_device: cirq.Device
    own_calibration: Calibration | None = None
    measures_apart: bool = False

    def __repr__(self) -> str:
        return f"load_device({self.name!r})"

    def _repr_html_(self) -> str:
        # What is drawn stands above devices, and is asked for by notebooks alone.
        html: str = importlib.import_module("qucnn_cirq.drawing.notebook").device_html(self)
        return html

    def __eq__(self, other: object) -> bool:
        """Whether another device allows the same circuits and has the same errors."""
        if not isinstance(other, Device):
            return NotImplemented
        mine, theirs = (
            (each.name, each.own_calibration, each.measures_apart) for each in (self, other)
        )
        one, another = self.cirq_device, other.cirq_device
        # Cirq's devices that do not say when they are equal are so if all that they hold is.
        alike = one == another or (type(one) is type(another) and vars(one) == vars(another))
        return mine == theirs and alike

    def __hash__(self) -> int:
        return hash((self.name, self.measures_apart))

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
        gateset = self.gateset
        return tuple(
            name for name, gate in NATIVE_GATES.items() if gateset is None or gate in gateset
        )

    @property
    def default_gate_set(self) -> str:
        """The gate set that circuits are compiled to if none is asked for."""
        if not self.two_qubit_gates:
            known = ", ".join(NATIVE_GATES)
            raise InputError(f"device {shown(self.name)} offers no two-qubit gate out of {known}.")
        return self.two_qubit_gates[0]

    @cached_property
    def gateset(self) -> cirq.Gateset | None:
        """All gates that the device runs; None if it does not say."""
        metadata = self.cirq_device.metadata
        return metadata.gateset if isinstance(metadata, cirq.GridDeviceMetadata) else None

    @cached_property
    def calibration(self) -> Calibration | None:
        """The device's own calibration, else that of cirq-google, else None."""
        if self.own_calibration is not None:
            return self.own_calibration
        return load_calibration(self.name) if self.name in CALIBRATIONS else None

    @property
    def is_calibrated(self) -> bool:
        """Whether errors are known qubit by qubit and coupler by coupler."""
        return self.own_calibration is not None or self.name in CALIBRATIONS

    def has_coherent_errors(self, gate_set: str) -> bool:
        """Whether the calibration knows of two-qubit gates whose angles are wrong.

        Args:
            gate_set: The native two-qubit gate, one of `NATIVE_GATES`.
        """
        if self.calibration is None:
            return False
        gate = type(NATIVE_GATES[gate_set])
        errors = (of_kind.get(gate) for of_kind in self.calibration.two_qubit.values())
        none = cirq.PhasedFSimGate(0.0)
        return any(error is not None and error.coherent != none for error in errors)

    def one_qubit_error(self, qubit: cirq.Qid) -> float:
        """Pauli error of a one-qubit gate, decay during the gate apart.

        Args:
            qubit: A qubit of the device.

        Returns:
            A probability; nominal where it is not calibrated.
        """
        if self.calibration is None:
            return NOMINAL_ERRORS["one_qubit"]
        return self.calibration.one_qubit.get(qubit, NOMINAL_ERRORS["one_qubit"])

    def two_qubit_error(self, a: cirq.Qid, b: cirq.Qid, gate_set: str) -> float:
        """Pauli error of a native two-qubit gate on a coupler, decay during the gate apart.

        Args:
            a: One end of the coupler.
            b: The other end.
            gate_set: Name of the native gate, as in `two_qubit_gates`.

        Returns:
            A probability: nominal for a device without calibration, 1 for a coupler that the
            calibration lacks.
        """
        if self.calibration is None:
            return NOMINAL_ERRORS["two_qubit"]
        if (a, b) not in self.calibration.two_qubit:
            return 1.0
        # Placement asks thousands of times, and making the operation takes longest.
        known = self._two_qubit_errors
        if (a, b, gate_set) not in known:
            known[a, b, gate_set] = self.calibration.error_of(NATIVE_GATES[gate_set](a, b)).total
        return known[a, b, gate_set]

    @cached_property
    def _two_qubit_errors(self) -> dict[tuple[cirq.Qid, cirq.Qid, str], float]:
        return {}

    def readout_error(self, qubit: cirq.Qid) -> float:
        """Mean probability that a qubit is read wrongly.

        Args:
            qubit: A qubit of the device.

        Returns:
            A probability: nominal for a device without calibration, 1 for a qubit that the
            calibration lacks.
        """
        if self.calibration is None:
            return NOMINAL_ERRORS["readout"]
        p01, p10 = self.calibration.readout.get(qubit, (1.0, 1.0))
        return (p01 + p10) / 2

    def duration_ratio(self, gate_set: str) -> float:
        """Duration of a two-qubit gate in durations of a one-qubit gate; 1 if not known.

        Args:
            gate_set: Name of the two-qubit gate, as in `two_qubit_gates`.
        """
        if self.calibration is None:
            return 1.0
        gate_type = self.calibration.gate_type(NATIVE_GATES[gate_set])
        if gate_type is None:
            return 1.0
        two_qubit = self.calibration.two_qubit_ns[gate_type]
        one_qubit = self.calibration.one_qubit_ns
        # A duration that is not known is zero.
        return two_qubit / one_qubit if two_qubit > 0 and one_qubit > 0 else 1.0

    def decay_error(self, qubit: cirq.Qid, one_qubit_moments: int, two_qubit_moments: int) -> float:
        """Pauli error of a qubit's decay over a number of moments, busy or idle.

        Args:
            qubit: A qubit of the device.
            one_qubit_moments: Moments as long as a one-qubit gate.
            two_qubit_moments: Moments as long as the longest two-qubit gate.

        Returns:
            A probability: nominal for a device without calibration, 1 for a qubit that the
            calibration lacks.
        """
        calibration = self.calibration
        if calibration is None:
            return NOMINAL_ERRORS["idle"] * (one_qubit_moments + two_qubit_moments)
        if qubit not in calibration.rates:
            return 1.0
        rate_1, rate_2 = calibration.rates[qubit]
        longest = calibration.longest_two_qubit_ns
        time = one_qubit_moments * calibration.one_qubit_ns + two_qubit_moments * longest
        # Decay and dephasing as Pauli errors: 1/2 - e^(-t/T2)/4 ... for X and Y, and for Z.
        flips = (1 - math.exp(-time * rate_1)) / 4
        return 2 * flips + (1 - math.exp(-time * rate_2)) / 2 - flips

    def coherence_ns(self, qubit: cirq.Qid) -> float:
        """The smaller of T1 and T2 in nanoseconds; infinite where it is not known.

        Args:
            qubit: A qubit of the device.
        """
        rates = self.calibration.rates.get(qubit) if self.calibration is not None else None
        fastest = max(rates) if rates is not None else 0.0
        return 1 / fastest if fastest > 0 else math.inf

    def duration_ns(self, operation: cirq.Operation) -> float | None:
        """How long an operation takes in nanoseconds; None if the device does not say.

        A virtual Z takes no time. Durations come from the calibration, else from Cirq's device.

        Args:
            operation: A gate, a wait or a measurement.
        """
        gate = operation.gate
        if is_virtual(operation):
            return 0.0
        if isinstance(gate, cirq.WaitGate):
            symbolic = cirq.is_parameterized(operation)
            return None if symbolic else float(gate.duration.total_nanos())
        calibration = self.calibration
        if calibration is None:
            return self._stated_duration_ns(operation)
        if cirq.is_measurement(operation):
            return calibration.measurement_ns or None
        if len(operation.qubits) == 1:
            return calibration.one_qubit_ns or None
        if len(operation.qubits) == 2:
            listed = calibration.gate_type(gate)
            longest = calibration.longest_two_qubit_ns
            return (calibration.two_qubit_ns[listed] if listed else longest) or None
        return None

    def moment_ns(self, operations: Iterable[cirq.Operation]) -> float | None:
        """How long the longest of some operations takes; None if no duration is known.

        Args:
            operations: Those of one moment.
        """
        known = [ns for ns in map(self.duration_ns, operations) if ns is not None]
        return max(known, default=None)

    def _stated_duration_ns(self, operation: cirq.Operation) -> float | None:
        metadata = self.cirq_device.metadata
        stated = metadata.gate_durations if isinstance(metadata, cirq.GridDeviceMetadata) else None
        for family, duration in (stated or {}).items():
            # The specification writes an unknown duration as zero.
            if operation in family and duration:
                return float(duration.total_nanos())
        return None
