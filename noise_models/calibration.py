"""What a calibration says of a processor, and those that cirq-google ships."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import cirq
import numpy as np

from noise_models.checks import real_number
from noise_models.errors import InputError, note, shown, some, unknown_name
from noise_models.timeline import Step
from noise_models.values import coupler_key, qubit_of_key

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
        """The error of a gate whose Pauli error is known, decay apart, and part of it coherent.

        Args:
            error: Probability that any Pauli but the identity follows the gate, decay apart, the
                coherent part included; where it is less than that part amounts to, that part
                counts.
            coherent: The unwanted rotation that follows the gate; `cirq.PhasedFSimGate(0.0)` for
                none.
        """
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
        preparation: P(starts in |1>) of qubits for which it is not 0.
    """

    name: str
    rates: dict[cirq.Qid, tuple[float, float]]
    one_qubit_ns: float
    two_qubit_ns: dict[type[cirq.Gate], float]
    measurement_ns: float
    one_qubit: dict[cirq.Qid, float]
    two_qubit: dict[Coupler, dict[type[cirq.Gate], GateError]]
    readout: dict[cirq.Qid, tuple[float, float]]
    preparation: dict[cirq.Qid, float] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.rates.items()), frozenset(self.readout.items())))

    def __repr__(self) -> str:
        return f"<calibration {self.name!r} of {len(self.rates)} qubits>"

    def gate_type(self, gate: cirq.Gate | None) -> type[cirq.Gate] | None:
        """The type under which a two-qubit gate is listed; None if it is not.

        Args:
            gate: A two-qubit gate; None for an operation without one.
        """
        return next((each for each in self.two_qubit_ns if isinstance(gate, each)), None)

    def check_qubits(self, qubits: Iterable[cirq.Qid]) -> None:
        """Checks that qubits belong to the processor.

        Args:
            qubits: Those of a circuit.

        Raises:
            InputError: If one does not.
        """
        for qubit in qubits:
            if qubit not in self.rates:
                raise InputError(
                    f"calibrated = {self.name!r} has no calibration for qubit {qubit}: place the"
                    f" circuit on the {len(self.rates)} grid qubits of {self.name}."
                )

    def error_of(self, operation: cirq.Operation) -> GateError:
        """The error that follows a two-qubit gate.

        A gate whose type the coupler has no calibration for (CZ on rainbow and weber) is given the
        largest Pauli error among the coupler's calibrated gates, all of it as depolarising noise:
        without it such a gate would pass for almost perfect.

        Args:
            operation: A two-qubit gate on a coupler, its qubits in either order.

        Raises:
            InputError: If the qubits are no coupler of the processor.
        """
        first, second = operation.qubits
        errors = self.two_qubit.get((first, second))
        if errors is None:
            raise InputError(
                f"calibrated = {self.name!r} has no coupler {coupler_key(first, second)}: place the"
                " circuit on neighbouring qubits that the processor couples."
            )
        error = errors.get(self.gate_type(operation.gate) or cirq.Gate)
        if error is None:
            largest = max((each.total for each in errors.values()), default=1.0)
            error = GateError(largest, cirq.PhasedFSimGate(0.0), largest)
        return error

    @property
    def longest_two_qubit_ns(self) -> float:
        """Duration of the slowest two-qubit gate; 0 if none is known."""
        return max(self.two_qubit_ns.values(), default=0.0)

    def duration_ns(self, step: Step) -> float:
        """How long a moment takes, which is as long as its longest operation.

        Args:
            step: The moment, as `noise_models.timeline` sorts it.

        Returns:
            Nanoseconds; 0 if nothing in it takes time.
        """
        listed = [self.gate_type(operation.gate) for operation in step.two_qubit_gates]
        longest = self.longest_two_qubit_ns
        two_qubit = [self.two_qubit_ns[kind] if kind else longest for kind in listed]
        return step.duration_ns(self.one_qubit_ns, two_qubit, self.measurement_ns)


def is_missing(value: object) -> bool:
    """Whether a value stands for one that was not measured: None or NaN.

    Args:
        value: An entry of a calibration, of any type.
    """
    return value is None or (isinstance(value, Real) and value != value)


def worst_of_others(
    values: Mapping[Any, Any],
    worst: Callable[..., Any],
    group: Callable[[Any], object] = lambda place: None,
) -> dict[Any, Any]:
    """What stands in for each missing value: the worst that is known, None if none is.

    Args:
        values: A number, or what `is_missing`, for each place.
        worst: Chooses among numbers: min or max.
        group: Places are like those with which they share what this returns.
    """
    known = [
        (group(place), value)
        for place, value in values.items()
        if isinstance(value, Real) and not is_missing(value)
    ]
    return {
        place: worst((each for own, each in known if own == group(place)), default=None)
        for place, value in values.items()
        if is_missing(value)
    }


def filled(
    name: str,
    what: str,
    given: Mapping[Any, Any],
    places: Iterable[Any],
    worst: Callable[..., Any],
    low: float,
    high: float,
    group: Callable[[Any], object] = lambda place: None,
) -> dict[Any, float]:
    """One number for each place; where it is missing, the worst that is known, and a note.

    A dead qubit or coupler has values missing, and would pass for a perfect one without.

    Args:
        name: The processor's name, for the note.
        what: What the numbers are.
        given: Numbers by place, `None` or NaN where they were not measured.
        places: Every place.
        worst: `max` or `min`.
        low: Least number allowed.
        high: Largest number allowed.
        group: Tells apart places whose numbers cannot stand for each other.

    Raises:
        InputError: If a number is not allowed, or all of a group are missing.
    """
    values = {place: given.get(place) for place in [*places, *given]}
    known = {
        place: real_number(f"{what} of {shown(str(place), 40)}", value, low, high)
        for place, value in values.items()
        if not is_missing(value)
    }
    values |= known
    gaps = worst_of_others(values, worst, group)
    for place, value in gaps.items():
        if value is None:
            raise InputError(
                f"{name}: {what} of {shown(str(place), 40)} is missing, and all others."
            )
    if gaps:
        places = map(str, gaps)
        note(f"{name}: {what} of {some(places)} is missing; taken as the worst of the others.")
    return values | gaps


def decay_rates(
    name: str, times: Mapping[str, tuple[float, float]]
) -> dict[cirq.Qid, tuple[float, float]]:
    """1/T1 and 1/T2 of qubits, in 1/ns, with a note of those whose T2 is cut to 2 T1.

    Args:
        name: The processor's name.
        times: T1 and T2 in microseconds, by qubits as messages name them.
    """
    long = [place for place, (t1, t2) in times.items() if t2 > 2 * t1 * (1 + 1e-9)]
    if long:
        note(f"{name}: t2 of {some(long)} exceeds 2 t1 (measured apart?); taken as 2 t1.")
    # Decay alone dephases within 2 T1.
    return {
        qubit_of_key(place): (1e-3 / t1, 1e-3 / min(t2, 2 * t1))
        for place, (t1, t2) in times.items()
    }


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
        InputError: If the name is unknown, or cirq-google is not installed.
    """
    if name not in CALIBRATIONS:
        raise unknown_name("calibration", name, CALIBRATIONS)
    try:
        from cirq_google.engine import load_device_noise_properties
    except ImportError as missing:
        raise InputError(
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

    t1_ns = filled(name, "T1", properties.t1_ns, properties.qubits, min, 1e-3, math.inf)
    tphi_ns = filled(name, "Tphi", properties.tphi_ns, properties.qubits, min, 1e-3, math.inf)
    errors = properties.gate_pauli_errors
    errors = filled(name, "Pauli error", errors, errors, max, 0.0, 1.0, lambda key: key.gate_type)
    readout: dict[cirq.Qid, list[float]] = {qubit: [] for qubit in t1_ns}
    for index, what in enumerate(("P(1|0)", "P(0|1)")):
        given = {qubit: pair[index] for qubit, pair in properties.readout_errors.items() if pair}
        for qubit, value in filled(name, what, given, t1_ns, max, 0.0, 1.0).items():
            readout[qubit].append(value)

    def decay_error(qubits: Sequence[cirq.Qid], time_ns: float) -> float:
        return sum(cirq.qis.decoherence_pauli_error(t1_ns[q], tphi_ns[q], time_ns) for q in qubits)

    one_qubit: dict[cirq.Qid, float] = {}
    two_qubit: dict[Coupler, dict[type[cirq.Gate], GateError]] = {}
    for identifier, total in errors.items():
        gate_type, qubits = identifier.gate_type, identifier.qubits
        if gate_type is cirq.PhasedXZGate:
            rest = total - decay_error(qubits, float(times[gate_type]))
            one_qubit[qubits[0]] = max(0.0, float(rest))
        elif len(qubits) == 2:
            coherent = properties.fsim_errors.get(identifier, cirq.PhasedFSimGate(0.0))
            rest = float(total - decay_error(qubits, float(times[gate_type])))
            error = GateError.of(rest, coherent)
            two_qubit.setdefault((qubits[0], qubits[1]), {})[gate_type] = error
    rates = {qubit: (1.0 / t1, 0.5 / t1 + 1.0 / tphi_ns[qubit]) for qubit, t1 in t1_ns.items()}
    return Calibration(
        name=name,
        rates=rates,
        one_qubit_ns=float(times[cirq.PhasedXZGate]),
        two_qubit_ns=two_qubit_ns,
        measurement_ns=float(times[cirq.MeasurementGate]),
        one_qubit=filled(name, "one-qubit error", one_qubit, t1_ns, max, 0.0, 1.0),
        two_qubit=two_qubit,
        readout={qubit: (p01, p10) for qubit, (p01, p10) in readout.items()},
    )
