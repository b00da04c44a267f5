"""The gate and idle noise of a configuration as a `cirq.NoiseModel`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cirq

from noise_models.configuration import NoiseConfiguration
from noise_models.drift import refuse_drift
from noise_models.kind import NoiseKind
from noise_models.timeline import Step, prepared_qubits, timeline


@dataclass(frozen=True, repr=False)
class ConfiguredNoiseModel(cirq.NoiseModel):
    """Inserts the noise of a configuration, readout apart, after each moment of a circuit.

    The original moments stay as they are, tags included; noise stands in moments of its own after
    them, its operations tagged `cirq.VirtualTag`. Errors of preparation come before the first
    moment. Nothing follows a virtual Z, a measurement, or a qubit's last measurement. The noise
    depends on the circuit's structure alone.

    Args:
        configuration: The noise.
    """

    configuration: NoiseConfiguration

    def noisy_moments(
        self, moments: Iterable[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> list[list[cirq.Moment]]:
        """Adds noise to a series of moments.

        Args:
            moments: The moments of a circuit, in order.
            system_qubits: All qubits of the system.

        Returns:
            For each moment a list: the moment itself, then the moments of its noise. Errors of
            preparation stand before the first.

        Raises:
            InputError: If an operation cannot be given noise: a gate on three or more qubits, a
                subcircuit, or qubits that a calibration does not know; or if the noise drifts.
        """
        originals = list(moments)
        steps = timeline(originals, system_qubits)
        found = [
            [moment, *_moments(layer for _, layer in self.layers_after(step))]
            for moment, step in zip(originals, steps, strict=True)
        ]
        first = _moments(layer for _, layer in self.layers_before(originals, system_qubits))
        if found:
            found[0] = [*first, *found[0]]
        return found

    def layers_before(
        self, moments: Sequence[cirq.Moment], qubits: Sequence[cirq.Qid]
    ) -> Iterator[tuple[NoiseKind, list[cirq.Operation]]]:
        """The noise before the first moment, one layer after the other, with its kind.

        Args:
            moments: All moments of the circuit.
            qubits: All qubits of the system.

        Yields:
            As `layers_after`.
        """
        refuse_drift(self.configuration.drift)
        own = prepared_qubits(moments, qubits)
        for kind in self.configuration.kinds:
            for layer in kind.before(own, self.configuration.strength):
                yield kind, [operation.with_tags(cirq.VirtualTag()) for operation in layer]

    def layers_after(self, step: Step) -> Iterator[tuple[NoiseKind, list[cirq.Operation]]]:
        """The noise after a moment, one layer after the other, with the kind that it is of.

        Args:
            step: What happens in the moment.

        Yields:
            A kind and operations on different qubits, tagged `cirq.VirtualTag`.
        """
        for kind in self.configuration.kinds:
            for layer in kind.layers(step, self.configuration.strength):
                yield kind, [operation.with_tags(cirq.VirtualTag()) for operation in layer]

    def __repr__(self) -> str:
        return f"noise_models.ConfiguredNoiseModel({self.configuration!r})"


def _moments(noise: Iterable[list[cirq.Operation]]) -> list[cirq.Moment]:
    """Layers of noise as moments."""
    layers: list[list[cirq.Operation]] = []
    used: set[cirq.Qid] = set()
    for tagged in noise:
        qubits = {qubit for operation in tagged for qubit in operation.qubits}
        # Fewer moments are fewer steps to simulate, so layers that do not meet share one.
        if layers and used.isdisjoint(qubits):
            layers[-1] += tagged
            used |= qubits
        elif tagged:
            layers.append(tagged)
            used = qubits
    return [cirq.Moment(layer) for layer in layers]
