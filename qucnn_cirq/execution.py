"""The one place where circuits are bound, seeded, run and turned into estimates.

Forward passes, gradients, windows of quantum data and the checks of studies all run their circuits
here, so that they share seeds, engines and what an estimate's variance means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Load
from qucnn_cirq.compiler.program import upstream_table
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines import Engine, Streams
from qucnn_cirq.engines.streams import outcome_from_means
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Estimates, Mitigation
from qucnn_cirq.patches import Patches

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """What circuits gave, one row a filter or a setting of its angles, one column a patch.

    Attributes:
        observable: What was read, the same for all.
        means: Exact noisy means where the engine computed them, shape (rows, patches); else None.
        counts: Shots with the observable's larger value, shape (rows, patches); None without shots.
        shots: Shots of each circuit, or None.
        mitigated: Values and variances that an estimator made of all outcomes, each of shape
            (rows, patches), in place of means and counts; else None.
    """

    observable: Observable
    means: FloatArray | None
    counts: NDArray[np.int64] | None
    shots: int | None
    mitigated: Estimates | None = None

    @property
    def estimates(self) -> FloatArray:
        """Means from shots, or the exact ones where none were asked for; shape (rows, patches)."""
        if self.mitigated is not None:
            return self.mitigated.values
        if self.counts is None or self.shots is None:
            assert self.means is not None
            return self.means
        return self.observable.mean(self.counts / self.shots)

    @property
    def variance(self) -> FloatArray:
        """Variance of each estimate from its shots, shape (rows, patches); 0 without shots.

        From the exact means where they are known, else from the counts n of N shots, by
        (n + 1)/(N + 2) in place of n/N: shots that are all alike do not make an estimate certain.
        """
        if self.mitigated is not None:
            return self.mitigated.variances
        if self.shots is None:
            return np.zeros_like(self.estimates)
        means = self.means
        if means is None:
            assert self.counts is not None
            means = self.observable.mean((self.counts + 1) / (self.shots + 2))
        return self.observable.variance(means, self.shots)


@dataclass(frozen=True, eq=False)
class RecordedOutcomes:
    """What one circuit recorded of the patches that are run with it.

    Attributes:
        load: The circuit and the patches.
        counts: How often each outcome was recorded, shape (rows, patches, outcomes); a row is a
            filter or a setting of its angles, patches are those of `Load.columns`. None without
            shots.
        distribution: The exact probabilities, of the same shape; None with shots.
    """

    load: Load
    counts: NDArray[np.int64] | None
    distribution: FloatArray | None


@dataclass(frozen=True, eq=False)
class Execution:
    """How circuits are run.

    Attributes:
        engine: What runs them.
        noise: The noise.
        shots: Shots of each circuit; None for exact means.
        seed: Seed of all shots, from 0 to 2^64 - 1.
        mitigation: What makes overlaps of all outcomes; None for the mean of the observable.
    """

    engine: Engine
    noise: Noise
    shots: int | None
    seed: int
    mitigation: Mitigation | None = None

    def circuits(self, template: Template, tables: AngleTables, streams: Streams) -> Measured:
        """Runs every filter (row of its table) on every patch (row of its table).

        Args:
            template: The compiled circuit.
            tables: The angle tables, as for `qucnn_cirq.engines.Engine.run`.
            streams: The random streams of the items.

        Raises:
            InputError: As the engine does.
        """
        outcome = self.engine.run(template, self.noise, tables, self.shots, streams)
        return Measured(template.observable, outcome.means, outcome.counts, self.shots)

    def patches(
        self,
        compiled: CompiledFilter,
        patches: Patches,
        images: NDArray[np.integer],
        filters: FloatArray,
        *,
        numbers: Sequence[int],
        purpose: int,
        upstream: FloatArray | None = None,
        from_means: bool = False,
    ) -> Measured:
        """Runs circuits of one structure on all patches that are not blank.

        Args:
            compiled: The structure.
            patches: The patches of some images.
            images: The number that identifies the image of each patch that is not blank, shape
                (patches,).
            filters: Rows of the table "filter", shape (rows, angles).
            numbers: A number for each of the rows, which sets their random streams apart; rows of
                equal numbers share a stream.
            purpose: Sets runs of the same seed apart, see `Streams`.
            upstream: For circuits with a reader what it multiplies by, within -1..1: one value for
                each patch that is not blank, shape (patches,). 1 if None; circuits without a reader
                do not look at it.
            from_means: Whether shots may be drawn from exact means, by engines that give means: of
                the same distribution as the engine's own, and often sooner there.

        Returns:
            What was measured, shape (rows, patches).

        Raises:
            InputError: As the engine does.
        """
        shape = (len(filters), patches.n_occupied)
        if self.mitigation is not None:
            if upstream is not None:
                raise InputError(
                    "mitigation makes overlaps of all outcomes, and an in-circuit gradient reads "
                    "one ancilla: choose another gradient method, or leave mitigation out."
                )
            recorded = self.outcomes(
                compiled, patches, images, filters, numbers=numbers, purpose=purpose
            )
            return self._mitigated(compiled, recorded, filters, shape, self.mitigation)
        means: FloatArray | None = np.empty(shape)
        counts = None if self.shots is None else np.empty(shape, dtype=np.int64)
        for load in compiled.load_patches(patches):
            template = load.variant.template
            own = images[load.columns]
            streams = Streams(self.seed, tuple(numbers), own, load.index, purpose)
            tables = {"patch": load.angles, "filter": filters, "upstream": upstream_table(1.0)}
            wanted = None if upstream is None else upstream[load.columns]
            drawn = from_means or self.shots is None
            if drawn and self.engine.gives_means(template, self.noise):
                exact = self._means(template, tables, streams, wanted)
                outcome = outcome_from_means(exact, template, self.shots, streams)
            else:
                if wanted is not None:
                    tables["upstream"] = upstream_table(wanted)
                outcome = self.engine.run(template, self.noise, tables, self.shots, streams)
            if outcome.means is None or means is None:
                means = None
            else:
                means[:, load.columns] = outcome.means
            if counts is not None and outcome.counts is not None:
                counts[:, load.columns] = outcome.counts
        return Measured(compiled.template.observable, means, counts, self.shots)

    def outcomes(
        self,
        compiled: CompiledFilter,
        patches: Patches,
        images: NDArray[np.integer],
        filters: FloatArray,
        *,
        numbers: Sequence[int],
        purpose: int,
    ) -> Iterator[RecordedOutcomes]:
        """As `patches`, with every outcome told apart.

        Args:
            compiled: The structure.
            patches: The patches of some images.
            images: As for `patches`.
            filters: Rows of the table "filter", shape (rows, angles).
            numbers: As for `patches`.
            purpose: As for `patches`.

        Yields:
            What was recorded with each circuit that patches are run with.

        Raises:
            InputError: As the engine does.
        """
        for load in compiled.load_patches(patches):
            template = load.variant.template
            tables = {"patch": load.angles, "filter": filters, "upstream": upstream_table(1.0)}
            if self.shots is None:
                found = self.engine.distribution(template, self.noise, tables)
                yield RecordedOutcomes(load, None, found)
                continue
            own = images[load.columns]
            streams = Streams(self.seed, tuple(numbers), own, load.index, purpose)
            counts = self.engine.outcome_counts(template, self.noise, tables, self.shots, streams)
            yield RecordedOutcomes(load, counts, None)

    def _mitigated(
        self,
        compiled: CompiledFilter,
        recorded: Iterable[RecordedOutcomes],
        filters: FloatArray,
        shape: tuple[int, int],
        mitigation: Mitigation,
    ) -> Measured:
        """What the estimator makes of all outcomes, shape (rows, patches)."""
        values, variances = np.empty(shape), np.empty(shape)
        vectors = compiled.filter_states(filters)
        for found in recorded:
            columns = found.load.columns
            for row, (angles, vector) in enumerate(zip(filters, vectors, strict=True)):
                estimates = mitigation.estimate(
                    mitigation.reading(found.load.variant, angles, vector),
                    None if found.counts is None else found.counts[row],
                    None if found.distribution is None else found.distribution[row],
                )
                values[row, columns] = estimates.values[0]
                variances[row, columns] = estimates.variances[0]
        mitigated = Estimates(values, variances)
        return Measured(compiled.template.observable, None, None, self.shots, mitigated)

    def sums(
        self,
        compiled: CompiledFilter,
        patches: Patches,
        images: NDArray[np.integer],
        filters: FloatArray,
        factors: FloatArray,
    ) -> FloatArray:
        """Exact means of circuits, multiplied by factors for each patch and summed over patches.

        Args:
            compiled: The structure.
            patches: The patches of some images.
            images: As for `patches`.
            filters: Rows of the table "filter", shape (rows, angles).
            factors: One or more for each patch that is not blank, shape (sums, patches).

        Returns:
            Shape (rows, sums).

        Raises:
            InputError: As the engine does.
        """
        if self.mitigation is not None:
            numbers = range(len(filters))
            found = self.patches(compiled, patches, images, filters, numbers=numbers, purpose=0)
            return found.estimates @ factors.T
        total = np.zeros((len(filters), len(factors)))
        for load in compiled.load_patches(patches):
            streams = Streams(self.seed, tuple(range(len(filters))), images[load.columns])
            tables = {"patch": load.angles, "filter": filters, "upstream": upstream_table(1.0)}
            total += self.engine.weighted_means(
                load.variant.template, self.noise, tables, factors[:, load.columns], streams
            )
        return total

    def _means(
        self, template: Template, tables: AngleTables, streams: Streams, upstream: FloatArray | None
    ) -> FloatArray:
        """Exact means, for a reader that differs from patch to patch from three that do not.

        It starts in (1 + cos t Z + sin t X)/2 with t = arccos g, and every mean is linear in its
        state: those at t = 0, pi/2 and pi give all others.
        """

        def at(value: float) -> FloatArray:
            own = {**tables, "upstream": upstream_table(value)}
            found = self.engine.run(template, self.noise, own, None, streams).means
            assert found is not None
            return found

        if upstream is None:
            return at(1.0)
        none, quarter, turned = at(1.0), at(0.0), at(-1.0)
        constant = (none + turned) / 2
        sine = np.sqrt(1 - upstream**2)
        return constant + (none - turned) / 2 * upstream + (quarter - constant) * sine


def stacked(parts: Sequence[Measured], rows: Sequence[Sequence[int]]) -> Measured:
    """What was measured in parts, as one.

    Args:
        parts: One or more, of the same patches, observable and shots.
        rows: For each part the numbers of its rows; together 0, 1, 2, ...
    """
    order = np.argsort(np.concatenate(rows))

    def joined(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
        found = [array for array in arrays if array is not None]
        return np.concatenate(found)[order] if len(found) == len(parts) else None

    first = parts[0]
    mitigated = None
    if first.mitigated is not None:
        mitigated = Estimates(
            np.concatenate([part.estimates for part in parts])[order],
            np.concatenate([part.variance for part in parts])[order],
        )
    means, counts = joined([p.means for p in parts]), joined([p.counts for p in parts])
    return Measured(first.observable, means, counts, first.shots, mitigated)
