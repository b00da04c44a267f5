"""How the circuits of a model are run: ideally, or compiled, with noise and shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.compiled_filter import CompiledFilter
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ideal_numbers
from qucnn_cirq.engines import Engine, Twirl, TwirledEngine, make_engine, twirled_engine
from qucnn_cirq.engines.collected import measuring
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.patches import Patches, extract_patches
from qucnn_cirq.specification import ConvolutionSpec
from studies.expected import noise_time

Array = NDArray[np.float64]

_BLOCK = 1 << 22
"""Amplitudes of the states that are in memory at a time."""


@dataclass(frozen=True)
class Run:
    """How circuits are run.

    Attributes:
        device: Name of the device.
        noise: The noise.
        shots: Shots of each circuit; None for exact means.
        seed: Seed of the shots.
        engine: What runs compiled circuits.
        twirl: What the shots of each circuit are shared among; None for the circuit alone.
    """

    device: str = "willow_pink"
    noise: NoiseConfiguration = NoiseConfiguration()
    shots: int | None = None
    seed: int = 0
    engine: str = "exact"
    twirl: Twirl | None = None

    @property
    def is_ideal(self) -> bool:
        """Whether neither noise nor shots make a difference, so that nothing is compiled."""
        return self.shots is None and not self.noise.to_mapping() and self.engine == "exact"

    def program(self, spec: ConvolutionSpec) -> Program:
        """The compiled convolution.

        Args:
            spec: The convolution.

        Raises:
            InputError: If it does not fit the device.
        """
        return compile_convolution(spec, self.device)

    def circuits(self, compiled: CompiledFilter) -> int:
        """Circuits that the shots of one are shared among.

        Args:
            compiled: The filter's circuits.
        """
        engine, noise = self._engine, as_noise(self.noise)
        if not isinstance(engine, TwirledEngine):
            return 1
        forms = max(len(engine.forms(each.template, noise)) for each in compiled.variants)
        return forms if self.shots is None else min(forms, self.shots)

    def maps(self, spec: ConvolutionSpec, parameters: Array | None, images: Array) -> Array:
        """The maps of a convolution.

        Equal patches are run once where neither shots nor drift tell them apart.

        Args:
            spec: The convolution.
            parameters: Angles of its filters, shape (filters, parameters); None if there are none.
            images: Shape (images, rows, columns).

        Returns:
            Shape (images, maps, rows, columns).

        Raises:
            InputError: If the images do not fit the convolution, or that not the device.
        """
        if parameters is None:
            parameters = np.zeros((spec.n_filters, spec.n_parameters))
        if as_noise(self.noise).drift is not None:
            # Every image has rates of its own, by its place among the others.
            return self._layer(spec, parameters).forward(images, image_ids=range(len(images)))
        if self.shots is not None:
            return self._layer(spec, parameters).forward(images)
        cut = extract_patches(images, spec)
        # Values that an encoding turns alike, as a threshold does, are the same circuit.
        turned = cut.vectors if spec.has_amplitudes else spec.encoding.angles(cut.vectors)
        _, firsts, places = np.unique(turned, axis=0, return_index=True, return_inverse=True)
        different = cut.vectors[firsts]
        patches = different.reshape(-1, spec.channels, *spec.kernel_pair)
        if self.is_ideal:
            found = _ideal(spec, parameters, different)
        else:
            found = self._layer(spec, parameters).forward(patches)[:, :, 0, 0].T
        shape = spec.n_maps, cut.batch, cut.rows, cut.columns
        maps: Array = found[:, places.ravel()].reshape(shape).swapaxes(0, 1)
        return maps

    def seconds(self, spec: ConvolutionSpec, usual: float, circuits: int) -> float:
        """What circuits are expected to take.

        Args:
            spec: The convolution.
            usual: What they take where neither crosstalk nor drift makes them longer.
            circuits: How many they are.
        """
        noise = self.noise
        if noise.crosstalk is None and noise.drift is None and not noise.others:
            # Nothing has to be compiled for the answer.
            return usual
        return noise_time(noise, self.program(spec)).of(usual, circuits)

    @property
    def _engine(self) -> Engine:
        return twirled_engine(measuring(make_engine(self.engine)), self.twirl)

    def _layer(self, spec: ConvolutionSpec, parameters: Array) -> QuantumConvolution:
        return QuantumConvolution(
            self.program(spec),
            engine=self._engine,
            noise=self.noise,
            shots=self.shots,
            seed=self.seed,
            parameters=parameters,
        )


def _ideal(spec: ConvolutionSpec, parameters: Array, vectors: Array) -> Array:
    """The maps of single patches, shape (maps, patches), some of them at a time."""
    found = np.zeros((spec.n_maps, len(vectors)))
    size = max(1, _BLOCK >> spec.register_qubits)
    for start in range(0, len(vectors), size):
        own = vectors[start : start + size]
        patches = Patches(own, len(own), 1, 1, spec.register_qubits, spec.encoding)
        found[:, start + np.flatnonzero(~patches.blank)] = ideal_numbers(patches, spec, parameters)
    return found
