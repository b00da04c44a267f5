"""The exact engine: the noisy mean of every patch, by factoring the process where it factors.

Data and filter sit on different qubits until they meet. The measured observable is carried
backwards (Heisenberg picture) through the noisy meeting once, contracted with the noisy filter
state, and what is left for each patch is one expectation value in the data register, whose state
is evolved for all patches at once. Everything is done on real Pauli coefficients.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables, Slot
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.pauli_transfer import (
    ZERO_STATE,
    diagonal_coefficients,
    embed,
    rotation_transfer,
    transfer_matrix,
)
from qucnn_cirq.engines.process import Element, physical_process, read_observable
from qucnn_cirq.engines.streams import Outcome, Streams, outcome_from_means
from qucnn_cirq.errors import InputError

_CHUNK_BYTES = 2**20
_LARGEST_STATE = 11
"""Qubits whose 4^n Pauli coefficients (32 MiB) are evolved for each patch."""
_LARGEST_MEETING = 13
"""Qubits of the carried observable (512 MiB, and twice that while a step is applied)."""
_KEPT_WEIGHTS = 64
_KEPT_CARRIED = 8
_LARGEST_KEPT = 2**26

ReadObservable = list[tuple[tuple[cirq.Qid, ...], NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class Transfer:
    """A step on Pauli coefficients: an optional slot followed by a fixed transfer matrix.

    Attributes:
        qubits: Where it acts.
        slot: Acts first, on one qubit, with angles from tables.
        matrix: Acts after the slot; shape (4^k, 4^k).
    """

    qubits: tuple[cirq.Qid, ...]
    slot: Slot | None
    matrix: NDArray[np.float64]

    def matrices(self, tables: AngleTables) -> NDArray[np.float64]:
        """The whole step for all rows of the tables, shape (rows or 1, 4^k, 4^k)."""
        if self.slot is None:
            return self.matrix[None]
        product: NDArray[np.float64] = self.matrix @ rotation_transfer(self.slot.unitaries(tables))
        return product


def fused(elements: Sequence[Element]) -> list[Transfer]:
    """Transfer matrices of elements, neighbours multiplied together where they nest.

    A fixed element joins the step before it if that step covers all its qubits, and takes in
    the fixed one-qubit steps before it that it covers.
    """
    steps: list[Transfer | None] = []
    last: dict[cirq.Qid, int] = {}
    for element in elements:
        if element.slot is not None:
            step = Transfer(element.qubits, element.slot, np.eye(4))
            last[element.qubits[0]] = len(steps)
            steps.append(step)
            continue
        qubits, matrix = element.qubits, transfer_matrix(element.kraus)
        before = {last.get(qubit, -1) for qubit in qubits}
        index = before.pop() if len(before) == 1 else -1
        covering = steps[index] if index >= 0 else None
        if covering is not None and set(qubits) <= set(covering.qubits):
            joined = embed(matrix, qubits, covering.qubits) @ covering.matrix
            steps[index] = Transfer(covering.qubits, covering.slot, joined)
            continue
        for qubit in qubits:
            index = last.get(qubit, -1)
            inner = steps[index] if index >= 0 else None
            if inner is not None and inner.slot is None and inner.qubits == (qubit,):
                matrix = matrix @ embed(inner.matrix, (qubit,), qubits)
                steps[index] = None
        last.update(dict.fromkeys(qubits, len(steps)))
        steps.append(Transfer(qubits, None, matrix))
    return [step for step in steps if step is not None]


@dataclass(frozen=True, eq=False)
class Factored:
    """A process cut into what happens to the patch, to the filter, and when they meet.

    Attributes:
        patch: Steps on the data register alone.
        filter: Steps on the filter register alone.
        meeting: All other steps; none of them depends on the patch.
        data_qubits: Order of the data register.
        filter_qubits: Order of the filter register.
        is_cut: Whether the process factors; if not, all of it is the patch's.
    """

    patch: list[Transfer]
    filter: list[Transfer]
    meeting: list[Transfer]
    data_qubits: tuple[cirq.Qid, ...]
    filter_qubits: tuple[cirq.Qid, ...]
    is_cut: bool


def factor(elements: Sequence[Element], template: Template) -> Factored:
    """Cuts a process; if it does not factor, all of it becomes the patch's.

    An element belongs to a register as long as none of its qubits has met another one. A slot
    in which the patch's last rotation and the filter's first were merged is taken apart again.
    """
    owner: dict[cirq.Qid, str] = dict.fromkeys(template.data_qubits, "patch")
    owner |= dict.fromkeys(template.filter_qubits, "filter")
    parts: dict[str, list[Element]] = {"patch": [], "filter": [], "meeting": []}
    for element in _split(elements):
        owners = {owner.get(qubit, "meeting") for qubit in element.qubits}
        tables = element.slot.tables if element.slot else frozenset()
        name = owners.pop() if len(owners) == 1 else "meeting"
        if not tables <= {name}:
            name = "meeting"
        owner.update(dict.fromkeys(element.qubits, name))
        parts[name].append(element)
    if any(e.slot is not None and "patch" in e.slot.tables for e in parts["meeting"]):
        return Factored(fused(elements), [], [], template.qubits, (), is_cut=False)
    return Factored(
        fused(parts["patch"]),
        fused(parts["filter"]),
        fused(parts["meeting"]),
        template.data_qubits,
        template.filter_qubits,
        is_cut=True,
    )


def _split(elements: Sequence[Element]) -> list[Element]:
    """Takes slots that read the patch and then something else apart, in order of time."""
    split: list[Element] = []
    for element in elements:
        if element.slot is None or len(element.slot.tables) < 2:
            split.append(element)
            continue
        factors = element.slot.factors
        cut = 1 + max(i for i, f in enumerate(factors) if f.table == "patch")
        split += [
            Element(element.qubits, slot=Slot(part)) for part in (factors[:cut], factors[cut:])
        ]
    return split


class ExactEngine:
    """Computes exact means under any noise that has Kraus operators.

    A process that does not factor is evolved whole, which takes 4^n numbers for n qubits.
    """

    name = "exact"

    def __init__(self) -> None:
        self._kept: dict[object, NDArray[np.float64]] = {}
        self._kept_carried: dict[object, tuple[NDArray[np.float64], list[cirq.Qid]]] = {}

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
        process, observable = _prepared(template, noise)
        if process.is_cut:
            weights = self._weights(template, noise, tables)
            return _expectations(process.patch, process.data_qubits, weights, tables)
        # The whole process is the patch's: filters are run one after the other.
        carried, support = carry_back([], observable, tables)
        weights = _arranged(carried, support, process.data_qubits).reshape(1, -1)
        means = [
            _expectations(process.patch, process.data_qubits, weights, own)
            for own in _one_filter_each(tables)
        ]
        return np.concatenate(means)

    def _weights(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """For each filter the observable on the data register; kept for the next batch."""
        others = {name: table for name, table in tables.items() if name != "patch"}
        key = (template, noise, tuple((name, t.tobytes()) for name, t in others.items()))
        if key not in self._kept:
            if len(self._kept) >= _KEPT_WEIGHTS:
                self._kept.clear()
            process, observable = _prepared(template, noise)
            depends = any("filter" in step.slot.tables for step in process.meeting if step.slot)
            parts = []
            for own in _one_filter_each(others) if depends else [others]:
                if depends:
                    carried, support = carry_back(process.meeting, observable, own)
                else:
                    carried, support = self._carried_back(template, noise, own)
                parts.append(_filter_weights(carried, support, process, own))
            self._kept[key] = np.concatenate(parts)
        return self._kept[key]

    def _carried_back(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> tuple[NDArray[np.float64], list[cirq.Qid]]:
        """What no filter changes: in training, angles change at every step and this does not."""
        upstream = tables["upstream"].tobytes() if "upstream" in tables else b""
        key = (template, noise, upstream)
        if key in self._kept_carried:
            return self._kept_carried[key]
        process, observable = _prepared(template, noise)
        carried = carry_back(process.meeting, observable, tables)
        if len(self._kept_carried) >= _KEPT_CARRIED:
            self._kept_carried.clear()
        if carried[0].nbytes <= _LARGEST_KEPT:
            self._kept_carried[key] = carried
        return carried


def check_memory(template: Template, noise: Noise) -> bool:
    """Refuses what does not fit: a patch's state, or the observable carried through the meeting.

    Returns:
        Whether the process factors.

    Raises:
        InputError: With the size that would be needed.
    """
    process, _ = _prepared(template, noise)
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
def _prepared(template: Template, noise: Noise) -> tuple[Factored, ReadObservable]:
    process = factor(physical_process(template, noise), template)
    return process, read_observable(template.observable, noise)


def _one_filter_each(tables: AngleTables) -> list[dict[str, NDArray[np.float64]]]:
    return [
        {**tables, "filter": tables["filter"][row : row + 1]}
        for row in range(len(tables["filter"]))
    ]


def carry_back(
    steps: Sequence[Transfer],
    observable: ReadObservable,
    tables: AngleTables,
) -> tuple[NDArray[np.float64], list[cirq.Qid]]:
    """The observable before the steps, and the qubits of its axes.

    Steps that the observable cannot notice are skipped, so it grows with its light cone.
    """
    carried = np.ones(())
    support: list[cirq.Qid] = []
    for qubits, values in observable:
        carried = np.multiply.outer(carried, diagonal_coefficients(values))
        support += qubits
    for step in reversed(steps):
        if support and set(step.qubits).isdisjoint(support):
            continue
        for qubit in step.qubits:
            if qubit not in support:
                carried = np.multiply.outer(carried, np.array([1.0, 0.0, 0.0, 0.0]))
                support.append(qubit)
        matrix = step.matrices(tables)[0].reshape((4,) * (2 * len(step.qubits)))
        axes = [support.index(qubit) for qubit in step.qubits]
        carried = np.tensordot(matrix, carried, axes=(range(len(axes)), axes))
        support = [*step.qubits, *(q for q in support if q not in step.qubits)]
    return carried, support


def _arranged(
    carried: NDArray[np.float64], support: list[cirq.Qid], qubits: Sequence[cirq.Qid]
) -> NDArray[np.float64]:
    """The coefficients with one axis for each of ``qubits``; others are found in |0>."""
    for qubit in [q for q in support if q not in qubits]:
        carried = np.tensordot(carried, ZERO_STATE, axes=(support.index(qubit), 0))
        support = [q for q in support if q != qubit]
    for qubit in qubits:
        if qubit not in support:
            carried = np.multiply.outer(carried, np.array([1.0, 0.0, 0.0, 0.0]))
            support = [*support, qubit]
    return carried.transpose([support.index(qubit) for qubit in qubits])


def _filter_weights(
    carried: NDArray[np.float64],
    support: list[cirq.Qid],
    process: Factored,
    tables: AngleTables,
) -> NDArray[np.float64]:
    """For each filter the observable that is left on the data register."""
    arranged = _arranged(carried, support, (*process.filter_qubits, *process.data_qubits))
    matrix = arranged.reshape(4 ** len(process.filter_qubits), -1)
    filters = evolve(process.filter, process.filter_qubits, tables, len(tables["filter"]))
    weights: NDArray[np.float64] = filters.T @ matrix
    return weights


def _expectations(
    steps: Sequence[Transfer],
    qubits: Sequence[cirq.Qid],
    weights: NDArray[np.float64],
    tables: AngleTables,
) -> NDArray[np.float64]:
    """Means for all patches, a chunk that fits the cache at a time; shape (filters, patches)."""
    n_patches = len(tables["patch"])
    chunk = max(1, _CHUNK_BYTES // (8 * 4 ** len(qubits)))
    means = np.empty((len(weights), n_patches))
    for start in range(0, n_patches, chunk):
        rows = slice(start, start + chunk)
        own = {**tables, "patch": tables["patch"][rows]}
        means[:, rows] = weights @ evolve(steps, qubits, own, len(own["patch"]))
    return means


def evolve(
    steps: Sequence[Transfer], qubits: Sequence[cirq.Qid], tables: AngleTables, batch: int
) -> NDArray[np.float64]:
    """Pauli coefficients of |0...0> after the steps, shape (4^n, batch)."""
    state = np.ones((1, 1))
    for _ in qubits:
        state = np.kron(state, ZERO_STATE[:, None])
    state = np.repeat(state, batch, axis=1)
    for step in steps:
        axes = [list(qubits).index(qubit) for qubit in step.qubits]
        if len(axes) == 1:
            state = _apply_one(step.matrices(tables), axes[0], state)
        else:
            state = _apply_many(step.matrix, axes, len(qubits), state)
    return state


def _apply_one(
    matrices: NDArray[np.float64], axis: int, state: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A one-qubit step; entries that vanish for the whole batch cost nothing."""
    batch = state.shape[1]
    view = state.reshape(4**axis, 4, -1, batch)
    result = np.zeros_like(view)
    for row in range(4):
        for column in range(4):
            entries = matrices[:, row, column]
            if np.abs(entries).max() > 1e-15:
                result[:, row] += entries * view[:, column]
    return result.reshape(-1, batch)


def _apply_many(
    matrix: NDArray[np.float64], axes: Sequence[int], n_qubits: int, state: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A fixed step on several qubits."""
    batch = state.shape[1]
    tensor = state.reshape((4,) * n_qubits + (batch,))
    size = len(axes)
    moved = np.moveaxis(tensor, axes, range(size))
    product = (matrix @ moved.reshape(4**size, -1)).reshape(moved.shape)
    return np.ascontiguousarray(np.moveaxis(product, range(size), axes)).reshape(-1, batch)
