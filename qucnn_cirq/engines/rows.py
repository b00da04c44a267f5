"""Which Pauli coefficients an evolution carries, in which order, and what happens to their rows.

A coefficient is known by its *label*: two bits for each qubit, 0 to 3 for I, X, Y and Z. What is
zero whatever the angles is not carried: of a real state under noise that leaves it real, labels
with an odd number of Y, which are 120 of 256. Rows are put into the order in which the next
rotations find the two components that they turn as two blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Path = tuple[tuple[int, int], ...]
"""Where a rotation acts: rows from one number to another, halved; once more within each half."""

_NEGLIGIBLE = 1e-15


@dataclass(frozen=True)
class Plane:
    """The two Bloch components of a qubit that a rotation turns.

    Attributes:
        shift: The place of the qubit's two bits in a label.
        first: The component that is turned.
        second: The one that it is turned towards.
    """

    shift: int
    first: int
    second: int

    @property
    def step(self) -> int:
        """What leads from a label in the first component to its partner in the second."""
        return (self.second - self.first) * (1 << self.shift)


def all_labels(shifts: Sequence[int]) -> Labels:
    """The labels of all coefficients of some qubits.

    Args:
        shifts: The places of the n qubits in labels, first qubit most significant.

    Returns:
        Shape (4^n,).
    """
    labels = np.zeros(1, dtype=np.int64)
    for shift in shifts:
        labels = np.add.outer(labels, np.arange(4) << shift).ravel()
    return labels


def closed(labels: Labels, planes: Sequence[Plane]) -> Labels:
    """Labels and all that rotations lead to from there.

    Args:
        labels: What is carried before, shape (rows,).
        planes: What is turned.

    Returns:
        Ascending, shape (rows or more,).
    """
    for plane in planes:
        component = labels >> plane.shift & 3
        there = labels[component == plane.first] + plane.step
        back = labels[component == plane.second] - plane.step
        labels = np.unique(np.concatenate([labels, there, back]))
    return labels


def arranged(labels: Labels, planes: Sequence[Plane]) -> tuple[Labels, list[list[Path]]]:
    """An order of rows in which rotations of several qubits find blocks.

    Args:
        labels: Closed under the rotations, shape (rows,).
        planes: What is turned, each on a qubit of its own.

    Returns:
        The labels in that order, and for each rotation the places where it acts.
    """
    if not planes:
        return labels, []
    plane, others = planes[0], planes[1:]
    component = labels >> plane.shift & 3
    is_first, is_second = component == plane.first, component == plane.second
    first, within = arranged(labels[is_first], others)
    rest, beside = arranged(labels[~(is_first | is_second)], others)
    size = 2 * len(first)
    paths: list[list[Path]] = [[((0, size),)] if size else []]
    for inner, outer in zip(within, beside, strict=True):
        moved = [((path[0][0] + size, path[0][1] + size), *path[1:]) for path in outer]
        paths.append([((0, size), *path) for path in inner] + moved)
    return np.concatenate([first, first + plane.step, rest]), paths


@dataclass(frozen=True, eq=False)
class Block:
    """A matrix on rows that are contiguous.

    Attributes:
        start: The first of them.
        stop: The end of them.
        matrix: What multiplies them, seen as shape (columns, all else).
    """

    start: int
    stop: int
    matrix: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Action:
    """What a fixed step does to the rows of some labels.

    Attributes:
        before: The labels that it takes, in order. For a selection one for each row after it.
        after: The labels that it gives.
        factors: What each selected row is multiplied by, shape (rows,); None if matrices act.
        blocks: The matrices; none for a selection.
    """

    before: Labels
    after: Labels
    factors: NDArray[np.float64] | None
    blocks: tuple[Block, ...]


def action(labels: Labels, shifts: Sequence[int], transfer: NDArray[np.float64]) -> Action:
    """What a fixed step does, split by which coefficients of its qubits are carried.

    Args:
        labels: What is carried, shape (rows,).
        shifts: The places of its k qubits in labels, first qubit most significant.
        transfer: Its transfer matrix, shape (4^k, 4^k).
    """
    spread = all_labels(shifts)
    rest = labels & ~spread[-1]
    rests, place = np.unique(rest, return_inverse=True)
    carried = np.zeros((len(rests), len(spread)), dtype=bool)
    carried[place, positions(labels - rest, spread)[0]] = True
    patterns, group = np.unique(carried, axis=0, return_inverse=True)
    reached = np.abs(transfer) > _NEGLIGIBLE
    befores, afters, parts, selected = [], [], [], []
    for number, pattern in enumerate(patterns):
        columns = np.flatnonzero(pattern)
        kept = np.flatnonzero(reached[:, columns].any(axis=1))
        there = rests[group.ravel() == number]
        befores.append((spread[columns][:, None] + there).ravel())
        afters.append((spread[kept][:, None] + there).ravel())
        parts.append(transfer[np.ix_(kept, columns)])
        entries = reached[np.ix_(kept, columns)]
        only = entries.argmax(axis=1)
        if (entries.sum(axis=1) == 1).all():
            source = (spread[columns][only][:, None] + there).ravel()
            factor = np.repeat(parts[-1][np.arange(len(kept)), only], len(there))
            selected.append((source, factor))
    after = np.concatenate(afters)
    if len(selected) == len(parts):
        sources, factors = (np.concatenate(each) for each in zip(*selected, strict=True))
        return Action(sources, after, factors, ())
    blocks, start = [], 0
    for before, part in zip(befores, parts, strict=True):
        blocks.append(Block(start, start + len(before), part))
        start += len(before)
    return Action(np.concatenate(befores), after, None, tuple(blocks))


def positions(wanted: Labels, labels: Labels) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where labels are found among others.

    Args:
        wanted: Shape (n,).
        labels: Those that are there, in any order.

    Returns:
        The row of each, 0 if it is not there; and whether it is.
    """
    order = np.argsort(labels)
    found = np.searchsorted(labels, wanted, sorter=order)
    rows = order[np.minimum(found, len(labels) - 1)]
    there = labels[rows] == wanted
    return np.where(there, rows, 0), there
