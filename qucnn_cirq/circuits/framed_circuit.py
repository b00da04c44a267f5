"""Circuits on a line of five qubits or more that make U x of a real vector x: fewer CZ than for x.

U = CZ(1, 3) RX(pi/2) RX(pi/2) on the qubits 1 and 3, the *framed* ones, is the same for every
vector. What makes real vectors of real ones, seen through it, are RY of the other qubits, any
rotation of a framed one, and exp(i pi/4 ZZ) of a framed qubit and another one: CZ and RZ(-pi/2) of
both. So a CZ has three angles behind it where it would have two, and as many directions as there
are vectors are there after fewer of them.

Seen through U all of these are rotations about Y again: RZ of qubit 1 is RY of it, RY of qubit 1
is RY of qubit 3 by an angle whose sign is the bit of qubit 1, exp(i pi/4 ZZ) one of the framed
qubit by pi/2 with the sign of the other's bit, and the same with 1 and 3 exchanged. Amplitudes are
real, so that a search has half the work that it would have with those of the circuit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.line_circuit import line_layers

FloatArray = NDArray[np.float64]

FRAME = "quaternions on 1 and 3"
"""The frame's name."""

FRAMED = (1, 3)
"""The qubits that U acts on."""

SEED = ("2", "1", "3")
"""The couplers of the first CZ, which bring the framed qubits into a state that U makes."""

_SEEN = np.array([1, -1, 1, 1, -1, -1, 1, -1]) / np.sqrt(8)
"""What is seen of the qubits 1, 2 and 3 after the first two of them."""


@dataclass(frozen=True)
class Turn:
    """A rotation of a qubit.

    Attributes:
        axis: "y" or "z".
        qubit: Which qubit, from 0.
        column: The column of its angle.
    """

    axis: Literal["y", "z"]
    qubit: int
    column: int


@dataclass(frozen=True)
class Coupling:
    """exp(i pi/4 ZZ), or CZ between two qubits that are not framed.

    Attributes:
        first: The first qubit.
        second: Its neighbour.
    """

    first: int
    second: int

    @property
    def is_cz(self) -> bool:
        """Whether it is CZ."""
        return self.first not in FRAMED and self.second not in FRAMED


@dataclass(frozen=True)
class _SeenTurn:
    """RY as it is seen through U.

    Attributes:
        qubit: The qubit that turns.
        sign: The qubit at whose bit 1 the angle has the opposite sign; None if it never has.
        column: The column of the angle; None if it is fixed.
        factor: What the column is multiplied by, or the fixed angle in radians.
    """

    qubit: int
    sign: int | None
    column: int | None
    factor: float


@dataclass(frozen=True)
class FramedCircuit:
    """What a word of couplers makes of |0...0>.

    Attributes:
        n_qubits: Length of the line, 5 or more.
        word: The couplers after `SEED`, as for `line_layers`.
    """

    n_qubits: int
    word: str

    @cached_property
    def operations(self) -> tuple[Turn | Coupling, ...]:
        """Turns and couplings after the first two CZ, in order of time."""
        made: list[Turn | Coupling] = []
        columns = iter(range(1000))
        turned_back = {1}

        def turn(axis: Literal["y", "z"], qubit: int) -> None:
            made.append(Turn(axis, qubit, next(columns)))

        for qubit in (3, 4):
            turn("y", qubit)
        made.append(Coupling(3, 4))
        layers = line_layers(self.word, n_qubits=self.n_qubits)
        for edge in (edge for layer in layers for edge in layer.edges):
            for qubit in edge:
                # RZ of qubit 1 is that of qubit 3 still.
                if qubit in FRAMED and qubit not in turned_back:
                    turn("z", qubit)
                turned_back.discard(qubit)
                turn("y", qubit)
            made.append(Coupling(*edge))
        for qubit in range(self.n_qubits):
            if qubit in FRAMED:
                turn("z", qubit)
            turn("y", qubit)
            if qubit in FRAMED:
                turn("z", qubit)
        return tuple(made)

    @cached_property
    def n_angles(self) -> int:
        """The number of angles."""
        return sum(isinstance(each, Turn) for each in self.operations)

    def states(self, angles: FloatArray) -> FloatArray:
        """The vectors x that it makes U x of, up to a phase.

        Args:
            angles: Radians, shape (batch, n_angles).

        Returns:
            Real unit vectors, shape (batch, 2^n), qubit 0 most significant.
        """
        states: FloatArray = self._run(self._seen, angles, self._start, 1, False)[0].T
        return states

    def differences(
        self, angles: FloatArray, targets: FloatArray, derivatives: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """How far the first half of the circuit is from targets that the second half is undone on.

        Args:
            angles: Radians, shape (batch, n_angles).
            targets: Real unit vectors, shape (batch, 2^n).
            derivatives: Whether to return the derivatives.

        Returns:
            Differences, shape (batch, 2^n), whose length is that of state minus target, and their
            derivatives, shape (batch, 2^n, n_angles), or of no columns.
        """
        early, late = self._halves
        made = self._run(early, angles, self._start, 1, derivatives)
        ends = targets.T.reshape(*(2,) * self.n_qubits, -1)
        left = self._run(late, angles, ends, -1, derivatives)
        differences = np.ascontiguousarray((made[0] - left[0]).T)
        columns = _columns(early) + _columns(late)
        jacobians = np.empty((*differences.shape, len(columns) * derivatives))
        if derivatives:
            both = np.concatenate([made[1:], left[1:]])
            jacobians[:, :, columns] = both.transpose(2, 1, 0)
        return differences, jacobians

    @cached_property
    def _start(self) -> FloatArray:
        """What is seen after the first two CZ, shape (2, ..., 2, 1)."""
        start = np.zeros((2, 8, 1 << self.n_qubits - 4))
        start[0, :, 0] = _SEEN
        return start.reshape((2,) * self.n_qubits + (1,))

    @cached_property
    def _seen(self) -> tuple[_SeenTurn | Coupling, ...]:
        """The operations as they are seen through U."""
        return tuple(map(_through, self.operations))

    @cached_property
    def _halves(self) -> tuple[Sequence[_SeenTurn | Coupling], Sequence[_SeenTurn | Coupling]]:
        """The first operations, and the last ones backwards, so that each half is short."""

        def work(operations: Sequence[_SeenTurn | Coupling]) -> int:
            vectors, total = 1, 0
            for each in operations:
                total += vectors
                vectors += _is_open(each)
            return total

        splits = [(self._seen[:cut], self._seen[cut:][::-1]) for cut in range(len(self._seen))]
        return min(splits, key=lambda halves: work(halves[0]) + work(halves[1]))

    def _run(
        self,
        operations: Sequence[_SeenTurn | Coupling],
        angles: FloatArray,
        start: FloatArray,
        sign: int,
        derivatives: bool,
    ) -> FloatArray:
        """Operations one after the other, or inverses, on states and their derivatives.

        The derivatives are by the angle that is turned by, which is minus the column's if the
        inverse acts; with the minus of the difference that makes plus.

        Returns:
            Shape (1 + columns of the operations or 1, 2^n, batch), the batch last so that
            everything is elementwise arithmetic on contiguous rows.
        """
        batch = len(angles)
        n_columns = len(_columns(operations)) * derivatives
        vectors = np.empty((1 + n_columns, *(2,) * self.n_qubits, batch))
        vectors[0] = start
        known = 1
        for each in operations:
            present = vectors[:known]
            if isinstance(each, Coupling):
                _bits(present, {each.first: 1, each.second: 1})[:] *= -1
                continue
            column = 1.0 if each.column is None else angles[:, each.column]
            half = sign * each.factor / 2 * column
            cosine, sine = np.cos(half), np.sin(half)
            is_open = derivatives and each.column is not None
            derivative = vectors[known] if is_open else None
            for bit in (0,) if each.sign is None else (0, 1):
                on = {} if each.sign is None else {each.sign: bit}
                zero = _bits(present, {**on, each.qubit: 0})
                one = _bits(present, {**on, each.qubit: 1})
                _turn(zero, one, cosine, -sine if bit else sine)
                if derivative is not None:
                    slope = (-each.factor if bit else each.factor) / 2
                    for value, into, of in ((-slope, 0, one), (slope, 1, zero)):
                        out = _bits(derivative[None], {**on, each.qubit: into})
                        np.multiply(of[:1], value, out=out)
            known += is_open
        return vectors.reshape(1 + n_columns, -1, batch)


def _through(operation: Turn | Coupling) -> _SeenTurn | Coupling:
    """What is seen of an operation through U."""
    first, last = FRAMED
    if isinstance(operation, Coupling):
        if operation.is_cz:
            return operation
        is_first = operation.first in FRAMED
        framed = operation.first if is_first else operation.second
        other = operation.second if is_first else operation.first
        return _SeenTurn(framed, other, None, -np.pi / 2)
    qubit, column = operation.qubit, operation.column
    if qubit in FRAMED and operation.axis == "y":
        return _SeenTurn(last if qubit == first else first, qubit, column, -1.0)
    return _SeenTurn(qubit, None, column, 1.0)


def _is_open(operation: _SeenTurn | Coupling) -> bool:
    return isinstance(operation, _SeenTurn) and operation.column is not None


def _columns(operations: Sequence[_SeenTurn | Coupling]) -> list[int]:
    return [
        each.column
        for each in operations
        if isinstance(each, _SeenTurn) and each.column is not None
    ]


def _bits(vectors: FloatArray, bits: dict[int, int]) -> FloatArray:
    """View of the amplitudes with these bits of some qubits."""
    index: list[int | slice] = [slice(None)] * (vectors.ndim - 1)
    for qubit, bit in bits.items():
        index[1 + qubit] = bit
    return vectors[tuple(index)]


def _turn(
    zero: FloatArray, one: FloatArray, cosine: FloatArray | float, sine: FloatArray | float
) -> None:
    """RY in place."""
    from_zero, from_one = sine * zero, sine * one
    zero *= cosine
    zero -= from_one
    one *= cosine
    one += from_zero
