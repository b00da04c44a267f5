"""Where the qubits of a register sit on a grid, so that a circuit's gates act on neighbours."""

from __future__ import annotations

import itertools
import math

Places = tuple[tuple[int, int], ...]
"""(row, column) of each qubit."""


def grid_shape(n_qubits: int) -> tuple[int, int]:
    """Rows and columns of the full grid of so many qubits that is closest to a square.

    Args:
        n_qubits: Size of the register.
    """
    rows = next(n for n in range(math.isqrt(n_qubits), 0, -1) if n_qubits % n == 0)
    return rows, n_qubits // rows


def spiral(n_qubits: int) -> Places:
    """The places of a grid from a corner inwards: each is a neighbour of the one before.

    Of two rows the last is a neighbour of the first, and of a 3x3 grid the eighth.

    Args:
        n_qubits: Size of the register.
    """
    rows, columns = grid_shape(n_qubits)
    left = set(itertools.product(range(rows), range(columns)))
    row, column = place = (0, 0)
    down, right = 0, 1
    found = [place]
    left.remove(place)
    while left:
        if (row + down, column + right) not in left:
            down, right = right, -down
        row, column = row + down, column + right
        left.remove((row, column))
        found.append((row, column))
    return tuple(found)


def round_two_rows(n_qubits: int) -> Places:
    """The places round two rows: along the first and back along the second.

    Args:
        n_qubits: Size of the register, even.
    """
    half = n_qubits // 2
    there = tuple((0, column) for column in range(half))
    return (*there, *((1, column) for column in reversed(range(half))))


def neighbours(places: Places) -> tuple[tuple[int, int], ...]:
    """The pairs of qubits, lower number first, that sit side by side.

    Args:
        places: Where each qubit sits.
    """
    return tuple(
        (first, second)
        for first, second in itertools.combinations(range(len(places)), 2)
        if sum(abs(a - b) for a, b in zip(places[first], places[second], strict=True)) == 1
    )
