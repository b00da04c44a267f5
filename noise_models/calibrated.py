"""Noise of a calibrated processor: one that cirq-google knows, or the user's own."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self

import attrs
import cirq

from noise_models.calibration import CALIBRATIONS, Calibration, load_calibration
from noise_models.calibration_files import (
    CALIBRATION_SUFFIXES,
    calibration_from_mapping,
    calibration_to_mapping,
    read_calibration,
)
from noise_models.checks import one_of
from noise_models.depolarizing import depolarizing_gate
from noise_models.errors import InputError, shown
from noise_models.kind import NoiseKind, Strength
from noise_models.preparation import flip_gate
from noise_models.thermal import thermal_layer
from noise_models.timeline import Step
from noise_models.values import coupler_key, qubit_key


def _possible(value: float, path: str, factor: float) -> float:
    if value > 1.0:
        raise InputError(
            f"a scale of {factor:g} takes {path} to {value:g}, outside 0..1: use a smaller scale."
        )
    return value


def _known(device: object) -> object:
    if isinstance(device, Calibration):
        return device
    return one_of("calibration", device, CALIBRATIONS)


@attrs.frozen
class CalibratedNoise(NoiseKind):
    """Depolarising, coherent and thermal noise, preparation and readout of a real processor.

    At scale 1 it equals `cirq_google.NoiseModelFromGoogleNoiseProperties` for the gates that the
    calibration covers, but for SYC: that model lets qubits decay for the duration of an FSim gate,
    although it accounts for the SYC's own in the gate's error. Every one-qubit gate counts as one
    pulse. Scaling multiplies depolarising
    probabilities, decay rates, preparation and readout errors, and coherent angles by the square
    root, so that at scale 0 nothing is left.

    Args:
        device: "rainbow", "weber" or "willow_pink", or a calibration of the user's own.

    Raises:
        InputError: If the name is unknown.
    """

    key: ClassVar[str] = "calibrated"

    # Told by its name, or by what it holds.
    device: str | Calibration = attrs.field(converter=_known)

    @property
    def calibration(self) -> Calibration:
        """What is known of the processor."""
        if isinstance(self.device, Calibration):
            return self.device
        return load_calibration(self.device)

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Reads the noise from a processor's name, a calibration, or a file or table with one."""
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls(calibration_from_mapping(value))
        if isinstance(value, str) and value.lower().endswith(CALIBRATION_SUFFIXES):
            return cls(read_calibration(value))
        if not isinstance(value, str | Calibration):
            raise InputError(
                f"calibrated = {shown(value)} is not a processor's name "
                f"({', '.join(CALIBRATIONS)}), nor a calibration, a table of one, or the path of a "
                ".toml or .json file."
            )
        return cls(value)

    def to_value(self) -> object:
        """The processor's name, or all that is known of it."""
        return self.device if isinstance(self.device, str) else calibration_to_mapping(self.device)

    def field_value(self) -> object:
        """The processor's name, or the calibration."""
        return self.device

    def has_gate_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_gate_noise`."""
        prepares = strength.readout > 0 and bool(self.calibration.preparation)
        return max(strength.gate, strength.idle) > 0 or prepares

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.layers`: depolarising, then coherent errors of gates, then decay of all.

        Raises:
            InputError: If a qubit or a gate is not one of the processor's, or a scaled probability
                would exceed 1.
        """
        calibration = self.calibration
        calibration.check_qubits(step.operated + step.idle + step.waiting_for_measurement)
        depolarizing: list[cirq.Operation] = []
        coherent: list[cirq.Operation] = []
        for gate in step.one_qubit_gates:
            path = f"the error of one-qubit gates on {qubit_key(gate.qubits[0])}"
            p1 = calibration.one_qubit.get(gate.qubits[0], 0.0) * strength.gate
            if p1 > 0:
                channel = depolarizing_gate(_possible(p1, path, strength.gate), 1)
                depolarizing.append(channel.on(*gate.qubits))
        for gate in step.two_qubit_gates:
            error = calibration.error_of(gate)
            path = f"the error of two-qubit gates on {coupler_key(*gate.qubits)}"
            p2 = error.depolarizing * strength.gate
            if p2 > 0:
                channel = depolarizing_gate(_possible(p2, path, strength.gate), 2)
                depolarizing.append(channel.on(*gate.qubits))
            scaled = _scaled_coherent(error.coherent, math.sqrt(strength.gate))
            if scaled is not None:
                coherent.append(scaled.on(*gate.qubits))
        duration_ns = calibration.duration_ns(step)
        thermal = thermal_layer(step, duration_ns, calibration.rates, strength)
        return [depolarizing, coherent, thermal]

    def before(
        self, qubits: Sequence[cirq.Qid], strength: Strength
    ) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.before`: one layer of bit flips, where the calibration has any.

        Raises:
            InputError: If a scaled probability would exceed 1.
        """
        chances = self.calibration.preparation
        factor = strength.readout
        if not chances or not factor:
            return []
        flips = []
        for qubit in (each for each in qubits if each in chances):
            path = f"the preparation error of {qubit_key(qubit)}"
            flips.append(flip_gate(_possible(factor * chances[qubit], path, factor)).on(qubit))
        return [flips]

    def readout(self, qubit: cirq.Qid, strength: Strength) -> tuple[float, float]:
        """See `NoiseKind.readout`."""
        calibration = self.calibration
        calibration.check_qubits([qubit])
        p01, p10 = calibration.readout.get(qubit, (0.0, 0.0))
        path = f"the readout error of {qubit_key(qubit)}"
        factor = strength.readout
        return _possible(p01 * factor, path, factor), _possible(p10 * factor, path, factor)

    def has_readout_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_readout_noise`."""
        return strength.readout > 0


@functools.lru_cache(maxsize=4096)
def _scaled_coherent(gate: cirq.PhasedFSimGate, factor: float) -> cirq.PhasedFSimGate | None:
    """A coherent error with every angle multiplied; None if nothing is left."""
    angles = (gate.theta, gate.zeta, gate.chi, gate.gamma, gate.phi)
    scaled = [factor * float(angle) for angle in angles]
    return cirq.PhasedFSimGate(*scaled) if any(scaled) else None
