"""Engines under noise whose rates drift: every image has a factor of its own.

Means are smooth functions of the factor, so that those at a few factors give those of all images:
they are interpolated between Chebyshev's nodes, which span all factors that can be, whichever there
are, so that no result depends on the batch. What only samples is run image by image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BarycentricInterpolator

from noise_models import DriftNoise, Noise
from noise_models.drift import MOST_DEVIATIONS
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.auto import AutoEngine
from qucnn_cirq.engines.engine import Engine
from qucnn_cirq.engines.streams import Outcome, Streams, outcome_from_means


def drifting_engine(engine: Engine, noise: Noise) -> Engine:
    """An engine that resolves drift; the engine itself where there is none.

    What was measured has drifted by itself.

    Args:
        engine: Runs the circuits.
        noise: The noise.
    """
    return engine if noise.drift is None or engine.is_measured else DriftingEngine(engine)


class DriftingEngine(Engine):
    """Another engine, asked with the rates of each image.

    Distributions, which are asked for without naming images, are refused as the engine refuses
    noise that drifts.

    Args:
        engine: Runs the circuits.
    """

    name = "drifting"
    samples = True

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name

    def __repr__(self) -> str:
        return f"DriftingEngine({self.engine!r})"

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """Whether the engine does."""
        return self.engine.gives_means(template, noise.nominal)

    def distribution(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """Refused where the noise drifts; see `Engine.distribution`."""
        return self.engine.distribution(template, noise, tables)

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """See `Engine.run`: means at the factor of each image, and shots of them."""
        drift = noise.drift
        if drift is None:
            return self.engine.run(template, noise, tables, shots, streams)
        if shots is None or not self._samples(template, noise, shots):
            means = self._means(drift, template, noise, tables, streams)
            return outcome_from_means(means, template, shots, streams)
        counts = np.empty((len(streams.filters), len(streams.images)), dtype=np.int64)
        for columns, own, angles, each in self._by_image(drift, noise, tables, streams):
            found = self.engine.run(template, own, angles, shots, each)
            assert found.counts is not None
            counts[:, columns] = found.counts
        return Outcome(None, counts)

    def outcome_counts(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> NDArray[np.int64]:
        """See `Engine.outcome_counts`: image by image."""
        if noise.drift is None:
            return self.engine.outcome_counts(template, noise, tables, shots, streams)
        shape = (len(streams.filters), len(streams.images), 1 << len(template.observable.qubits))
        counts = np.empty(shape, dtype=np.int64)
        for columns, own, angles, each in self._by_image(noise.drift, noise, tables, streams):
            counts[:, columns] = self.engine.outcome_counts(template, own, angles, shots, each)
        return counts

    def _samples(self, template: Template, noise: Noise, shots: int) -> bool:
        """Whether shots are simulated rather than drawn from means."""
        engine, nominal = self.engine, noise.nominal
        if isinstance(engine, AutoEngine):
            engine, _ = engine.choose(template, nominal, shots)
        return engine.samples or not engine.gives_means(template, nominal)

    def _means(
        self,
        drift: DriftNoise,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        streams: Streams,
    ) -> NDArray[np.float64]:
        """Shape (filters, patches)."""
        nodes = chebyshev_nodes(drift)
        found = []
        for node in nodes:
            own = noise.times(drift.factor(node))
            means = self.engine.run(template, own, tables, None, streams).means
            assert means is not None
            found.append(means)
        deviations = drift.deviations(streams.seed, streams.images)
        result = np.empty_like(found[0])
        for value in np.unique(deviations):
            columns = deviations == value
            at_nodes = np.stack([each[:, columns] for each in found])
            result[:, columns] = BarycentricInterpolator(nodes, at_nodes)(value)
        return result

    def _by_image(
        self, drift: DriftNoise, noise: Noise, tables: AngleTables, streams: Streams
    ) -> Iterator[tuple[NDArray[np.intp], Noise, AngleTables, Streams]]:
        """The columns of each image, with its noise, its angles and its streams."""
        per_patch = ["patch"]
        if len(streams.images) > 1 and len(tables.get("upstream", ())) == len(streams.images):
            per_patch.append("upstream")
        for image in np.unique(streams.images):
            columns = np.flatnonzero(streams.images == image)
            (deviation,) = drift.deviations(streams.seed, np.array([image]))
            own = {**tables, **{name: tables[name][columns] for name in per_patch}}
            each = replace(streams, images=streams.images[columns])
            yield columns, noise.times(drift.factor(float(deviation))), own, each


def drift_passes(drift: DriftNoise | None) -> int:
    """Rates at which means are computed, which each take as long as means under steady noise.

    Args:
        drift: The drift; None where there is none.
    """
    return 1 if drift is None else len(chebyshev_nodes(drift))


def chebyshev_nodes(drift: DriftNoise) -> NDArray[np.float64]:
    """Where means are computed, in standard deviations of the factor's logarithm.

    Args:
        drift: The wider it is, the more there are.

    Returns:
        Shape (nodes,).
    """
    count = 9 + round(16 * drift.sd)
    places = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    found: NDArray[np.float64] = MOST_DEVIATIONS * places
    return found
