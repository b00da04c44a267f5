"""One compiled circuit as an estimator sees it: what it records of patches, under assumed noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.advance import calibrating
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Variant
from qucnn_cirq.compiler.program import upstream_table
from qucnn_cirq.engines import Engine
from qucnn_cirq.estimators.forms import overlap_forms


@dataclass(frozen=True, eq=False)
class Reading:
    """How one filter is read with one circuit, and what an estimator assumes about it.

    The noise is the one that is assumed: what was recorded may have come from another.

    Attributes:
        variant: The circuit.
        angles: The filter's row of the table "filter", shape (1, angles).
        vector: The filter's state, shape (2^n,).
        noise: The noise that is assumed.
        engine: Gives distributions under it.
        compiled: The circuits of the filter, of which this is one; None if no other is told.
    """

    variant: Variant
    angles: NDArray[np.float64]
    vector: NDArray[np.complex128]
    noise: Noise
    engine: Engine
    compiled: CompiledFilter | None = None

    @property
    def observable(self) -> Observable:
        """What is measured; outcomes are in the order of its qubits."""
        return self.variant.template.observable

    @property
    def n_outcomes(self) -> int:
        """Outcomes that are told apart."""
        return 1 << len(self.observable.qubits)

    @property
    def own_form(self) -> NDArray[np.float64]:
        """The overlap with the circuit's own filter as a form, shape (1, 2^n, 2^n)."""
        return overlap_forms(self.vector[None])

    def distribution(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities of what is recorded, under the assumed noise.

        Args:
            states: Real unit vectors that the circuit's loader loads, shape (patches, 2^n).

        Returns:
            Shape (patches, outcomes).
        """
        with calibrating(len(states)):
            return self.distribution_at(self.variant.loader.angles(states))

    def distribution_at(self, angles: NDArray[np.float64]) -> NDArray[np.float64]:
        """As `distribution`, of patches whose angles are known.

        Args:
            angles: Rows of the table "patch", shape (patches, angles).

        Returns:
            Shape (patches, outcomes).
        """
        # A circuit with a reader leaves the overlap alone where it multiplies by 1.
        tables = {"patch": angles, "filter": self.angles, "upstream": upstream_table(1.0)}
        found = self.engine.distribution(self.variant.template, self.noise, tables)
        chances: NDArray[np.float64] = np.maximum(found[0], 0.0)
        return chances


def distributions_at(
    readings: Sequence[Reading], angles: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """As `Reading.distribution_at`, of several readings: those of one circuit are run at once.

    Args:
        readings: Of one loader.
        angles: Rows of the table "patch", shape (patches, angles).

    Returns:
        For each reading, shape (patches, outcomes).
    """
    first = readings[0]
    alike = all(
        (each.variant, each.noise, each.engine) == (first.variant, first.noise, first.engine)
        for each in readings
    )
    if not alike:
        return [each.distribution_at(angles) for each in readings]
    filters = np.concatenate([each.angles for each in readings])
    tables = {"patch": angles, "filter": filters, "upstream": upstream_table(1.0)}
    found = first.engine.distribution(first.variant.template, first.noise, tables)
    return list(np.maximum(found, 0.0))


def readings_of(
    compiled: CompiledFilter,
    angles: NDArray[np.float64],
    vector: NDArray[np.complex128],
    noise: Noise,
    engine: Engine,
) -> tuple[Reading, ...]:
    """A reading for each circuit of a filter.

    Args:
        compiled: The filter's circuits.
        angles: The filter's row of the table "filter", shape (1, angles).
        vector: The filter's state, shape (2^n,).
        noise: The noise that is assumed.
        engine: Gives distributions under it.

    Returns:
        In the order of `CompiledFilter.variants`.
    """
    return tuple(
        Reading(variant, angles, vector, noise, engine, compiled) for variant in compiled.variants
    )
