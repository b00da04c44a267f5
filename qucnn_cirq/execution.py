"""The one place where circuits are bound, seeded, run and turned into estimates.

Forward passes, gradients, windows of quantum data and the checks of studies all run their circuits
here, so that they share seeds, engines and what an estimate's variance means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from noise_models import Noise
from noise_models.drift import refuse_drift
from noise_models.extensions import users_code
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.compiled_filter import CompiledFilter
from qucnn_cirq.compiler.program import upstream_table
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines import Engine, Streams, Twirl, twirled_engine
from qucnn_cirq.engines.streams import outcome_from_means
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Estimates, Mitigation
from qucnn_cirq.measured import Measured, RecordedOutcomes
from qucnn_cirq.measurements import Numbers
from qucnn_cirq.patches import Patches

FloatArray = NDArray[np.float64]

_MOST_COUNTED = 2**22
"""Counts of all outcomes that are in memory before they are packed: 32 MiB."""


@dataclass(frozen=True, eq=False)
class Execution:
    """How circuits are run.

    Attributes:
        engine: What runs them.
        noise: The noise.
        shots: Shots of each circuit; None for exact means.
        seed: Seed of all shots, from 0 to 2^64 - 1.
        mitigation: What makes overlaps of all outcomes; None for the mean of the observable.
        keeps_outcomes: Whether the counts of all outcomes are kept.
        twirl: What the shots are shared among where outcomes are told apart; None for the circuit
            alone.
    """

    engine: Engine
    noise: Noise
    shots: int | None
    seed: int
    mitigation: Mitigation | None = None
    keeps_outcomes: bool = False
    twirl: Twirl | None = None

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
        vectors: NDArray[np.complex128] | None = None,
        weights: FloatArray | None = None,
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
            vectors: The states of the rows' filters, which mitigation compares patches with, shape
                (rows, 2^n); None where all rows are settings of the structure's own filter.
            weights: With a measurement that gives several numbers, what each is multiplied by
                before they are summed, shape (numbers, patches); None for each number by itself.

        Returns:
            What was measured, shape (rows, patches), or (rows * numbers, patches) where each
            circuit gives several numbers, those of a row side by side.

        Raises:
            InputError: As the engine does.
        """
        shape = (len(filters), patches.n_occupied)
        if self.mitigation is not None and upstream is not None:
            raise InputError(
                "mitigation makes overlaps of all outcomes, and an in-circuit gradient reads one "
                "ancilla: choose another gradient method, or leave mitigation out."
            )
        if not compiled.is_two_valued:
            measurement = compiled.measurement
            products = measurement and measurement.products(compiled.loader.n_qubits)
            if self.shots is None and products:
                return self._products(compiled, patches, filters, products, weights)
            recorded = self.outcomes(
                compiled, patches, images, filters, numbers=numbers, purpose=purpose
            )
            return self._numbers(compiled, recorded, shape, weights)
        if self.mitigation is not None and self.mitigation.runs_circuits:
            rows = list(zip(numbers, filters, strict=True))
            return self._by_circuits(compiled, patches, images, rows, vectors, purpose)
        if self.mitigation is not None or (self.keeps_outcomes and upstream is None):
            recorded = self.outcomes(
                compiled, patches, images, filters, numbers=numbers, purpose=purpose
            )
            if vectors is None:
                vectors = compiled.filter_states(filters)
            return self._of_outcomes(compiled, recorded, filters, vectors, shape)
        means: FloatArray | None = np.empty(shape)
        counts = None if self.shots is None else np.empty(shape, dtype=np.int64)
        for load in compiled.load_patches(patches):
            template = load.variant.template
            own = images[load.columns]
            streams = Streams(self.seed, tuple(numbers), own, load.index, purpose)
            tables = {"patch": load.angles, "filter": filters, "upstream": upstream_table(1.0)}
            wanted = None if upstream is None else upstream[load.columns]
            drawn = self.shots is None or (from_means and not self.engine.is_measured)
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
            What was recorded with each circuit that patches are run with, of some images at a time.

        Raises:
            InputError: As the engine does.
        """
        for load in compiled.load_patches(patches):
            template = load.variant.template
            each = len(filters) << len(template.observable.qubits)
            for part in _by_images(images[load.columns], max(1, _MOST_COUNTED // each)):
                whole = part.stop - part.start == len(load.columns)
                # The same object for the same patches, of which an engine keeps states.
                angles = load.angles if whole else load.angles[part]
                tables = {"patch": angles, "filter": filters, "upstream": upstream_table(1.0)}
                columns = load.columns[part]
                streams = Streams(self.seed, tuple(numbers), images[columns], load.index, purpose)
                counts, chances = self._counted(template, tables, streams)
                yield RecordedOutcomes(load.index, load.variant, columns, counts, chances)

    def _counted(
        self, template: Template, tables: AngleTables, streams: Streams
    ) -> tuple[NDArray[np.int64] | None, FloatArray | None]:
        """Counts of all outcomes, and their probabilities where they are at hand."""
        found = self._recorded(template, tables, streams)
        relabelling = template.relabelling
        if relabelling is None:
            return found
        counts, chances = found
        return (
            None if counts is None else relabelling.read(counts),
            None if chances is None else relabelling.read(chances),
        )

    def _recorded(
        self, template: Template, tables: AngleTables, streams: Streams
    ) -> tuple[NDArray[np.int64] | None, FloatArray | None]:
        """As `_counted`, of the bits that are recorded."""
        engine = self.engine
        is_pure = self.noise.gate_model == cirq.NO_NOISE and self.noise.drift is None
        twirled = twirled_engine(engine, self.twirl)
        if self.shots is None:
            return None, twirled.distribution(template, self.noise, tables)
        can_draw = (is_pure or not engine.samples) and not engine.is_measured
        if can_draw and engine.gives_means(template, self.noise):
            # As if each shot took one of the forms at random: evenly shared they scatter no more.
            chances = twirled.distribution(template, self.noise, tables)
            return streams.multinomial(self.shots, chances), chances
        counts = twirled.outcome_counts(template, self.noise, tables, self.shots, streams)
        if engine.is_measured and engine.predicts(template, self.noise):
            return counts, twirled.distribution(template, self.noise, tables)
        return counts, None

    def _by_circuits(
        self,
        compiled: CompiledFilter,
        patches: Patches,
        images: NDArray[np.integer],
        rows: Sequence[tuple[int, FloatArray]],
        vectors: NDArray[np.complex128] | None,
        purpose: int,
    ) -> Measured:
        """What a method makes of the circuits that it runs; a row is a number and its angles."""
        mitigation = self.mitigation
        assert mitigation is not None
        refuse_drift(self.noise.drift)
        if vectors is None:
            vectors = compiled.filter_states(np.array([angles for _, angles in rows]))
        own = _patch_ids(images)
        values, variances = np.empty((2, len(rows), patches.n_occupied))
        for load in compiled.load_patches(patches):
            columns = load.columns
            for row, ((number, angles), vector) in enumerate(zip(rows, vectors, strict=True)):
                streams = Streams(self.seed, (number,), own[columns], load.index, purpose)
                found = mitigation.measure(
                    mitigation.reading(load.variant, angles, vector, compiled),
                    patches.inputs[columns],
                    self.shots,
                    self.engine,
                    self.noise,
                    streams,
                )
                values[row, columns], variances[row, columns] = found.values[0], found.variances[0]
        mitigated = Estimates(values, variances)
        return Measured(compiled.template.observable, None, None, self.shots, mitigated)

    def _of_outcomes(
        self,
        compiled: CompiledFilter,
        recorded: Iterable[RecordedOutcomes],
        filters: FloatArray,
        vectors: NDArray[np.complex128],
        shape: tuple[int, int],
    ) -> Measured:
        """What is known of patches whose outcomes were all told apart, shape (rows, patches)."""
        observable = compiled.template.observable
        values, variances = np.empty(shape), np.empty(shape)
        means: FloatArray | None = np.empty(shape)
        counts = None if self.shots is None else np.empty(shape, dtype=np.int64)
        parts: list[tuple[NDArray[np.intp], list[csr_array]]] = []
        for found in recorded:
            columns = found.columns
            if found.distribution is None:
                means = None
            elif means is not None:
                means[:, columns] = found.distribution @ observable.table
            if found.counts is not None and counts is not None:
                counts[:, columns] = found.counts[..., observable.table == 1].sum(axis=-1)
                if self.keeps_outcomes:
                    parts.append((columns, [csr_array(each) for each in found.counts]))
            if self.mitigation is not None:
                for row, estimates in enumerate(
                    _estimates(self.mitigation, compiled, filters, vectors, found)
                ):
                    values[row, columns] = estimates.values[0]
                    variances[row, columns] = estimates.variances[0]
        mitigated = None if self.mitigation is None else Estimates(values, variances)
        kept = None
        if self.keeps_outcomes and counts is not None:
            kept = _in_order(parts, len(filters), len(observable.table))
            if compiled.measurement is not None:
                # Which bits are recorded of a product differs from circuit to circuit.
                signs = [observable.table == 1, observable.table != 1]
                product = csr_array(np.array(signs, dtype=np.int64).T)
                kept = tuple(csr_array(each @ product) for each in kept)
        return Measured(observable, means, counts, self.shots, mitigated, kept)

    def _products(
        self,
        compiled: CompiledFilter,
        patches: Patches,
        filters: FloatArray,
        products: Sequence[tuple[int, ...]],
        weights: FloatArray | None,
    ) -> Measured:
        """As `_numbers`, without shots, where each number is the product of some signs."""
        values = np.zeros((len(filters), len(products), patches.n_occupied))
        for load in compiled.load_patches(patches):
            tables = {"patch": load.angles, "filter": filters, "upstream": upstream_table(1.0)}
            template, relabelling = load.variant.template, load.variant.template.relabelling
            recorded, signs = products, np.ones(len(products))
            if relabelling is not None:
                recorded, signs = relabelling.products(products)
            found = self.engine.parities(template, self.noise, tables, recorded)
            values[..., load.columns] = found * signs[:, None]
        if weights is not None:
            values = (values * weights).sum(axis=1, keepdims=True)
        flat = values.reshape(values.shape[0] * values.shape[1], values.shape[2])
        estimates = Estimates(flat, np.zeros_like(flat))
        return Measured(compiled.template.observable, flat, None, None, estimates)

    def _numbers(
        self,
        compiled: CompiledFilter,
        recorded: Iterable[RecordedOutcomes],
        shape: tuple[int, int],
        weights: FloatArray | None,
    ) -> Measured:
        """The numbers of a measurement, or their weighted sums; as `patches`."""
        measurement, observable = compiled.measurement, compiled.template.observable
        assert measurement is not None
        if weights is not None and not measurement.is_linear:
            raise InputError(
                f"measurement = {measurement.kind!r} has no gradient: its numbers are no means."
            )
        n_qubits, n_rows = compiled.loader.n_qubits, shape[0]
        table = measurement.table(n_qubits)
        each = len(table) if weights is None else 1
        values, variances = np.zeros((2, n_rows, each, shape[1]))
        exact: FloatArray | None = np.zeros((n_rows, each, shape[1]))
        parts: list[tuple[NDArray[np.intp], list[csr_array]]] = []

        def numbers(chances: FloatArray, columns: NDArray[np.intp]) -> Numbers:
            if weights is None:
                with users_code(f"measurement {measurement.kind}"):
                    return measurement.evaluate(chances, n_qubits, self.shots)
            return _weighted(chances, weights[:, columns].T @ table, self.shots)

        for found in recorded:
            columns, known = found.columns, found.distribution
            assumed = known
            if found.counts is not None and self.shots is not None:
                # Shots that are all alike do not make a number certain.
                extra = 2 / found.counts.shape[-1]
                assumed = (found.counts + extra) / (self.shots + 2) if known is None else known
                own = numbers(found.counts / self.shots, columns).values
                if self.keeps_outcomes:
                    parts.append((columns, [csr_array(row) for row in found.counts]))
            assert assumed is not None
            model = numbers(assumed, columns)
            if known is None:
                exact = None
            elif exact is not None:
                exact[:, :, columns] = model.values.swapaxes(1, 2)
            best = model.values if self.shots is None else own
            values[:, :, columns] = best.swapaxes(1, 2)
            variances[:, :, columns] = model.variances.swapaxes(1, 2)
        flat = (n_rows * each, shape[1])
        kept = _in_order(parts, n_rows, table.shape[1]) if self.keeps_outcomes and parts else None
        means = None if exact is None else exact.reshape(flat)
        estimates = Estimates(values.reshape(flat), variances.reshape(flat))
        return Measured(observable, means, None, self.shots, estimates, kept)

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


def _weighted(chances: FloatArray, table: FloatArray, shots: int | None) -> Numbers:
    """The mean of a value that is another for each patch.

    Args:
        chances: Shape (rows, patches, outcomes).
        table: The value of each outcome, shape (patches, outcomes).
        shots: Shots behind each, or None.

    Returns:
        Shape (rows, patches, 1).
    """
    values = np.einsum("rpo,po->rp", chances, table)[..., None]
    if shots is None:
        return Numbers(values, np.zeros_like(values))
    spread = np.einsum("rpo,po->rp", chances, table**2)[..., None] - values**2
    return Numbers(values, np.maximum(spread, 0.0) / shots)


def _estimates(
    mitigation: Mitigation,
    compiled: CompiledFilter,
    filters: FloatArray,
    vectors: NDArray[np.complex128],
    found: RecordedOutcomes,
) -> Iterator[Estimates]:
    """What the estimator makes of outcomes, for each filter."""
    for row, (angles, vector) in enumerate(zip(filters, vectors, strict=True)):
        yield mitigation.estimate(
            mitigation.reading(found.variant, angles, vector, compiled),
            None if found.counts is None else found.counts[row],
            None if found.distribution is None else found.distribution[row],
        )


def _patch_ids(images: NDArray[np.integer]) -> NDArray[np.int64]:
    """A number for each patch, of its image and its place among the image's patches."""
    order = np.argsort(images, kind="stable")
    starts = np.flatnonzero(np.diff(images[order], prepend=images[order[:1]] - 1))
    lengths = np.diff(np.append(starts, len(images)))
    places = np.empty(len(images), dtype=np.uint64)
    places[order] = np.arange(len(images)) - np.repeat(starts, lengths)
    mixed = images.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + places
    ids: NDArray[np.int64] = (mixed >> np.uint64(1)).astype(np.int64)
    return ids


def _by_images(images: NDArray[np.integer], most: int) -> Iterator[slice]:
    """Patches a few images at a time, about ``most`` patches or all of one image.

    Images whose patches are not side by side share a stream, and stay together.
    """
    starts = np.flatnonzero(np.diff(images, prepend=images[:1] - 1))
    if len(np.unique(images)) < len(starts):
        starts = starts[:1]
    first = 0
    for end in [*starts[1:].tolist(), len(images)]:
        if end - first >= most or end == len(images):
            yield slice(first, end)
            first = end


def _in_order(
    parts: Sequence[tuple[NDArray[np.intp], list[csr_array]]], n_rows: int, n_outcomes: int
) -> tuple[csr_array, ...]:
    """Counts of some patches at a time as those of all, for each row."""
    if not parts:
        return (csr_array((0, n_outcomes), dtype=np.int64),) * n_rows
    order = np.argsort(np.concatenate([columns for columns, _ in parts]))
    return tuple(
        vstack([each[row] for _, each in parts], format="csr")[order] for row in range(n_rows)
    )
