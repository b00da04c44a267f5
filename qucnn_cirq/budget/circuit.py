"""One circuit with its noise: the means of patches, and how they depend on every channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.budget.network import Gradients, MeetingNetwork
from qucnn_cirq.budget.places import Place, Step, matrices_at, steps_of
from qucnn_cirq.budget.process import Channel
from qucnn_cirq.budget.register import Register, ground_state
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.engines.factoring import owners
from qucnn_cirq.engines.process import Element
from qucnn_cirq.errors import InputError
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]

_CHUNK_BYTES = 2**18
"""Bytes of the states of patches that are evolved together: they fit the cache."""
_LARGEST_KEPT = 2**30
"""Bytes of the states of one patch that are kept, one for every place of noise: a GiB."""


@dataclass(frozen=True, eq=False)
class NoisyCircuit:
    """A circuit with its process of gates and channels.

    Attributes:
        template: The compiled circuit.
        observable: What is measured.
        elements: The process, as of `qucnn_cirq.budget.process.labelled_process`.
    """

    template: Template
    observable: Observable
    elements: Sequence[Element]

    def means(self, tables: AngleTables, keeps: Callable[[Channel], float]) -> FloatArray:
        """The means of all patches with each channel at a strength of its own.

        Args:
            tables: The angle tables.
            keeps: The strength of a channel, from 0 (switched off) to 1.

        Returns:
            Shape (filters, patches).
        """
        elements: list[Element] = []
        for element in self.elements:
            strength = keeps(element) if isinstance(element, Channel) else 1.0
            if isinstance(element, Channel) and 0.0 < strength < 1.0:
                elements.append(weakened(element, strength))
            elif strength == 1.0:
                elements.append(element)
        own = self.template.preparing(tables)
        return ExactEngine().means_of_process(elements, self.template, self.observable, own)

    def check_size(self) -> None:
        """Refuses registers whose states do not fit the memory at every place.

        Raises:
            InputError: With the size and the limit.
        """
        n_qubits = len(self._patch_qubits)
        count = sum(isinstance(step, Place) for step in self._parts[0])
        size = 8 * 4**n_qubits * count
        if size > _LARGEST_KEPT:
            raise InputError(
                f"the states of a patch have {n_qubits} qubits and are kept at {count} places, "
                f"which takes {size / 2**20:,.0f} MiB; an error budget goes up to "
                f"{_LARGEST_KEPT / 2**20:,.0f} MiB: choose a smaller kernel."
            )

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels, in order of time."""
        return tuple(each for each in self.elements if isinstance(each, Channel))

    @property
    def places(self) -> tuple[Place, ...]:
        """The places of channels."""
        return tuple(step for part in self._parts for step in part if isinstance(step, Place))

    @single_threaded_blas()
    def dependences(
        self, tables: AngleTables, weights: FloatArray, strength: float
    ) -> list[tuple[Place, FloatArray]]:
        """How weighted sums of means depend on the matrix of every place.

        Args:
            tables: The angle tables; one row for the filter.
            weights: What each patch counts for, shape (sums, patches).
            strength: The strength of all channels, from 0 to 1.

        Returns:
            Places and the derivatives of the sums, shape (sums, 4^k, 4^k); places on which
            nothing depends are left out.
        """
        own = dict(self.template.preparing(tables))
        patch, filters, meeting = self._parts
        matrices = [matrices_at(part, strength) for part in self._parts]
        filter_kept: list[FloatArray] = []
        filter_state = self._filter.forward(
            ground_state(self._filter.n_qubits, 1), matrices[1], own, filter_kept
        )[:, 0]

        def meet(state: FloatArray) -> Gradients:
            return self._meeting.gradients(state, filter_state, matrices[2], own)

        # The mean is linear in the patch's state, so that any state gives the derivative by it.
        observable = meet(ground_state(self._patch.n_qubits, 1)[:, 0]).patch[:, np.newaxis]
        found: dict[int, FloatArray] = {}
        sums = np.zeros((len(weights), 4**self._patch.n_qubits))
        for rows in self._chunks(len(own["patch"])):
            chunk = {**own, "patch": own["patch"][rows]}
            kept: list[FloatArray] = []
            ground = ground_state(self._patch.n_qubits, len(chunk["patch"]))
            states = self._patch.forward(ground, matrices[0], chunk, kept)
            self._patch.backward(observable, matrices[0], chunk, kept, weights[:, rows], found)
            sums += weights[:, rows] @ states.T
        met = [meet(state) for state in sums]
        of_filter: dict[int, FloatArray] = {}
        self._filter.backward(
            np.stack([each.filter for each in met], axis=1),
            matrices[1],
            own,
            filter_kept,
            np.eye(len(weights)),
            of_filter,
        )
        of_meeting = {
            number: np.stack([each.places[number] for each in met]) for number in met[0].places
        }
        return [
            (step, by[number])
            for part, by in ((patch, found), (filters, of_filter), (meeting, of_meeting))
            for number, step in enumerate(part)
            if isinstance(step, Place) and number in by
        ]

    def _chunks(self, n_patches: int) -> Iterator[slice]:
        size = max(1, _CHUNK_BYTES // (8 * 4**self._patch.n_qubits))
        for start in range(0, n_patches, size):
            yield slice(start, min(start + size, n_patches))

    @cached_property
    def _is_cut(self) -> bool:
        names = owners(self.elements, self.template)
        return not any(
            name == "meeting" and element.slot is not None and "patch" in element.slot.tables
            for element, name in zip(self.elements, names, strict=True)
        )

    @cached_property
    def _parts(self) -> tuple[list[Step], list[Step], list[Step]]:
        """Steps of the patch, of the filter, and of their meeting."""
        if not self._is_cut:
            return steps_of(self.elements), [], []
        parts: dict[str, list[Element]] = {"patch": [], "filter": [], "meeting": []}
        names = owners(self.elements, self.template)
        for element, name in zip(self.elements, names, strict=True):
            parts[name].append(element)
        patch, filters, meeting = (steps_of(part) for part in parts.values())
        return patch, filters, meeting

    @property
    def _patch_qubits(self) -> tuple[cirq.Qid, ...]:
        return self.template.data_qubits if self._is_cut else self.template.qubits

    @cached_property
    def _patch(self) -> Register:
        return Register(self._parts[0], self._patch_qubits)

    @cached_property
    def _filter(self) -> Register:
        return Register(self._parts[1], self.template.filter_qubits if self._is_cut else ())

    @cached_property
    def _meeting(self) -> MeetingNetwork:
        template = self.template
        filters = template.filter_qubits if self._is_cut else ()
        return MeetingNetwork(self._parts[2], self._patch_qubits, filters, self.observable)


def weakened(channel: Channel, strength: float) -> Channel:
    """A channel mixed with doing nothing: 1 + s (T - 1).

    Args:
        channel: The channel.
        strength: The share s of it, from 0 to 1.
    """
    identity = np.sqrt(1 - strength) * np.eye(len(channel.kraus[0]), dtype=complex)
    kraus = (identity, *(np.sqrt(strength) * each for each in channel.kraus))
    transfer = np.eye(len(channel.transfer)) * (1 - strength) + strength * channel.transfer
    return replace(channel, kraus=kraus, transfer=transfer)
