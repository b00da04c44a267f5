"""Circuits on a line of qubits: layers of couplings between RY rotations.

The register q0-q1-q2-... meets in layers of two-qubit gates in parallel: ``O`` joins q0-q1, q2-q3
and so on, ``M`` q1-q2, q3-q4 and so on; of four qubits that is the outer edges, and the middle one.
``L`` joins the first two qubits alone, ``R`` the last two, and a digit k qubits k and k + 1.
A *pattern* is a word in these letters and digits. Every qubit turns by a free RY angle at the
start and after each layer that touches it. A rotation of a qubit that the layer before left alone
would merge with its previous one, so there are no others.

The gate is CZ or, up to virtual Z, sqrt-iSWAP: a real rotation of |01>, |10> by pi/4. Either way a
state stays real.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError, shown, unknown_name

FloatArray = NDArray[np.float64]

LETTERS = "MOLR"

_BLOCK = 8192
"""States that are made together: many for each call of NumPy, few for a processor's cache."""


def _couplers(letter: str, n_qubits: int) -> tuple[tuple[int, int], ...]:
    """The pairs of qubits that a layer joins."""
    if letter not in LETTERS:
        return ((int(letter), int(letter) + 1),)
    if letter in "LR":
        return ((0, 1),) if letter == "L" else ((n_qubits - 2, n_qubits - 1),)
    return tuple((q, q + 1) for q in range(1 if letter == "M" else 0, n_qubits - 1, 2))


def _cz(vectors: FloatArray, edge: tuple[int, int]) -> None:
    _bits(vectors, edge, (1, 1))[:] *= -1


def _givens(vectors: FloatArray, edge: tuple[int, int]) -> None:
    """|01> -> (|01> - |10>) / sqrt 2 and |10> -> (|01> + |10>) / sqrt 2."""
    first, second = _bits(vectors, edge, (0, 1)), _bits(vectors, edge, (1, 0))
    before = first.copy()
    first += second
    first *= np.sqrt(0.5)
    second -= before
    second *= np.sqrt(0.5)


def _bits(vectors: FloatArray, edge: tuple[int, int], bits: tuple[int, int]) -> FloatArray:
    """View of the amplitudes, shape (..., 2, ..., 2, batch), with these bits on an edge."""
    index: list[int | slice] = [slice(None)] * (vectors.ndim - 2)
    for qubit, bit in zip(edge, bits, strict=True):
        index[qubit] = bit
    return vectors[(slice(None), *index)]


GATES: dict[str, Callable[[FloatArray, tuple[int, int]], None]] = {
    "cz": _cz,
    "sqrt_iswap": _givens,
}
"""How each two-qubit gate acts on real amplitudes, in place."""


@dataclass(frozen=True)
class LineLayer:
    """Two-qubit gates and the RY rotations that follow them.

    Attributes:
        edges: Pairs of qubits that a gate joins; disjoint, hence in parallel.
        turned: Qubits that turn afterwards, one angle each, in this order.
        gate: One of `GATES`.
    """

    edges: tuple[tuple[int, int], ...]
    turned: tuple[int, ...]
    gate: str


def line_layers(pattern: str, gate: str = "cz", n_qubits: int = 4) -> tuple[LineLayer, ...]:
    """The layers of a pattern; the first has no two-qubit gate.

    Args:
        pattern: A word in ``M``, ``O``, ``L``, ``R`` and the digits of the line's couplers.
        gate: One of `GATES`.
        n_qubits: Length of the line.

    Raises:
        InputError: If the pattern holds another letter, or the gate is unknown.
    """
    if gate not in GATES:
        raise unknown_name("gate", gate, GATES)
    digits = "".join(str(coupler) for coupler in range(min(n_qubits - 1, 10)))
    unknown = sorted(set(pattern) - set(LETTERS) - set(digits))
    if unknown:
        raise InputError(
            f"pattern = {shown(pattern, 40)}: {unknown[0]!r} is no layer; use words in 'M' (1-2, "
            "3-4, ...), 'O' (0-1, 2-3, ...), 'L' (the first edge), 'R' (the last) and digits k "
            "(k to k + 1)."
        )
    layers = [LineLayer((), tuple(range(n_qubits)), gate)]
    for letter in pattern:
        edges = _couplers(letter, n_qubits)
        layers.append(LineLayer(edges, tuple(q for edge in edges for q in edge), gate))
    return tuple(layers)


def n_line_angles(pattern: str, n_qubits: int = 4) -> int:
    """The number of free angles of a pattern.

    Args:
        pattern: As for `line_layers`.
        n_qubits: Length of the line.
    """
    return sum(len(layer.turned) for layer in line_layers(pattern, n_qubits=n_qubits))


def line_states(
    angles: FloatArray, pattern: str = "MOMOM", gate: str = "cz", n_qubits: int = 4
) -> FloatArray:
    """The states that a pattern makes of |0...0>.

    Args:
        angles: RY angles in radians, shape (batch, n_line_angles(pattern, n_qubits)).
        pattern: As for `line_layers`.
        gate: One of `GATES`.
        n_qubits: Length of the line.

    Returns:
        Real unit vectors, shape (batch, 2^n), qubit 0 most significant.
    """
    layers = line_layers(pattern, gate, n_qubits)
    states = np.empty((len(angles), 1 << n_qubits))
    for start in range(0, len(angles), _BLOCK):
        rows = slice(start, start + _BLOCK)
        states[rows] = propagate(angles[rows], layers, derivatives=False)[0].T
    return states


def propagate(
    angles: FloatArray,
    layers: Sequence[LineLayer],
    derivatives: bool,
    start: FloatArray | None = None,
) -> FloatArray:
    """The prepared states and, on request, their derivatives by each angle.

    Args:
        angles: RY angles in radians, shape (batch, angles).
        layers: From `line_layers`, whose turned qubits take the columns of the angles in order.
        derivatives: Whether to return the derivatives too.
        start: What to begin with, shape (2^n,), where n may be more than the layers' qubits; None
            for |0...0>.

    Returns:
        Shape (1 + angles or 1, 2^n, batch): the states, then the derivatives. The batch comes last
        so that every gate is elementwise arithmetic on contiguous rows.
    """
    batch, n_angles = angles.shape
    dimension = 1 << len(layers[0].turned) if start is None else len(start)
    n_qubits = dimension.bit_length() - 1
    cosines, sines = np.cos(angles.T / 2), np.sin(angles.T / 2)
    vectors = np.empty((1 + n_angles * derivatives, *(2,) * n_qubits, batch))
    if start is None:
        vectors[0] = 0
        vectors[(0,) * (1 + n_qubits)] = 1
    else:
        vectors[0] = start.reshape((2,) * n_qubits + (1,))
    column = 0
    for layer in layers:
        # The derivatives by later angles are not there yet.
        present = vectors[: 1 + column * derivatives]
        for edge in layer.edges:
            GATES[layer.gate](present, edge)
        for qubit in layer.turned:
            # Views with the qubit's bit on axis 2.
            split = vectors.reshape(-1, 1 << qubit, 2, dimension >> (qubit + 1), batch)
            present = split[: 1 + column * derivatives]
            zero, one = present[:, :, 0], present[:, :, 1]
            from_zero, from_one = sines[column] * zero, sines[column] * one
            zero *= cosines[column]
            zero -= from_one
            one *= cosines[column]
            one += from_zero
            if derivatives:
                np.multiply(split[0, :, 1], -0.5, out=split[column + 1, :, 0])
                np.multiply(split[0, :, 0], 0.5, out=split[column + 1, :, 1])
            column += 1
    return vectors.reshape(-1, dimension, batch)
