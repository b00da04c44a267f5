"""Decay and dephasing while time passes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import attrs
import cirq
import numpy as np

from noise_models import fields
from noise_models.checks import INFINITE, real_number
from noise_models.errors import InputError
from noise_models.kind import NoiseKind, Strength, plain_fields
from noise_models.timeline import Step


@dataclass(frozen=True, repr=False)
class ThermalChannel(cirq.Gate):
    """The channel of a qubit that relaxes towards its ground state.

    The excited population shrinks by exp(-decay) and the coherence by exp(-dephasing).

    Args:
        decay: Time over T1, at least 0.
        dephasing: Time over T2, at least half of `decay`.
    """

    decay: float
    dephasing: float

    def _num_qubits_(self) -> int:
        return 1

    def _kraus_(self) -> tuple[np.ndarray, ...]:
        lost = -math.expm1(-self.decay)
        coherence = math.exp(-self.dephasing)
        # On the two diagonal elements the Choi matrix is [[1, coherence], [coherence, 1 - lost]];
        # its Cholesky factor gives the first and the last operator. The difference is written so
        # that it does not suffer from cancellation for short times.
        rest = max(0.0, -math.expm1(self.decay - 2 * self.dephasing)) * math.exp(-self.decay)
        return (
            np.diag([1.0, coherence]),
            np.array([[0.0, math.sqrt(lost)], [0.0, 0.0]]),
            np.diag([0.0, math.sqrt(rest)]),
        )

    def _has_kraus_(self) -> bool:
        return True

    def _circuit_diagram_info_(self, args: cirq.CircuitDiagramInfoArgs) -> str:
        return f"Decay({args.format_real(self.decay)},{args.format_real(self.dephasing)})"

    def __repr__(self) -> str:
        return f"noise_models.ThermalChannel({self.decay!r}, {self.dephasing!r})"


@functools.lru_cache(maxsize=4096)
def thermal_gate(decay: float, dephasing: float) -> cirq.Gate | None:
    """The channel of decay and dephasing: see `ThermalChannel`.

    Args:
        decay: Time over T1, at least 0.
        dephasing: Time over T2, at least half of `decay`.

    Returns:
        The channel, as a phase flip if there is no decay; None if it does nothing.
    """
    if decay > 0.0:
        return ThermalChannel(decay, dephasing)
    flip = -math.expm1(-dephasing) / 2
    return cirq.phase_flip(flip) if flip > 0.0 else None


def thermal_layer(
    step: Step,
    duration_ns: float,
    rates: dict[cirq.Qid, tuple[float, float]] | tuple[float, float],
    strength: Strength,
) -> list[cirq.Operation]:
    """Decay of every qubit of a step, whether operated on or waiting.

    Args:
        step: What happens in the moment.
        duration_ns: How long the moment takes, in nanoseconds.
        rates: 1/T1 and 1/T2 in 1/ns, for all qubits or for each.
        strength: The factors by which the rates are multiplied.

    Returns:
        At most one channel for each qubit.
    """
    waiting = step.idle + step.waiting_for_measurement
    layer = []
    for qubits, factor in ((step.operated, strength.gate), (waiting, strength.idle)):
        time = duration_ns * factor
        for qubit in qubits:
            decay_rate, dephasing_rate = rates[qubit] if isinstance(rates, dict) else rates
            gate = thermal_gate(time * decay_rate, time * dephasing_rate)
            if gate is not None:
                layer.append(gate.on(qubit))
    return layer


_DURATION = (0.0, 1e9, "a duration in nanoseconds")


def _time(meaning: str) -> Callable[[str, object], float]:
    def above_zero(key: str, value: object) -> float:
        time = real_number(key, value, 0.0, math.inf, meaning)
        if time == 0.0:
            raise InputError(f"{key} = 0 is not allowed: give {meaning}, above 0.")
        return time

    return above_zero


@attrs.frozen
class ThermalNoise(NoiseKind):
    """Relaxation to the ground state (T1) and loss of coherence (T2) for as long as moments take.

    A moment takes as long as its longest operation, and all qubits decay for that long, save those
    that it measures and those whose last measurement is past. While some qubits are measured, the
    others decay for the duration of a measurement if they are operated on afterwards. A
    `cirq.WaitGate` takes its own duration. Moments of virtual Z take no time.

    Args:
        t1: Relaxation time in microseconds, above 0; may be infinite, also as the text "inf".
        t2: Coherence time in microseconds, above 0 and at most 2 * t1; may be infinite likewise.
        one_qubit: Duration of a one-qubit gate in nanoseconds.
        two_qubit: Duration of a two-qubit gate in nanoseconds.
        measurement: Duration of a measurement in nanoseconds.

    The default durations are those that cirq-google gives for willow_pink.

    Raises:
        InputError: If a time is negative or NaN, or t2 exceeds 2 * t1.
    """

    key: ClassVar[str] = "thermal"
    known: ClassVar[tuple[str, ...]] = ("one_qubit", "two_qubit", "measurement")

    t1: float = fields.checked(_time("the relaxation time in microseconds"))
    t2: float = fields.checked(_time("the coherence time in microseconds"))
    one_qubit: float = fields.real(*_DURATION, default=25.0)
    two_qubit: float = fields.real(*_DURATION, default=42.0)
    measurement: float = fields.real(*_DURATION, default=600.0)

    def __attrs_post_init__(self) -> None:
        if self.t2 > 2 * self.t1:
            raise InputError(
                f"thermal.t2 = {self.t2:g} exceeds 2 * thermal.t1 = {2 * self.t1:g}, which no"
                " qubit can have: coherence is lost at least half as fast as population."
            )

    def to_value(self) -> object:
        """See `NoiseKind.to_value`; an infinite time is the text "inf"."""
        plain = plain_fields(self)
        return {key: INFINITE if value == math.inf else value for key, value in plain.items()}

    @property
    def _rates(self) -> tuple[float, float]:
        """1/T1 and 1/T2 in 1/ns."""
        return 1e-3 / self.t1, 1e-3 / self.t2

    def has_gate_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_gate_noise`."""
        return max(self._rates) * max(strength.gate, strength.idle) > 0

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.layers`: one layer, as long as the moment takes."""
        two_qubit = [self.two_qubit for _ in step.two_qubit_gates]
        duration_ns = step.duration_ns(self.one_qubit, two_qubit, self.measurement)
        return [thermal_layer(step, duration_ns, self._rates, strength)]
