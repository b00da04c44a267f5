"""What a calibration says of a processor, and those that cirq-google ships."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np

from noise_models.errors import NoiseError, unknown_name
from noise_models.timeline import Step
from noise_models.values import coupler_key

CALIBRATIONS: Mapping[str, str] = {
    "rainbow": "23 qubits, calibration of 2021-11-16 (sqrt-iSWAP, SYC)",
    "weber": "53 qubits, calibration of 2021-11-03 (sqrt-iSWAP, SYC)",
    "willow_pink": "105 qubits, calibration of 2024-08-16 (CZ)",
}
"""The calibrated processors and what is known of each."""

Coupler = tuple[cirq.Qid, cirq.Qid]


@dataclass(frozen=True)
class GateError:
    """The error of one kind of two-qubit gate on one coupler.

    Attributes:
        depolarizing: Probability of a Pauli other than the identity, beyond decay and coherent
            error.
        coherent: The unwanted rotation that follows the gate.
        total: The Pauli error of both together.
    """

    depolarizing: float
    coherent: cirq.PhasedFSimGate
    total: float

    @classmethod
    def of(cls, error: float, coherent: cirq.PhasedFSimGate) -> GateError:
        """The error of a gate whose Pauli error is known, decay apart, and part of it coherent."""
        part = _entanglement_infidelity(coherent)
        return cls(max(0.0, error - part), coherent, max(part, error))


@dataclass(frozen=True)
class Calibration:
    """What a calibration says of a processor's noise.

    Attributes:
        name: The processor's name.
        rates: 1/T1 and 1/T2 of each qubit, in 1/ns.
        one_qubit_ns: Duration of a one-qubit gate.
        two_qubit_ns: Duration of each type of two-qubit gate; subclasses before their parents.
        measurement_ns: Duration of a measurement.
        one_qubit: Depolarising probability after a one-qubit gate on each qubit, beyond decay.
        two_qubit: Errors of two-qubit gates by coupler, in both orders, and by type of gate.
        readout: P(read 1 | state 0) and P(read 0 | state 1) of each qubit.
    """

    name: str
    rates: dict[cirq.Qid, tuple[float, float]]
    one_qubit_ns: float
    two_qubit_ns: dict[type[cirq.Gate], float]
    measurement_ns: float
    one_qubit: dict[cirq.Qid, float]
    two_qubit: dict[Coupler, dict[type[cirq.Gate], GateError]]
    readout: dict[cirq.Qid, tuple[float, float]]

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.rates.items()), frozenset(self.readout.items())))

    def __repr__(self) -> str:
        return f"<calibration {self.name!r} of {len(self.rates)} qubits>"

    def gate_type(self, gate: cirq.Gate | None) -> type[cirq.Gate] | None:
        """The type under which a two-qubit gate is listed; None if it is not."""
        return next((each for each in self.two_qubit_ns if isinstance(gate, each)), None)

    def check_qubits(self, qubits: Iterable[cirq.Qid]) -> None:
        """Checks that qubits belong to the processor.

        Raises:
            NoiseError: If one does not.
        """
        for qubit in qubits:
            if qubit not in self.rates:
                raise NoiseError(
                    f"calibrated = {self.name!r} has no calibration for qubit {qubit}: place the"
                    f" circuit on the {len(self.rates)} grid qubits of {self.name}."
                )

    def error_of(self, operation: cirq.Operation) -> GateError:
        """The error that follows a two-qubit gate.

        A gate whose type the coupler has no calibration for (CZ on rainbow and weber) is given the
        largest Pauli error among the coupler's calibrated gates, all of it as depolarising noise:
        without it such a gate would pass for almost perfect.

        Raises:
            NoiseError: If the qubits are no coupler of the processor.
        """
        first, second = operation.qubits
        errors = self.two_qubit.get((first, second))
        if errors is None:
            raise NoiseError(
                f"calibrated = {self.name!r} has no coupler {coupler_key(first, second)}: place the"
                " circuit on neighbouring qubits that the processor couples."
            )
        error = errors.get(self.gate_type(operation.gate) or cirq.Gate)
        if error is None:
            largest = max(each.total for each in errors.values())
            error = GateError(largest, cirq.PhasedFSimGate(0.0), largest)
        return error

    def duration_ns(self, step: Step) -> float:
        """How long a moment takes, which is as long as its longest operation."""
        durations = [step.longest_wait_ns]
        if step.one_qubit_gates:
            durations.append(self.one_qubit_ns)
        for operation in step.two_qubit_gates:
            listed = self.gate_type(operation.gate)
            longest = max(self.two_qubit_ns.values())
            durations.append(self.two_qubit_ns[listed] if listed else longest)
        if step.has_measurement:
            durations.append(self.measurement_ns)
        return max(durations)


def gate_types() -> dict[str, type[cirq.Gate]]:
    """Types of two-qubit gates that calibrations tell apart, by name.

    A SYC is an FSim gate, so the more special types come first. Without cirq-google there is none.
    """
    types: dict[str, type[cirq.Gate]] = {}
    with contextlib.suppress(ImportError):
        import cirq_google

        types["syc"] = cirq_google.SycamoreGate
    return types | {
        "cz": cirq.CZPowGate,
        "sqrt_iswap": cirq.ISwapPowGate,
        "fsim": cirq.FSimGate,
    }


def _entanglement_infidelity(gate: cirq.Gate) -> float:
    """1 - |tr U|^2 / 16: the Pauli error that a coherent error amounts to."""
    return float(1.0 - abs(np.trace(cirq.unitary(gate))) ** 2 / 16)


@functools.cache
def load_calibration(name: str) -> Calibration:
    """Reads the noise of a processor from cirq-google's median calibration.

    Args:
        name: One of `CALIBRATIONS`.

    Raises:
        NoiseError: If the name is unknown, or cirq-google is not installed.
    """
    if name not in CALIBRATIONS:
        raise unknown_name("calibration", name, CALIBRATIONS)
    try:
        from cirq_google.engine import load_device_noise_properties
    except ImportError as missing:
        raise NoiseError(
            f"calibrated = {name!r} needs cirq-google: pip install cirq-google."
        ) from missing
    return calibration_from_properties(name, load_device_noise_properties(name))


def calibration_from_properties(name: str, properties: Any) -> Calibration:
    """What `cirq_google.GoogleNoiseProperties` say of a processor.

    The total Pauli error of a gate is measured; what decay and coherent error do not account for
    is taken to be depolarising, never less than none, as in cirq-google's own noise model.

    Args:
        name: The processor's name.
        properties: The properties.
    """
    times = properties.gate_times_ns
    two_qubit_ns = {each: float(times[each]) for each in gate_types().values() if each in times}

    def decay_error(qubits: Sequence[cirq.Qid], time_ns: float) -> float:
        return sum(
            cirq.qis.decoherence_pauli_error(
                float(properties.t1_ns[q]), float(properties.tphi_ns[q]), time_ns
            )
            for q in qubits
        )

    one_qubit: dict[cirq.Qid, float] = {}
    two_qubit: dict[Coupler, dict[type[cirq.Gate], GateError]] = {}
    for identifier, total in properties.gate_pauli_errors.items():
        gate_type, qubits = identifier.gate_type, identifier.qubits
        if gate_type is cirq.PhasedXZGate:
            rest = total - decay_error(qubits, float(times[gate_type]))
            one_qubit[qubits[0]] = max(0.0, float(rest))
        elif len(qubits) == 2:
            coherent = properties.fsim_errors.get(identifier, cirq.PhasedFSimGate(0.0))
            rest = float(total - decay_error(qubits, float(times[gate_type])))
            error = GateError.of(rest, coherent)
            two_qubit.setdefault((qubits[0], qubits[1]), {})[gate_type] = error
    rates = {
        qubit: (1.0 / t1, 0.5 / t1 + 1.0 / properties.tphi_ns[qubit])
        for qubit, t1 in properties.t1_ns.items()
    }
    return Calibration(
        name=name,
        rates=rates,
        one_qubit_ns=float(times[cirq.PhasedXZGate]),
        two_qubit_ns=two_qubit_ns,
        measurement_ns=float(times[cirq.MeasurementGate]),
        one_qubit=one_qubit,
        two_qubit=two_qubit,
        readout={
            qubit: (float(errors[0]), float(errors[1]))
            for qubit, errors in properties.readout_errors.items()
        },
    )
