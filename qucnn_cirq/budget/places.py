"""A process as steps on Pauli coefficients in which channels stay apart from gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.budget.process import Channel
from qucnn_cirq.engines.pauli_transfer import embed, transfer_matrix
from qucnn_cirq.engines.process import Element
from qucnn_cirq.engines.steps import Fixed, Turn, nest, turn_of

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Place:
    """Channels that follow each other on the same qubits, with no gate between them.

    One matrix says how the mean depends on all of them, so that it is found once for each place.

    Attributes:
        qubits: One or two, k of them.
        channels: The channels, first to act first.
        changes: T - 1 of each on all qubits of the place, shape (channels, 4^k, 4^k).
    """

    qubits: tuple[cirq.Qid, ...]
    channels: tuple[Channel, ...]
    changes: FloatArray

    def at(self, strength: float) -> FloatArray:
        """The transfer matrix of all channels, each 1 + s (T - 1).

        Args:
            strength: The share s of each, from 0 (no noise) to 1.

        Returns:
            Shape (4^k, 4^k).
        """
        matrix = np.eye(self.changes.shape[-1])
        for change in self.changes:
            matrix = matrix + strength * (change @ matrix)
        return matrix

    def shares(self, strength: float, dependence: FloatArray) -> FloatArray:
        """How the mean changes with the strength of each channel.

        Args:
            strength: The strength s of all of them.
            dependence: The derivative of the mean by the matrix of the place, shape
                (..., 4^k, 4^k).

        Returns:
            Shape (..., channels).
        """
        # Those before and those after each channel.
        before = [np.eye(self.changes.shape[-1])]
        for change in self.changes:
            before.append(before[-1] + strength * (change @ before[-1]))
        after = np.eye(self.changes.shape[-1])
        found = []
        for change, earlier in zip(self.changes[::-1], before[-2::-1], strict=True):
            found.append(np.einsum("...ab,ab->...", dependence, after @ change @ earlier))
            after = after + strength * (after @ change)
        return np.stack(found[::-1], axis=-1)


Step = Turn | Fixed | Place


def steps_of(elements: Sequence[Element]) -> list[Step]:
    """Steps of elements that were taken apart; gates are multiplied together where they nest.

    Args:
        elements: As from `qucnn_cirq.budget.process.labelled_process`.

    Returns:
        The steps in order of time; a place covers channels that nest.
    """
    steps: list[Step | list[Channel] | None] = []
    last: dict[cirq.Qid, int] = {}
    for element in elements:
        step: Step | list[Channel]
        if isinstance(element, Channel):
            before = {last.get(qubit, -1) for qubit in element.qubits}
            index = before.pop() if len(before) == 1 else -1
            covering = steps[index] if index >= 0 else None
            if isinstance(covering, list) and set(element.qubits) <= set(covering[0].qubits):
                covering.append(element)
                continue
            step = [element]
        elif element.slot is None:
            nest(Fixed(element.qubits, transfer_matrix(element.kraus)), steps, last)
            continue
        else:
            step = turn_of(element)
        last.update(dict.fromkeys(element.qubits, len(steps)))
        steps.append(step)
    return [
        place_of(step) if isinstance(step, list) else step for step in steps if step is not None
    ]


def place_of(channels: Sequence[Channel]) -> Place:
    """A place on the qubits of its first channel, which are all that the others act on.

    Args:
        channels: The channels, first to act first.
    """
    qubits = channels[0].qubits
    identity = np.eye(4 ** len(qubits))
    changes = [
        (each.transfer if each.qubits == qubits else embed(each.transfer, each.qubits, qubits))
        - identity
        for each in channels
    ]
    return Place(qubits, tuple(channels), np.stack(changes))


Matrices = Mapping[int, FloatArray]
"""The matrix of each place of a list of steps, by its number there."""


def matrices_at(steps: Sequence[Step], strength: float) -> Matrices:
    """The matrices of all places at one strength.

    Args:
        steps: The steps.
        strength: The share of each channel, from 0 to 1.
    """
    return {
        number: step.at(strength) for number, step in enumerate(steps) if isinstance(step, Place)
    }
