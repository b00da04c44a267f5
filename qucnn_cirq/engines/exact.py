"""The exact engine: the noisy mean of every patch, by factoring the process where it factors.

Data and filter sit on different qubits until they meet. The measured observable is carried
backwards (Heisenberg picture) through the noisy meeting once, contracted with the noisy filter
state, and what is left for each patch is one expectation value in the data register, whose state
is evolved for all patches at once. Everything is done on real Pauli coefficients.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.arrays import NUMPY, Array, ArrayLibrary, array_library
from qucnn_cirq.engines.evolution import Evolution, Start
from qucnn_cirq.engines.factoring import Factored, factor
from qucnn_cirq.engines.pauli_transfer import IDENTITY, ZERO_STATE, diagonal_coefficients
from qucnn_cirq.engines.process import physical_process, read_observable
from qucnn_cirq.engines.steps import Step
from qucnn_cirq.engines.streams import Outcome, Streams, outcome_from_means
from qucnn_cirq.errors import InputError

EXACT = "exact:"
"""Begins the name of an exact engine that computes with another array library."""

_LARGEST_STATE = 11
"""Qubits whose 4^n Pauli coefficients (32 MiB) are evolved for each patch."""
_LARGEST_MEETING = 13
"""Qubits of the carried observable (512 MiB, and twice that while a step is applied)."""
_KEPT_WEIGHTS = 64
_KEPT_CARRIED = 8
_LARGEST_KEPT = 2**26


@dataclass(frozen=True, eq=False)
class Prepared:
    """A process that is ready to be computed with one array library.

    Attributes:
        process: The process in its parts.
        patch: Evolves the data register.
        filter: Evolves the filter register.
        library: The array library.
    """

    process: Factored
    patch: Evolution
    filter: Evolution
    library: ArrayLibrary


@dataclass(frozen=True, eq=False)
class _Carried:
    """The observable before the meeting.

    Attributes:
        qubits: The qubits of its axes.
        coefficients: Shape (4^m, 1).
    """

    qubits: tuple[cirq.Qid, ...]
    coefficients: Array


class ExactEngine:
    """Computes exact means under any noise that has Kraus operators.

    A process that does not factor is evolved whole, which takes 4^n numbers for n qubits.

    Args:
        library: Name of the array library that computes: "numpy", or "torch" or "cupy" for a GPU.

    Raises:
        InputError: If there is no such library.
    """

    def __init__(self, library: str = "numpy") -> None:
        self._library = array_library(library)
        self.name = "exact" if self._library is NUMPY else f"{EXACT}{library}"
        self._kept: dict[object, Array] = {}
        self._kept_carried: dict[object, _Carried] = {}

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """Exact means, and shots drawn from them; see :class:`~qucnn_cirq.engines.Engine`."""
        return outcome_from_means(self.means(template, noise, tables), template, shots, streams)

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
        check_memory(template, noise)
        prepared = _prepared(template, noise, self._library)
        if prepared.process.is_cut:
            weights = self._weights(template, noise, tables)
            return self._expectations(prepared.patch, weights, tables)
        # The whole process is the patch's: filters are run one after the other.
        weights = _weights_on(prepared, self._carried_back(template, noise, {}), None)
        means = [
            self._expectations(prepared.patch, weights, own) for own in _one_filter_each(tables)
        ]
        return np.concatenate(means)

    def _weights(self, template: Template, noise: Noise, tables: AngleTables) -> Array:
        """For each filter the observable on the data register; kept for the next batch."""
        others = {name: table for name, table in tables.items() if name != "patch"}
        key = (template, noise, tuple((name, t.tobytes()) for name, t in others.items()))
        if key not in self._kept:
            if len(self._kept) >= _KEPT_WEIGHTS:
                self._kept.clear()
            self._kept[key] = self._new_weights(template, noise, others)
        return self._kept[key]

    def _new_weights(self, template: Template, noise: Noise, tables: AngleTables) -> Array:
        prepared = _prepared(template, noise, self._library)
        if not prepared.process.meets_through_filter:
            carried = self._carried_back(template, noise, tables)
            filters = prepared.filter.run(tables, len(tables["filter"]))
            return _weights_on(prepared, carried, filters)
        back = _carrying_back(prepared.process, template, noise, self._library)
        parts = [
            _weights_on(prepared, _Carried(back.qubits, back.run(own)), prepared.filter.run(own))
            for own in _one_filter_each(tables)
        ]
        return self._library.put(np.concatenate([self._library.get(part) for part in parts]))

    def _carried_back(self, template: Template, noise: Noise, tables: AngleTables) -> _Carried:
        """What no filter changes: in training, angles change at every step and this does not."""
        upstream = tables["upstream"].tobytes() if "upstream" in tables else b""
        key = (template, noise, upstream)
        if key in self._kept_carried:
            return self._kept_carried[key]
        process = _prepared(template, noise, self._library).process
        back = _carrying_back(process, template, noise, self._library)
        carried = _Carried(back.qubits, back.run(tables))
        if len(self._kept_carried) >= _KEPT_CARRIED:
            self._kept_carried.clear()
        if 8 * len(carried.coefficients) <= _LARGEST_KEPT:
            self._kept_carried[key] = carried
        return carried

    def _expectations(
        self, patch: Evolution, weights: Array, tables: AngleTables
    ) -> NDArray[np.float64]:
        """Means for all patches, a chunk that fits the cache at a time; (filters, patches)."""
        n_patches = len(tables["patch"])
        chunk = max(1, self._library.chunk_bytes // (8 * 4 ** len(patch.qubits)))
        means = np.empty((len(weights), n_patches))
        for start in range(0, n_patches, chunk):
            rows = slice(start, start + chunk)
            own = {**tables, "patch": tables["patch"][rows]}
            means[:, rows] = self._library.get(weights @ patch.run(own, len(own["patch"])))
        return means


def check_memory(template: Template, noise: Noise) -> bool:
    """Refuses what does not fit: a patch's state, or the observable carried through the meeting.

    Returns:
        Whether the process factors.

    Raises:
        InputError: With the size that would be needed.
    """
    process = _factored(template, noise)
    sizes = {
        "the state of a patch": (len(process.data_qubits), _LARGEST_STATE),
        "the observable, where data and filter meet,": (_meeting_size(process), _LARGEST_MEETING),
    }
    for name, (n_qubits, limit) in sizes.items():
        if n_qubits > limit:
            raise InputError(
                f"{name} has {n_qubits} qubits, which takes {8 * 4**n_qubits / 2**30:.1f} GiB; the "
                f"exact engine goes up to {limit}. Choose engine = 'qsim' or a smaller kernel."
            )
    return process.is_cut


def _meeting_size(process: Factored) -> int:
    if not process.is_cut:
        return 0
    met = {qubit for step in process.meeting for qubit in step.qubits}
    return len(met.union(process.data_qubits, process.filter_qubits))


@functools.lru_cache(maxsize=64)
def _factored(template: Template, noise: Noise) -> Factored:
    return factor(physical_process(template, noise), template)


@functools.lru_cache(maxsize=64)
def _prepared(template: Template, noise: Noise, library: ArrayLibrary) -> Prepared:
    process = _factored(template, noise)

    def register(steps: list[Step], qubits: tuple[cirq.Qid, ...]) -> Evolution:
        return Evolution(steps, [((qubit,), ZERO_STATE) for qubit in qubits], library)

    return Prepared(
        process,
        register(process.patch, process.data_qubits),
        register(process.filter, process.filter_qubits),
        library,
    )


def _carrying_back(
    process: Factored, template: Template, noise: Noise, library: ArrayLibrary
) -> Evolution:
    """The observable before the meeting.

    Steps that the observable cannot notice are skipped, so it grows with its light cone.
    """
    starts: list[Start] = [
        (qubits, diagonal_coefficients(values))
        for qubits, values in read_observable(template.observable, noise)
    ]
    support = [qubit for qubits, _ in starts for qubit in qubits]
    steps: list[Step] = []
    for step in reversed(process.meeting):
        if support and set(step.qubits).isdisjoint(support):
            continue
        new = [qubit for qubit in step.qubits if qubit not in support]
        support += new
        starts += [((qubit,), IDENTITY) for qubit in new]
        steps.append(step.transposed)
    registers = (*process.data_qubits, *process.filter_qubits)
    starts += [((qubit,), IDENTITY) for qubit in registers if qubit not in support]
    return Evolution(steps, starts, library)


def _one_filter_each(tables: AngleTables) -> list[dict[str, NDArray[np.float64]]]:
    return [
        {**tables, "filter": tables["filter"][row : row + 1]}
        for row in range(len(tables["filter"]))
    ]


def _weights_on(prepared: Prepared, carried: _Carried, filters: Array | None) -> Array:
    """The observable that is left on the data register, shape (filters or 1, 4^n).

    Args:
        prepared: The process.
        carried: The observable before the meeting.
        filters: The states of the filters, shape (4^k, filters), or None if there is no register.
    """
    wanted = (*prepared.filter.qubits, *prepared.patch.qubits)
    order = list(carried.qubits)
    tensor = carried.coefficients.reshape((4,) * len(order))
    for qubit in carried.qubits:
        if qubit not in wanted:
            # An ancilla is found in |0>, which is 1 on I and on Z.
            before = (slice(None),) * order.index(qubit)
            tensor = tensor[(*before, 0)] + tensor[(*before, 3)]
            order.remove(qubit)
    source = tuple(order.index(qubit) for qubit in wanted)
    tensor = prepared.library.module.moveaxis(tensor, source, tuple(range(len(wanted))))
    matrix = tensor.reshape(4 ** len(prepared.filter.qubits), -1)
    return matrix if filters is None else filters.T @ matrix
