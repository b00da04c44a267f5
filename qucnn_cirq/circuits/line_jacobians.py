"""States of a line circuit and their derivatives by all angles, for a batch of angles at once.

Short lines evolve every derivative gate by gate. A longer line is cut in the middle: between two
gates that cross the cut its halves are multiplied by small orthogonal matrices, one for all of
its gates there, so that most of the work is a few products of matrices for each crossing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.line_circuit import GATES, FloatArray, LineLayer, propagate

_SHORT = 4
"""Longest line whose derivatives evolve gate by gate: its halves are too small to pay."""


def states_and_jacobians(
    angles: FloatArray, layers: Sequence[LineLayer]
) -> tuple[FloatArray, FloatArray]:
    """The states and their derivatives by each angle.

    Args:
        angles: RY angles in radians, shape (batch, angles).
        layers: From `line_layers`.

    Returns:
        States, shape (batch, 2^n), and their Jacobians, shape (batch, 2^n, angles).
    """
    if len(layers[0].turned) > _SHORT:
        return _by_halves(angles, tuple(layers))
    vectors = propagate(angles, layers, derivatives=True)
    return (
        np.ascontiguousarray(vectors[0].T),
        np.ascontiguousarray(vectors[1:].transpose(2, 1, 0)),
    )


@dataclass(frozen=True)
class _Half:
    """What one half of the line does between two gates that cross the cut.

    Attributes:
        layers: Its layers, on qubits counted from the half's first one.
        columns: The angles that they turn by.
    """

    layers: tuple[LineLayer, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class _Segment:
    """A gate across the cut, and what both halves do until the next one.

    Attributes:
        crosses: Whether there is a gate; the first segment has none.
        halves: The first qubits, and the others.
    """

    crosses: bool
    halves: tuple[_Half, _Half]


@lru_cache(maxsize=32)
def _segments(layers: tuple[LineLayer, ...]) -> tuple[tuple[_Segment, ...], NDArray[np.intp]]:
    """The segments of a circuit, and where the derivative by each angle ends up among them."""
    cut = len(layers[0].turned) // 2
    groups: list[list[LineLayer]] = []
    for layer in layers:
        if not groups or (cut - 1, cut) in layer.edges:
            groups.append([])
        groups[-1].append(layer)
    segments: list[_Segment] = []
    first = 0
    for group in groups:
        halves = []
        # Of the first half cut is the end, of the second one the beginning.
        for own, offset in ((range(cut), 0), (range(cut, len(layers[0].turned)), cut)):
            parts, columns, column = [], [], first
            for layer in group:
                edges = tuple(
                    (a - offset, b - offset) for a, b in layer.edges if a in own and b in own
                )
                turned = tuple(qubit - offset for qubit in layer.turned if qubit in own)
                parts.append(LineLayer(edges, turned, layer.gate))
                columns += [column + k for k, qubit in enumerate(layer.turned) if qubit in own]
                column += len(layer.turned)
            halves.append(_Half(tuple(parts), tuple(columns)))
        first = column
        segments.append(_Segment(bool(segments), (halves[0], halves[1])))
    order = [column for each in segments for half in each.halves for column in half.columns]
    return tuple(segments), np.argsort(order)


def _by_halves(angles: FloatArray, layers: tuple[LineLayer, ...]) -> tuple[FloatArray, FloatArray]:
    """As `states_and_jacobians`, with a product of matrices for each half of a segment."""
    batch, n_qubits = len(angles), len(layers[0].turned)
    rows, columns = 1 << n_qubits // 2, 1 << (n_qubits + 1) // 2
    segments, order = _segments(layers)
    # The state and then the derivatives, each with the first half's bits before the others.
    vectors = np.zeros((batch, rows, 1, columns))
    vectors[:, 0, 0, 0] = 1
    for segment in segments:
        known = vectors.shape[2]
        if segment.crosses:
            split = vectors.reshape(batch, rows // 2, 2, known, 2, columns // 2)
            GATES[layers[0].gate](split, (1, 3))
        left, right = (
            _matrices(angles[:, half.columns], half.layers, size)
            for half, size in zip(segment.halves, (rows, columns), strict=True)
        )
        state = vectors[:, :, 0]
        turned = left[:, 0] @ state, state @ right[:, 0].swapaxes(1, 2)
        by_left = left[:, 1:].reshape(batch, -1, rows) @ turned[1]
        by_right = turned[0] @ right[:, 1:].reshape(batch, -1, columns).swapaxes(1, 2)
        evolved = left[:, 0] @ vectors.reshape(batch, rows, -1)
        evolved = evolved.reshape(batch, -1, columns) @ right[:, 0].swapaxes(1, 2)
        vectors = np.concatenate(
            [
                evolved.reshape(batch, rows, known, columns),
                by_left.reshape(batch, -1, rows, columns).swapaxes(1, 2),
                by_right.reshape(batch, rows, -1, columns),
            ],
            axis=2,
        )
    jacobians = vectors[:, :, 1:].swapaxes(1, 2)[:, order].reshape(batch, -1, rows * columns)
    return vectors[:, :, 0].reshape(batch, -1), jacobians.swapaxes(1, 2)


def _matrices(angles: FloatArray, layers: tuple[LineLayer, ...], size: int) -> FloatArray:
    """The matrix of a half's gates and its derivatives, shape (batch, 1 + angles, size, size)."""
    # All columns at once: those of the identity are numbered by further qubits, which stay.
    found = propagate(angles, layers, derivatives=True, start=np.eye(size).ravel())
    shaped = found.reshape(-1, size, size, len(angles)).transpose(3, 0, 1, 2)
    return np.ascontiguousarray(shaped)
