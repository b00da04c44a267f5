"""The states of the search for SWAPs, and what one move makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]

ADVANCE = -1
"""The move that does every gate whose qubits are neighbours, in place of a SWAP."""

LOOK_AHEAD = 6
"""How many of the next gates of each qubit are looked at."""


@dataclass(frozen=True)
class Couplers:
    """The part of a device on which is routed, its qubits numbered from 0.

    Attributes:
        pairs: The two qubits of each coupler, shape (couplers, 2).
        distances: Couplers between any two qubits, shape (qubits, qubits).
    """

    pairs: Ints
    distances: Ints


@dataclass
class Beam:
    """States of the search, a row each; columns are logical qubits q or places p.

    Attributes:
        place: Where q is.
        done: Gates of q that are done.
        holder: Which q is at p; the number of logical qubits for none.
        partner: The place with which p had its last gate; -1 for none.
        mergeable: Whether that gate takes in a SWAP for one gate more.
        bonus: Gates that a CZ between the same places saves, as there was a SWAP last.
        extra: Gates that SWAPs have added.
        left: Gates to be done.
        root: The start that it comes from.
    """

    place: Ints
    done: Ints
    holder: Ints
    partner: Ints
    mergeable: Flags
    bonus: Ints
    extra: Ints
    left: Ints
    root: Ints

    @classmethod
    def of(cls, starts: Ints, n_places: int, n_gates: int) -> Beam:
        """States in which nothing is done yet.

        Args:
            starts: The place of each logical qubit, a row for each state.
            n_places: Number of places.
            n_gates: Number of gates to be done.
        """
        rows, n_logical = starts.shape
        holder = np.full((rows, n_places), n_logical)
        holder[np.arange(rows)[:, None], starts] = np.arange(n_logical)
        zeros = np.zeros((rows, n_places), dtype=np.intp)
        return cls(
            place=starts,
            done=np.zeros_like(starts),
            holder=holder,
            partner=zeros - 1,
            mergeable=zeros > 0,
            bonus=zeros,
            extra=zeros[:, 0],
            left=zeros[:, 0] + n_gates,
            root=np.arange(rows),
        )

    def rows(self, which: Ints) -> Beam:
        """Copies of some rows.

        Args:
            which: Their numbers.
        """
        return Beam(*(getattr(self, each.name)[which] for each in fields(self)))


class Gates:
    """For each logical qubit its gates in order: number, partner, and whether it is a CZ.

    Args:
        pairs: The qubits of each gate, in order of time.
        is_cz: For each gate whether it is a CZ.
        n: Number of logical qubits.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], is_cz: Sequence[bool], n: int) -> None:
        own: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        for number, (a, b) in enumerate(pairs):
            own[a].append((number, b))
            own[b].append((number, a))
        columns = max(map(len, own)) + LOOK_AHEAD
        self.qubits = np.arange(n)
        # After its last gate a qubit has itself as partner and a number that no other has.
        self.partner = np.repeat(self.qubits[:, None], columns, axis=1)
        self.number = -1 - self.partner
        self.is_cz = np.zeros((n, columns), dtype=bool)
        for q, gates in enumerate(own):
            for column, (number, partner) in enumerate(gates):
                self.number[q, column], self.partner[q, column] = number, partner
                self.is_cz[q, column] = is_cz[number]


def children(beam: Beam, gates: Gates, couplers: Couplers) -> tuple[Ints, Ints, Beam]:
    """All states one move later.

    Args:
        beam: The states.
        gates: The circuit.
        couplers: The places.

    Returns:
        For each of them its parent's row, the move (`ADVANCE` or a coupler), and the states.
    """
    rows = np.arange(len(beam.left))[:, None]
    u, v = couplers.pairs.T
    partner = gates.partner[gates.qubits, beam.done]
    number = gates.number[gates.qubits, beam.done]
    is_next = (gates.number[partner, beam.done[rows, partner]] == number) & (number >= 0)
    other = beam.place[rows, partner]
    is_near = couplers.distances[beam.place, other] == 1
    advancing = is_next & is_near
    advanced = np.flatnonzero(advancing.any(axis=1))
    # A SWAP beside a gate, or one that moves a qubit whose next gate is out of reach.
    is_stuck = np.pad(is_next & ~is_near, ((0, 0), (0, 1)))
    holders = beam.holder[:, u], beam.holder[:, v]
    is_wanted = is_stuck[rows, holders[0]] | is_stuck[rows, holders[1]]
    together = (beam.partner[:, u] == v) & (beam.partner[:, v] == u)
    is_cheap = together & beam.mergeable[:, u]
    unused = (beam.partner[:, u] < 0).astype(np.intp) + (beam.partner[:, v] < 0)
    cost = np.where(is_cheap, 1, 3 - unused)
    is_held = np.minimum(*holders) < len(gates.qubits)
    swapped, coupler = np.nonzero(is_held & (is_cheap | (is_wanted & ~together)))
    parents = np.concatenate([advanced, swapped])
    child = beam.rows(parents)
    _advance(child, advancing[advanced], other[advanced], gates)
    row = np.arange(len(advanced), len(parents))
    u, v = u[coupler], v[coupler]
    at_u, at_v = (each[swapped, coupler] for each in holders)
    for holder, to in ((at_u, v), (at_v, u)):
        is_moved = holder < len(gates.qubits)
        child.place[row[is_moved], holder[is_moved]] = to[is_moved]
    child.holder[row, u], child.holder[row, v] = at_v, at_u
    cost = cost[swapped, coupler]
    child.extra[row] += cost
    # Two unused qubits change places for nothing; taken for a gate, so that the search ends.
    is_done = unused[swapped, coupler] < 2
    bonus = np.where(is_cheap[swapped, coupler], 0, cost - 1)
    for here, there in ((u, v), (v, u)):
        child.partner[row, here] = np.where(is_done, there, -1)
        child.mergeable[row, here] = False
        child.bonus[row, here] = bonus
    return parents, np.concatenate([np.full_like(advanced, ADVANCE), coupler]), child


def _advance(child: Beam, advancing: Flags, other: Ints, gates: Gates) -> None:
    """Does the gates of the first rows; each is met twice, once for each of its qubits."""
    row, q = np.nonzero(advancing)
    here, there = child.place[row, q], other[row, q]
    is_cz = gates.is_cz[q, child.done[row, q]]
    together = (child.partner[row, here] == there) & (child.partner[row, there] == here)
    saved = np.where(together & is_cz, child.bonus[row, here], 0)
    rows = len(advancing)
    child.extra[:rows] -= np.bincount(row, saved, rows).astype(np.intp) // 2
    child.left[:rows] -= advancing.sum(axis=1) // 2
    # A SWAP that this CZ takes in is in it already; one before an earlier gate is not.
    had_swap = together & (child.bonus[row, here] > 0)
    child.partner[row, here] = there
    child.mergeable[row, here] = is_cz & ~had_swap
    child.bonus[row, here] = 0
    child.done[row, q] += 1
