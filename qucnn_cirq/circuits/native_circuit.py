"""Circuits on a line in SYC, sqrt-iSWAP or CZ, with general one-qubit gates between them.

A word of couplers (see `qucnn_cirq.circuits.line_circuit`) becomes a list of turns by RY and RZ and
of couplings, without the turns that others make superfluous. SYC is SWAP times a power of CZ, up to
RZ of each qubit, so that RZ passes it and changes qubits; it passes CZ as well; sqrt-iSWAP, here
between the virtual Z that make it a real rotation, lets the common part of two RZ pass. What passes
to the end merges there, and a qubit that comes fresh from |0> to a gate needs RY alone. If both are
fresh, one angle decides how much they are entangled, and the turns afterwards do the rest.

Amplitudes are kept as a real and an imaginary part, and RZ(t) is diag(1, e^(it)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.line_circuit import line_layers
from qucnn_cirq.errors import unknown_name

FloatArray = NDArray[np.float64]
Vectors = NDArray[np.inexact[Any]]
"""Real or complex ones."""

_ACTED_ON = ((0, 1), (1, 0), (1, 1))
"""Bits on an edge whose amplitudes a gate changes."""


@dataclass(frozen=True)
class Turn:
    """A rotation of one qubit.

    Attributes:
        axis: "y" or "z".
        qubit: Which qubit, from 0; None for RZ turns the phase of everything.
        column: The column of its angle; None for the angle that fits a fresh qubit.
    """

    axis: Literal["y", "z"]
    qubit: int | None
    column: int | None


@dataclass(frozen=True)
class Coupling:
    """The two-qubit gate.

    Attributes:
        first: The left bit of the kets.
        second: The right bit.
    """

    first: int
    second: int


@dataclass(frozen=True)
class _Gate:
    """A two-qubit gate on amplitudes.

    Attributes:
        act: Acts in place on the amplitudes with the bits 01, 10 and 11, whose second axis is the
            real and imaginary part; the flag asks for the inverse.
        fresh: RY angle in radians of one of two fresh qubits with which the RY angle of the other
            one makes all the entanglement that there can be.
        passes_all: Whether every RZ passes it, not only the common part of two.
    """

    act: Callable[[FloatArray, FloatArray, FloatArray, bool], None]
    fresh: float
    passes_all: bool


def _syc(first: FloatArray, second: FloatArray, both: FloatArray, inverse: bool) -> None:
    """|01> -> -i |10>, |10> -> -i |01>, |11> -> e^(-i pi/6) |11>."""
    real, imaginary = (1, 0) if inverse else (0, 1)
    before = first.copy()
    for to, of in ((first, second), (second, before)):
        # Times -i, or i: the parts change places and one of them its sign.
        to[:, real] = of[:, imaginary]
        np.negative(of[:, real], out=to[:, imaginary])
    _multiply(both, np.cos(np.pi / 6), np.sin(np.pi / 6) * (1 if inverse else -1))


def _givens(first: FloatArray, second: FloatArray, both: FloatArray, inverse: bool) -> None:
    """|01> -> (|01> - |10>)/sqrt 2, |10> -> (|01> + |10>)/sqrt 2."""
    if inverse:
        first, second = second, first
    before = first.copy()
    first += second
    first *= np.sqrt(0.5)
    second -= before
    second *= np.sqrt(0.5)


def _cz(first: FloatArray, second: FloatArray, both: FloatArray, inverse: bool) -> None:
    """|11> -> -|11>."""
    np.negative(both, out=both)


NATIVE: dict[str, _Gate] = {
    "syc": _Gate(_syc, np.pi / 2, True),
    "sqrt_iswap": _Gate(_givens, np.pi, False),
}
"""The gates besides CZ that there are circuits in."""

GATES: dict[str, _Gate] = {**NATIVE, "cz": _Gate(_cz, np.pi / 2, True)}
"""The gates that there are circuits in."""


def _multiply(values: FloatArray, real: FloatArray | float, imaginary: FloatArray | float) -> None:
    """Multiplies by a complex number in place; axis 1 holds real and imaginary part."""
    of_real = imaginary * values[:, 0]
    values[:, 0] *= real
    values[:, 0] -= imaginary * values[:, 1]
    values[:, 1] *= real
    values[:, 1] += of_real


@dataclass(frozen=True)
class NativeCircuit:
    """What a word of couplers makes of |0...0>.

    Attributes:
        word: As for `line_layers`.
        gate: One of `GATES`.
        n_qubits: Length of the line.
    """

    word: str
    gate: str
    n_qubits: int = 4

    def __post_init__(self) -> None:
        if self.gate not in GATES:
            raise unknown_name("gate", self.gate, GATES)
        line_layers(self.word, n_qubits=self.n_qubits)

    @property
    def _edges(self) -> list[tuple[int, int]]:
        """The couplings, in order of time."""
        layers = line_layers(self.word, n_qubits=self.n_qubits)
        return [edge for layer in layers for edge in layer.edges]

    @cached_property
    def operations(self) -> tuple[Turn | Coupling, ...]:
        """Turns and couplings in order of time; columns are numbered from 0."""
        made: list[Turn | Coupling] = []
        columns = iter(range(1000))
        fresh = set(range(self.n_qubits))

        def turn(axis: Literal["y", "z"], qubit: int) -> None:
            made.append(Turn(axis, qubit, next(columns)))

        for first, second in self._edges:
            if {first, second} <= fresh:
                made.append(Turn("y", first, None))
                turn("y", second)
            else:
                for qubit in (first, second):
                    if qubit not in fresh:
                        turn("z", qubit)
                    turn("y", qubit)
                if not GATES[self.gate].passes_all:
                    turn("z", second if first in fresh else first)
            fresh -= {first, second}
            made.append(Coupling(first, second))
        for qubit in range(self.n_qubits):
            if qubit not in fresh:
                turn("z", qubit)
            turn("y", qubit)
            turn("z", qubit)
        return tuple(made)

    @cached_property
    def n_angles(self) -> int:
        """The number of angles."""
        return sum(isinstance(each, Turn) and each.column is not None for each in self.operations)

    @cached_property
    def _halves(self) -> tuple[tuple[Turn | Coupling, ...], tuple[Turn | Coupling, ...]]:
        """The first operations, and the last ones backwards, so that each half is short."""

        def work(operations: Sequence[Turn | Coupling]) -> int:
            vectors, total = 1, 0
            for each in operations:
                total += vectors
                vectors += isinstance(each, Turn) and each.column is not None
            return total

        splits = [
            (self.operations[:cut], self.operations[cut:][::-1])
            for cut in range(len(self.operations))
        ]
        return min(splits, key=lambda halves: work(halves[0]) + work(halves[1]))

    def states(self, angles: FloatArray) -> NDArray[np.complex128]:
        """The states that it makes.

        Args:
            angles: Radians, shape (batch, n_angles).

        Returns:
            Unit vectors, shape (2^n, batch), qubit 0 most significant.
        """
        real, imaginary = self._run(self.operations, angles, None, 1, False)[0].reshape(
            2, 1 << self.n_qubits, len(angles)
        )
        states: NDArray[np.complex128] = real + 1j * imaginary
        return states

    def differences(
        self, angles: FloatArray, targets: Vectors, derivatives: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """How far the first half of the circuit is from targets that the second half is undone on.

        The distance is that of the state from the target, and so is its square's gradient at zero.

        Args:
            angles: Radians, shape (batch, n_angles + 1), the last one a phase of the target.
            targets: Real or complex unit vectors, shape (batch, 2^n).
            derivatives: Whether to return the derivatives.

        Returns:
            Real and imaginary parts of the differences, shape (batch, 2 2^n), and the derivatives,
            shape (batch, 2 2^n, n_angles + 1), or of no columns.
        """
        early, late = self._halves
        late = (*late, Turn("z", None, self.n_angles))
        made = self._run(early, angles, None, 1, derivatives)
        left = self._run(late, angles, targets, -1, derivatives)
        differences = np.ascontiguousarray((made[0] - left[0]).T)
        columns = _columns(early) + _columns(late)
        jacobians = np.empty((*differences.shape, len(columns) * derivatives))
        if derivatives:
            both = np.concatenate([made[1:], left[1:]])
            jacobians[:, :, columns] = both.transpose(2, 1, 0)
        return differences, jacobians

    def _run(
        self,
        operations: Sequence[Turn | Coupling],
        angles: FloatArray,
        start: Vectors | None,
        sign: int,
        derivatives: bool,
    ) -> FloatArray:
        """Operations one after the other, or inverses, on states and their derivatives.

        The derivatives are by the angle that is turned by, which is minus the column's if the
        inverse acts; with the minus of the difference that makes plus.

        Returns:
            Shape (1 + columns of the operations or 1, 2 2^n, batch), the batch last so that
            everything is elementwise arithmetic on contiguous rows.
        """
        batch = len(angles)
        n_columns = len(_columns(operations)) * derivatives
        vectors = np.empty((1 + n_columns, 2, *(2,) * self.n_qubits, batch))
        vectors[0] = 0
        if start is None:
            vectors[(0,) * (2 + self.n_qubits)] = 1
        else:
            vectors[0, 0] = start.real.T.reshape(vectors.shape[2:])
            vectors[0, 1] = start.imag.T.reshape(vectors.shape[2:])
        gate = GATES[self.gate]
        known = 1
        for each in operations:
            present = vectors[:known]
            if isinstance(each, Coupling):
                edge = each.first, each.second
                first, second, both = (_bits(present, edge, each) for each in _ACTED_ON)
                gate.act(first, second, both, sign < 0)
                continue
            angle = gate.fresh if each.column is None else angles[:, each.column]
            angle = sign * angle
            is_open = derivatives and each.column is not None
            derivative = vectors[known : known + 1] if is_open else None
            turn = _turn_y if each.axis == "y" else _turn_z
            turn(present, each.qubit, angle, derivative)
            known += is_open
        return vectors.reshape(1 + n_columns, 2 << self.n_qubits, batch)


def _columns(operations: Sequence[Turn | Coupling]) -> list[int]:
    return [
        each.column for each in operations if isinstance(each, Turn) and each.column is not None
    ]


def _bits(vectors: FloatArray, qubits: Sequence[int], bits: Sequence[int]) -> FloatArray:
    """View of the amplitudes with these bits of some qubits."""
    index: list[int | slice] = [slice(None)] * (vectors.ndim - 1)
    for qubit, bit in zip(qubits, bits, strict=True):
        index[2 + qubit] = bit
    return vectors[tuple(index)]


def _turn_y(
    vectors: FloatArray, qubit: int | None, angle: FloatArray | float, derivative: FloatArray | None
) -> None:
    """RY in place, and on request the derivative of the first vector."""
    cosine, sine = np.cos(angle / 2), np.sin(angle / 2)
    assert qubit is not None
    zero, one = (_bits(vectors, (qubit,), (bit,)) for bit in (0, 1))
    from_zero, from_one = sine * zero, sine * one
    zero *= cosine
    zero -= from_one
    one *= cosine
    one += from_zero
    if derivative is not None:
        np.multiply(one[:1], -0.5, out=_bits(derivative, (qubit,), (0,)))
        np.multiply(zero[:1], 0.5, out=_bits(derivative, (qubit,), (1,)))


def _turn_z(
    vectors: FloatArray, qubit: int | None, angle: FloatArray | float, derivative: FloatArray | None
) -> None:
    """RZ, or a phase of everything, in place; as `_turn_y`."""
    turned = vectors if qubit is None else _bits(vectors, (qubit,), (1,))
    _multiply(turned, np.cos(angle), np.sin(angle))
    if derivative is not None:
        derivative[:] = 0
        changed = derivative if qubit is None else _bits(derivative, (qubit,), (1,))
        np.negative(turned[:1, 1], out=changed[:, 0])
        changed[:, 1] = turned[:1, 0]
