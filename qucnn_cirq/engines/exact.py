"""The exact engine: the noisy mean of every patch, by factoring the process where it factors.

Data and filter sit on different qubits until they meet. The measured observable is carried
backwards (Heisenberg picture) through the noisy meeting and contracted with the noisy state of the
filter, once for each filter. What is left for each patch is one expectation value in the data
register, whose state is evolved for all patches at once, and kept for other filters and angles of
the same patches. Everything is done on real Pauli coefficients.
"""

from __future__ import annotations

import functools
import math
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, as_noise
from qucnn_cirq.advance import circuits_run
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.arrays import ARRAY_LIBRARIES, NUMPY, Array, array_library
from qucnn_cirq.engines.engine import Engine, relative_size
from qucnn_cirq.engines.evolution import Evolution
from qucnn_cirq.engines.given import GivenStates
from qucnn_cirq.engines.meeting import Meeting
from qucnn_cirq.engines.outcomes import check_outcomes, recorded
from qucnn_cirq.engines.prepared import (
    Prepared,
    is_constant,
    prepare,
    prepare_process,
    seconds_if_joined,
)
from qucnn_cirq.engines.process import Element
from qucnn_cirq.engines.streams import Outcome, Streams, outcome_from_means
from qucnn_cirq.threads import single_threaded_blas

_FEW_OUTCOMES = 4
"""Qubits whose outcomes are carried back one by one where the process does not factor."""
_PRODUCTS_TOGETHER = 64
"""Products of signs that are carried back and kept at a time."""
_LARGEST_JOINED = 2**23
"""Numbers in the states of patches that are multiplied together: 64 MiB."""
_FILTERS_TOGETHER = 2**24
"""Numbers in the largest tensor of all filters that are contracted together."""
_LARGEST_EVOLVED = 2**30
"""Bytes of patches' states that are kept: a GiB, a million patches of four qubits."""
_KEEPING = threading.Lock()
"""Held while states are put where they are kept; letting go of them takes no lock."""
_MOST_KEPT = 64
"""Arrays of filters that are kept, each of at most so many numbers:"""
_LARGEST_KEPT = 2**20


class ExactEngine(Engine):
    """Computes exact means under any noise that has Kraus operators.

    A process that does not factor is evolved whole, which takes 4^n numbers for n qubits.

    Args:
        library: Name of the array library that computes: "numpy", "float32" for NumPy in single
            precision, or "torch" or "cupy" for a GPU.

    Raises:
        InputError: If there is no such library.
    """

    label = "qucnn_cirq: exact"
    is_threaded = True

    def __init__(self, library: str = "numpy") -> None:
        self._library = array_library(library)
        self.name = "exact" if self._library is NUMPY else f"exact:{library}"
        self._kept: dict[object, Array] = {}
        self._kept_filters: dict[object, Array] = {}
        self._evolved: dict[_Key, tuple[weakref.ref[NDArray[np.float64]], list[Array]]] = {}

    def __reduce__(self) -> tuple[type[ExactEngine], tuple[str]]:
        # The module of the library cannot be copied, and what is kept is found again.
        return type(self), (self._library.name,)

    @classmethod
    def seconds(cls, template: Template, noise: Noise, shots: int, variant: str = "") -> float:
        """See `Engine.seconds`: gates times numbers of a state, whatever the shots.

        Microseconds for registers of four qubits; of the whole where noise joins the registers.
        """
        gates = sum(len(each.qubits) == 2 for each in template.marked_circuit.all_operations())
        apart = 1e-5 * relative_size(template) * max(1.0, gates / 32)
        return max(apart, seconds_if_joined(template, noise))

    @classmethod
    def variants(cls) -> tuple[str, ...]:
        """The array libraries besides NumPy."""
        return tuple("" if name == NUMPY.name else name for name in ARRAY_LIBRARIES)

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """Exact means, and shots drawn from them; see `qucnn_cirq.engines.Engine`."""
        return outcome_from_means(self.means(template, noise, tables), template, shots, streams)

    @single_threaded_blas()
    def means(self, template: Template, noise: Noise, tables: AngleTables) -> NDArray[np.float64]:
        """Exact means of the observable, noise and readout included.

        Args:
            template: The compiled circuit.
            noise: The noise.
            tables: The angle tables: ``"patch"`` (patches, ...), ``"filter"`` (filters, ...) and,
                for backward circuits, ``"upstream"`` with one row.

        Returns:
            Means of shape (filters, patches).

        Raises:
            InputError: If the process neither factors nor fits the memory.
        """
        prepared = prepare(template, noise, self._library)
        return self._means(prepared, prepared.meeting, template, noise, tables)

    @single_threaded_blas()
    def means_of_process(
        self,
        elements: Sequence[Element],
        template: Template,
        observable: Observable,
        tables: AngleTables,
    ) -> NDArray[np.float64]:
        """Exact means of a process other than a template's own, readout included in it.

        Args:
            elements: Gates and channels in order of time.
            template: Whose qubits and registers they act on.
            observable: What is measured without further errors.
            tables: The angle tables, as for `means`; those that prepare a patch that is handed
                over.

        Returns:
            Means of shape (filters, patches).

        Raises:
            InputError: As `means`.
        """
        ideal = as_noise(None)
        prepared = prepare_process(elements, template, observable, ideal, self._library)
        # Nothing that is kept tells this process from the template's own.
        fresh = type(self)(self._library.name)
        return fresh._means(prepared, prepared.meeting, template, ideal, tables)

    @single_threaded_blas()
    def distribution(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """As `Engine.distribution`: the meeting has one more index for each measured qubit."""
        qubits = template.observable.qubits
        check_outcomes(qubits)
        prepared = prepare(template, noise, self._library)
        if not prepared.process.is_cut and len(qubits) > _FEW_OUTCOMES:
            return self._by_populations(prepared, template, noise, tables)
        if not prepared.fits(prepared.outcomes):
            return self._by_parities(template, noise, tables)
        prepared.check_memory(prepared.outcomes)
        found = []
        for weights, states in self._parts(prepared, prepared.outcomes, template, noise, tables):
            n_outcomes, n_rows = 1 << len(qubits), weights.shape[1]
            true = self._library.get(weights).reshape(-1, n_outcomes, n_rows)
            read = recorded(true.swapaxes(1, 2), qubits, noise).swapaxes(1, 2)
            effects = self._library.put(np.ascontiguousarray(read).reshape(-1, n_rows))
            means = self._expectations(effects, states, n_outcomes)
            means = means.reshape(-1, n_outcomes, means.shape[1])
            found.append(np.ascontiguousarray(means.swapaxes(1, 2)))
        return np.concatenate(found)

    def _by_populations(
        self, prepared: Prepared, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """Probabilities from whole states at the end, of which only products of Z are needed.

        Carried back, every outcome would be an operator on all qubits.
        """
        prepared.check_memory(prepared.meeting)
        qubits, whole = template.observable.qubits, prepared.whole
        shifts = [2 * (len(whole.qubits) - 1 - whole.qubits.index(qubit)) for qubit in qubits]
        labels = np.zeros(1, dtype=np.int64)
        for shift in shifts:
            labels = np.add.outer(labels, np.array([0, 3]) << shift).ravel()
        order = np.argsort(whole.live)
        places = np.searchsorted(whole.live, labels, sorter=order) % len(order)
        rows = order[places]
        carried = np.equal(whole.live[rows], labels)
        found = []
        for own in _filters(tables, size=1):
            parts = [
                self._library.get(states[self._library.put(rows)])
                for states in self._evolve(whole, own)
            ]
            means = np.where(carried[:, None], np.concatenate(parts, axis=1), 0.0)
            chances = means.T.reshape(-1, *(2,) * len(qubits))
            for axis in range(1, len(qubits) + 1):
                zero, one = np.split(chances, 2, axis)
                chances = np.concatenate([zero + one, zero - one], axis) / 2
            found.append(recorded(chances.reshape(len(means.T), -1), qubits, noise))
            circuits_run(means.shape[1])
        return np.stack(found)

    def _by_parities(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """Probabilities of all outcomes, of which the means of all products of signs are sums.

        They take longer than `distribution` and less memory: some products at a time.
        """
        n_bits = len(template.observable.qubits)
        bits = (np.arange(1 << n_bits)[:, None] >> np.arange(n_bits)[::-1]) & 1
        signs = 1.0 - 2 * (bits @ bits.T & 1)
        groups = [tuple(np.flatnonzero(row).tolist()) for row in bits]
        # Of no sign at all the product is 1.
        chances = np.ones((len(tables["filter"]), 1 << n_bits, len(tables["patch"])))
        for start in range(1, len(groups), _PRODUCTS_TOGETHER):
            own = slice(start, start + _PRODUCTS_TOGETHER)
            means = self.parities(template, noise, tables, groups[own])
            chances += np.einsum("go,fgp->fop", signs[own], means, optimize=True)
        return np.ascontiguousarray(chances.swapaxes(1, 2)) / (1 << n_bits)

    @single_threaded_blas()
    def parities(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        groups: Sequence[tuple[int, ...]],
    ) -> NDArray[np.float64]:
        """As `Engine.parities`: each product is carried back by itself, and meets all patches."""
        prepared = prepare(template, noise, self._library)
        meetings = []
        for group in groups:
            qubits = [template.observable.qubits[place] for place in group]
            observable = Observable(tuple(((qubit,), (1.0, -1.0)) for qubit in qubits), low=-1.0)
            meetings.append(prepared.meet(observable))
            prepared.check_memory(meetings[-1])
        if not prepared.process.is_cut:
            found = [self._means(prepared, each, template, noise, tables) for each in meetings]
            return np.stack(found, axis=1)
        # The states of patches take longest, and are the same for all products.
        rows = [self._weights(prepared, each, template, noise, tables) for each in meetings]
        weights = self._library.put(np.stack([self._library.get(each) for each in rows], axis=1))
        states = self._states(prepared, template, noise, tables)
        flat = weights.reshape(-1, weights.shape[-1])
        means = self._expectations(flat, states, len(groups))
        return means.reshape(-1, len(groups), means.shape[1])

    def _means(
        self,
        prepared: Prepared,
        meeting: Meeting,
        template: Template,
        noise: Noise,
        tables: AngleTables,
    ) -> NDArray[np.float64]:
        """Means of what a meeting carries back, shape (filters, patches)."""
        prepared.check_memory(meeting)
        parts = self._parts(prepared, meeting, template, noise, tables)
        return np.concatenate([self._expectations(*part) for part in parts])

    def _parts(
        self,
        prepared: Prepared,
        meeting: Meeting,
        template: Template,
        noise: Noise,
        tables: AngleTables,
    ) -> Iterator[tuple[Array, Iterable[Array]]]:
        """What is measured, for each filter on the data register, and the states of the patches.

        Where the process does not factor it is the patch's as a whole, and filters are run one
        after the other.
        """
        if prepared.process.is_cut:
            weights = self._weights(prepared, meeting, template, noise, tables)
            yield weights, self._states(prepared, template, noise, tables)
            return
        weights = prepared.on_data(
            meeting.weights(self._library.put(np.ones((1, 1))), {}), self._library
        )
        for own in _filters(tables, size=1):
            yield weights, self._evolve(prepared.patch, own)

    @single_threaded_blas()
    def weighted_means(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        factors: NDArray[np.float64],
        streams: Streams,
    ) -> NDArray[np.float64]:
        """As `Engine.weighted_means`: the patches' states are summed, not their means."""
        prepared = prepare(template, noise, self._library)
        if not prepared.process.is_cut:
            return super().weighted_means(template, noise, tables, factors, streams)
        prepared.check_memory(prepared.meeting)
        weights = self._weights(prepared, prepared.meeting, template, noise, tables)
        # By a power of two, so that single precision reaches them.
        exponent = int(np.frexp(np.abs(factors).max(initial=0.0))[1])
        factors = np.ldexp(factors, -exponent)
        # Of as many rows as there are carried coefficients.
        total, start = self._library.put(np.zeros((weights.shape[1], len(factors)))), 0
        for states in self._states(prepared, template, noise, tables):
            n_patches = states.shape[1]
            total += states @ self._library.put(factors[:, start : start + n_patches].T)
            start += n_patches
            circuits_run(len(weights) * n_patches)
        sums: NDArray[np.float64] = np.ldexp(self._library.get(weights @ total), exponent)
        return sums

    def _weights(
        self,
        prepared: Prepared,
        meeting: Meeting,
        template: Template,
        noise: Noise,
        tables: AngleTables,
    ) -> Array:
        """For each filter what is measured, on the data register; kept for the next batch."""
        others = {name: table for name, table in tables.items() if name != "patch"}
        angles = tuple((name, t.tobytes()) for name, t in others.items())
        key = (template, noise, meeting, angles)
        known = self._kept.get(key)
        if known is not None:
            return known
        largest = max(meeting.elements, 4 ** len(prepared.filter.qubits))
        parts = []
        for own in _filters(others, size=max(1, _FILTERS_TOGETHER // largest)):
            states = self._filter_states(prepared.filter, own)
            carried = prepared.on_data(meeting.weights(states, own), self._library)
            parts.append(self._library.get(carried))
        weights = self._library.put(np.concatenate(parts))
        if is_constant(noise):
            _keep(self._kept, key, weights)
        return weights

    def _filter_states(self, filters: Evolution, tables: AngleTables) -> Array:
        """All coefficients of some filters' states; kept for patches that are loaded otherwise."""
        key = (filters, tuple((name, table.tobytes()) for name, table in tables.items()))
        known = self._kept_filters.get(key)
        if known is None:
            known = filters.whole(filters.run(tables, len(tables["filter"])))
            _keep(self._kept_filters, key, known)
        return known

    def _expectations(
        self, weights: Array, parts: Iterable[Array], rows_each: int = 1
    ) -> NDArray[np.float64]:
        """Means of all patches, shape (rows, patches), from their states in parts.

        A filter has ``rows_each`` rows of the weights.
        """
        means = [np.empty((len(weights), 0))]
        for states in self._side_by_side(parts, len(weights)):
            means.append(self._library.get(weights @ states))
            circuits_run(len(weights) // rows_each * states.shape[1])
        return np.concatenate(means, axis=1)

    def _side_by_side(self, parts: Iterable[Array], rows: int) -> Iterator[Array]:
        """Joins states that many rows of weights are to be read for, which takes longer than that.

        The parts fit the cache: on many qubits a few patches, or one.
        """
        waiting: list[Array] = []
        columns = 0
        for states in parts:
            waiting.append(states)
            columns += states.shape[1]
            if columns >= rows or columns * states.shape[0] >= _LARGEST_JOINED:
                yield self._joined(waiting)
                waiting, columns = [], 0
        if waiting:
            yield self._joined(waiting)

    def _joined(self, parts: list[Array]) -> Array:
        return parts[0] if len(parts) == 1 else self._library.module.concatenate(parts, 1)

    def _states(
        self, prepared: Prepared, template: Template, noise: Noise, tables: AngleTables
    ) -> Iterable[Array]:
        """The states of all patches, in parts; kept while there is a table that nobody changes."""
        angles = tables["patch"]
        if prepared.is_given:
            return [GivenStates(angles)]
        key = (template, noise, id(angles))
        found = self._evolved.get(key)
        if found is not None and found[0]() is angles:
            return found[1]
        parts = self._evolve(prepared.patch, tables)
        size = self._library.itemsize * len(prepared.patch.live)
        if (
            angles.flags.writeable
            or not is_constant(noise)
            or size * len(angles) > _LARGEST_EVOLVED
        ):
            return parts
        whole = list(parts)
        with _KEEPING:
            if size * len(angles) + self._bytes_evolved > _LARGEST_EVOLVED:
                # Under the same noise others come back as soon: who goes round through more
                # patches than fit would find none of them if each made room for the next.
                for other in [other for other in list(self._evolved) if other[1] != noise]:
                    self._evolved.pop(other, None)
            if size * len(angles) + self._bytes_evolved <= _LARGEST_EVOLVED:
                forget = functools.partial(_forget, weakref.ref(self), key)
                self._evolved[key] = weakref.ref(angles, forget), whole
        return whole

    @property
    def _bytes_evolved(self) -> int:
        states = [part for _, parts in list(self._evolved.values()) for part in parts]
        return sum(self._library.itemsize * math.prod(part.shape) for part in states)

    def _evolve(self, patch: Evolution, tables: AngleTables) -> Iterator[Array]:
        """The states of all patches, those that fit the cache at a time: (live rows, patches)."""
        n_patches = len(tables["patch"])
        size = self._library.itemsize * len(patch.live)
        chunk = max(1, self._library.chunk_bytes // size)
        for start in range(0, n_patches, chunk):
            own = {**tables, "patch": tables["patch"][start : start + chunk]}
            yield patch.run(own, len(own["patch"]))


def _keep(kept: dict[object, Array], key: object, array: Array) -> None:
    """Keeps an array if it is small, and lets go of all others when they are many."""
    if math.prod(array.shape) <= _LARGEST_KEPT:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = array


_Key = tuple[Template, Noise, int]
"""A circuit, its noise and the identity of a table of patches' angles."""


def _forget(engine: weakref.ref[ExactEngine], key: _Key, _: object) -> None:
    """Lets go of the states of patches whose angles are gone."""
    alive = engine()
    if alive is not None:
        alive._evolved.pop(key, None)


def _filters(tables: AngleTables, size: int) -> Iterator[dict[str, NDArray[np.float64]]]:
    """The tables of some filters at a time."""
    for start in range(0, len(tables["filter"]), size):
        yield {**tables, "filter": tables["filter"][start : start + size]}
