"""Evolving the Pauli coefficients of many instances of a process at once.

Coefficients are an array (rows, instances), of the rows that can be other than zero. Qubits that
have not yet interacted are kept in arrays of their own, of which a product is only made when a gate
needs it. A rotation turns blocks of rows in place; a fixed step with one entry in each row (a
Clifford gate followed by Pauli noise) is a selection of rows and a scaling, any other one a product
of matrices.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.engines.arrays import NUMPY, Array, ArrayLibrary
from qucnn_cirq.engines.plan import (
    Multiply,
    MultiplyWhole,
    Plan,
    Rotate,
    RotateWhole,
    Select,
)
from qucnn_cirq.engines.rows import Path
from qucnn_cirq.engines.steps import GateStep


class Evolution:
    """Steps made ready for one array library.

    Args:
        steps: The steps, first to act first.
        qubits: What they act on, each in |0> at the start; the first is the most significant.
        library: The array library.

    Attributes:
        qubits: What the steps act on.
        library: The array library.
    """

    def __init__(
        self, steps: Sequence[GateStep], qubits: Sequence[cirq.Qid], library: ArrayLibrary = NUMPY
    ) -> None:
        self._steps = steps
        self.qubits = tuple(qubits)
        self.library = library

    @functools.cached_property
    def _plan(self) -> Plan:
        # Made when it is needed: what is too large is refused before.
        return Plan(self._steps, self.qubits, self.library)

    @functools.cached_property
    def live(self) -> NDArray[np.int64]:
        """Which of 4^n coefficients are carried, in the order of the results, shape (rows,)."""
        return self._plan.live

    def run(self, tables: AngleTables, batch: int = 1) -> Array:
        """The coefficients after the steps.

        Args:
            tables: The angle tables; each has ``batch`` rows, or one for all.
            batch: How many instances.

        Returns:
            Shape (rows, batch), rows as `live` says; an array of the library.
        """
        put, module = self.library.put, self.library.module
        if not self.qubits:
            return put(np.ones((1, batch)))
        # Rotations work in place, so each has an array of its own. |0> has I and Z.
        states = {i: put(np.ones((2, batch))) for i in range(len(self.qubits))}
        for do in self._plan.instructions:
            state = states[do.cluster]
            if isinstance(do, Rotate | RotateWhole):
                angles = do.turn.angles(tables)
                cosine, sine = put(np.cos(angles)), put(np.sin(angles))
                if isinstance(do, Rotate):
                    for path in do.paths:
                        _turn(_halves(state, path), cosine, sine)
                else:
                    planes = state.reshape(4**do.axis, 4, -1, batch)
                    _turn(tuple(planes[:, each] for each in do.turn.plane), cosine, sine)
                continue
            if isinstance(do, Select):
                found = state[do.rows]
                if do.factors is not None:
                    found *= do.factors
            elif isinstance(do, Multiply):
                parts = [
                    (matrix @ state[rows].reshape(matrix.shape[1], -1)).reshape(-1, batch)
                    for rows, matrix in do.blocks
                ]
                found = parts[0] if len(parts) == 1 else module.concatenate(parts)
            elif isinstance(do, MultiplyWhole):
                found = _multiplied(do.matrix, do.axes, state, module)
            else:
                found = (state[:, None, :] * states.pop(do.other)[None, :, :]).reshape(-1, batch)
            states[do.cluster] = found
        return states[self._plan.last]

    def whole(self, states: Array) -> Array:
        """All coefficients, those included that are zero.

        Args:
            states: As `run` gives them, shape (rows, batch).

        Returns:
            Shape (4^n, batch).
        """
        everything = self.library.put(np.zeros((4 ** len(self.qubits), states.shape[1])))
        everything[self.library.put(self.live)] = states
        return everything


def _halves(state: Array, path: Path) -> tuple[Array, Array]:
    """The two components of a rotation, views of the state."""
    for start, stop in path:
        part = state[..., start:stop, :]
        state = part.reshape(*part.shape[:-2], 2, (stop - start) // 2, part.shape[-1])
    return state[..., 0, :, :], state[..., 1, :, :]


def _turn(components: tuple[Array, Array], cosine: Array, sine: Array) -> None:
    """Turns the first component towards the second, in place."""
    first, second = components
    from_first, from_second = first * sine, second * sine
    first *= cosine
    first -= from_second
    second *= cosine
    second += from_first


def _multiplied(matrix: Array, axes: Sequence[int], state: Array, module: Any) -> Array:
    """Multiplies some axes of a whole state by a matrix; they become its first."""
    batch = state.shape[1]
    n_qubits = (len(state) - 1).bit_length() // 2
    tensor = state.reshape((4,) * n_qubits + (batch,))
    front = module.moveaxis(tensor, tuple(axes), tuple(range(len(axes))))
    return (matrix @ front.reshape(len(matrix), -1)).reshape(-1, batch)
