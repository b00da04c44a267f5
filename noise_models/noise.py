"""Noise in the form that engines use: gate noise as a model, readout as numbers."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import cirq

from noise_models.calibration_files import CALIBRATION_SUFFIXES
from noise_models.configuration import NoiseConfiguration, noise_from_file
from noise_models.drift import DriftNoise, refuse_drift
from noise_models.errors import InputError, shown
from noise_models.foreign import GuardedNoiseModel
from noise_models.kind import NoiseKind, Strength
from noise_models.markup import html_table
from noise_models.model import ConfiguredNoiseModel
from noise_models.presets import named_noise
from noise_models.readout import readout_gate
from noise_models.tables import write_value
from noise_models.values import qubit_key


class Noise:
    """Gate noise and readout errors, kept apart so that neither is counted twice.

    Args:
        source: A configuration, or any other `cirq.NoiseModel`, which is guarded: see
            `GuardedNoiseModel`.

    Attributes:
        configuration: The noise as data; None if it was given as a `cirq.NoiseModel`.
        gate_model: Noise of gates and idle qubits; `cirq.NO_NOISE` if there is none. It never
            contains readout errors (unless a foreign model does), and never puts anything after a
            qubit's last measurement or on a virtual Z.
    """

    def __init__(self, source: NoiseConfiguration | cirq.NoiseModel) -> None:
        self.configuration: NoiseConfiguration | None = None
        self._kinds: tuple[NoiseKind, ...] = ()
        self._strength = Strength()
        self.gate_model: cirq.NoiseModel = cirq.NO_NOISE
        # Subclasses may return anything, so they are guarded too.
        if type(source) is ConfiguredNoiseModel:
            self.gate_model = source
        elif isinstance(source, NoiseConfiguration):
            self.configuration = source
            self._kinds, self._strength = source.kinds, source.strength
            if any(kind.has_gate_noise(self._strength) for kind in self._kinds):
                self.gate_model = ConfiguredNoiseModel(source)
        elif type(source) is GuardedNoiseModel or source == cirq.NO_NOISE:
            self.gate_model = source
        else:
            self.gate_model = GuardedNoiseModel(source)

    @property
    def drift(self) -> DriftNoise | None:
        """How all rates differ from image to image; None if they do not."""
        drift = None if self.configuration is None else self.configuration.drift
        return drift if drift is not None and drift.sd > 0 else None

    @property
    def nominal(self) -> Noise:
        """The same noise without drift."""
        return self.times(1.0)

    @property
    def before_reading(self) -> Noise:
        """The same noise with bits read as they are.

        Raises:
            InputError: If the noise drifts.
        """
        refuse_drift(self.drift)
        return Noise(self.gate_model)

    def times(self, factor: float) -> Noise:
        """The same noise with all rates multiplied, and without drift.

        Args:
            factor: What `NoiseConfiguration.scale` is multiplied by; at least 0.

        Raises:
            InputError: If a probability would exceed 1.
        """
        if self.configuration is None:
            return self
        scale = self.configuration.scale * factor
        return Noise(attrs.evolve(self.configuration, scale=scale, drift=None))

    def over_drift(self) -> list[tuple[Noise, float]]:
        """The noise at some factors of its drift, whose weighted means are means over all drifts.

        See `DriftNoise.over_all`; of noise that does not drift it is the noise alone.

        Returns:
            Noise without drift and its weight; weights add up to 1.

        Raises:
            InputError: If a probability would exceed 1.
        """
        if self.drift is None:
            return [(self, 1.0)]
        return [(self.times(factor), weight) for factor, weight in self.drift.over_all()]

    @property
    def has_readout_noise(self) -> bool:
        """Whether any qubit may be read wrongly."""
        kinds = {kind.key: kind for kind in self._kinds}
        if "readout" in kinds:
            # It replaces what the calibration says.
            kinds.pop("calibrated", None)
        return any(kind.has_readout_noise(self._strength) for kind in kinds.values())

    @property
    def is_ideal(self) -> bool:
        """Whether there is no noise of any kind."""
        return self.gate_model == cirq.NO_NOISE and not self.has_readout_noise

    def readout(self, qubit: cirq.Qid) -> tuple[float, float]:
        """How often a qubit is read wrongly, flips together with others apart.

        Args:
            qubit: The qubit that is measured.

        Returns:
            P(read 1 | state 0) and P(read 0 | state 1).

        Raises:
            InputError: If the noise is calibrated and the qubit is not one of the processor's, or
                if it drifts.
        """
        refuse_drift(self.drift)
        # The last kind that speaks of readout decides, so that `readout` replaces `calibrated`.
        for kind in reversed(self._kinds):
            errors = kind.readout(qubit, self._strength)
            if errors is not None:
                return errors
        return 0.0, 0.0

    def joint_readout(
        self, qubits: Sequence[cirq.Qid]
    ) -> list[tuple[tuple[cirq.Qid, cirq.Qid], float]]:
        """Pairs of qubits whose recorded bits may be flipped together, and how often.

        Args:
            qubits: The qubits that are measured in the same moment.

        Returns:
            Pairs with a probability above 0. These flips follow the errors of `readout`; they
            commute.
        """
        refuse_drift(self.drift)
        found = []
        for pair in itertools.combinations(qubits, 2):
            probability = sum(kind.joint_readout(*pair, self._strength) for kind in self._kinds)
            if probability > 0:
                found.append((pair, probability))
        return found

    def check_places(self, qubits: Collection[cirq.Qid], device: str) -> None:
        """Checks that values for single qubits and couplers are for qubits that there are.

        A value for any other place would be without effect, and a misspelt one go unnoticed.

        Args:
            qubits: All qubits of a device.
            device: Its name.

        Raises:
            InputError: If a key names another qubit.
        """
        known = {qubit_key(qubit) for qubit in qubits}
        for kind in self._kinds:
            for table, keys in kind.places().items():
                for key in keys:
                    for end in key.split(":"):
                        if end not in known:
                            raise InputError(
                                f"{kind.key}.{table} has the key {key!r}, but {end!r} is no qubit "
                                f'of {device}: write row and column as in "4,5".'
                            )

    def noisy_circuit(self, circuit: cirq.Circuit) -> cirq.Circuit:
        """The physical circuit: gate noise, and readout errors as channels before measurements.

        Args:
            circuit: The ideal circuit.

        Returns:
            A circuit whose ideal simulation is the noisy one. The original moments are kept, tags
            included; channels stand in moments of their own.

        Raises:
            InputError: If an operation cannot be given noise.
        """
        noisy = circuit.with_noise(self.gate_model)
        if not self.has_readout_noise:
            return noisy
        moments: list[cirq.Moment] = []
        for moment in noisy:
            moments += [*cirq.Circuit(self._readout_flips(moment)).moments, moment]
        return cirq.Circuit(moments)

    def _readout_flips(self, moment: cirq.Moment) -> list[cirq.Operation]:
        """Channels that amount to misreading what is measured in a moment."""
        measured: list[cirq.Qid] = []
        for operation in moment:
            if not cirq.is_measurement(operation):
                continue
            if not isinstance(operation.gate, cirq.MeasurementGate):
                raise InputError(
                    f"readout errors are defined for cirq.MeasurementGate, not for {operation}:"
                    " measure in the computational basis."
                )
            measured += operation.qubits
        return self.misreading(measured)

    def misreading(self, measured: Sequence[cirq.Qid]) -> list[cirq.Operation]:
        """Channels that, before a perfect measurement, amount to a faulty one.

        Args:
            measured: All qubits that are measured in the same moment.

        Returns:
            Errors of each qubit, then those of pairs, tagged `cirq.VirtualTag`.
        """
        gates = ((readout_gate(*self.readout(qubit)), qubit) for qubit in measured)
        flips = [gate.on(qubit) for gate, qubit in gates if gate is not None]
        for pair, probability in self.joint_readout(measured):
            chances = {"II": 1 - probability, "XX": probability}
            flips.append(cirq.asymmetric_depolarize(error_probabilities=chances).on(*pair))
        return [flip.with_tags(cirq.VirtualTag()) for flip in flips]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Noise):
            return NotImplemented
        return (self.configuration, self.gate_model) == (other.configuration, other.gate_model)

    def __hash__(self) -> int:
        return hash((self.configuration, type(self.gate_model)))

    def __repr__(self) -> str:
        if self.configuration is None:
            return f"<noise {self.gate_model!r}>"
        return f"<noise {self.configuration.to_mapping() or 'none'}>"

    def _repr_html_(self) -> str:
        if self.configuration is None:
            return html_table("noise", [("model", repr(self.gate_model))])
        rows = self.configuration.to_mapping()
        return html_table("noise", [(key, write_value(value)) for key, value in rows.items()])


NoiseLike = None | str | Path | Mapping[str, Any] | NoiseConfiguration | cirq.NoiseModel | Noise
"""Every way of saying noise that `as_noise` understands."""


def as_noise(noise: NoiseLike) -> Noise:
    """Turns any way of saying noise into `Noise`.

    Args:
        noise: None (no noise), a name from `noise_names`, the path of a .toml or .json file, as
            text or as ``pathlib.Path``, that holds a configuration or a calibration, the mapping
            that such a file holds, a configuration, any `cirq.NoiseModel`, or `Noise`, which is
            returned as it is.

    Raises:
        InputError: If it is none of these, or not allowed.
    """
    if noise is None:
        return Noise(NoiseConfiguration())
    if isinstance(noise, Noise):
        return noise
    if isinstance(noise, Path):
        return Noise(noise_from_file(str(noise)))
    if isinstance(noise, str):
        if noise.lower().endswith(CALIBRATION_SUFFIXES):
            return Noise(noise_from_file(noise))
        return Noise(named_noise(noise))
    if isinstance(noise, Mapping):
        return Noise(NoiseConfiguration.from_mapping(noise))
    if isinstance(noise, NoiseConfiguration | cirq.NoiseModel):
        return Noise(noise)
    raise InputError(
        f"noise = {shown(noise)} is not understood: give None, a name, a mapping, a"
        " NoiseConfiguration or a cirq.NoiseModel."
    )
