"""The states of the search for SWAPs, and what one move makes of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]
Weights = NDArray[np.float32]

ADVANCE = -1
"""The move that does every gate whose qubits are neighbours, in place of a SWAP."""

_AHEAD = (8, 5, 3, 2, 1, 1)
"""Weights of the distances of the next gates of each qubit."""


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
        order: Which of the orders of the gates it follows.
        place: Where q is.
        done: Gates of q that are done.
        holder: Which q is at p; the number of logical qubits for none.
        partner: The place with which p had its last gate; -1 for none.
        mergeable: Whether that gate takes in a SWAP for one gate more.
        bonus: Gates that a CZ between the same places saves, as there was a SWAP last.
        clock: How many two-qubit gates, one after the other, end at p.
        extra: Gates that SWAPs have added.
        left: Gates to be done.
        root: The start that it comes from.
        key: A number for the order, the places and what is done: equal states have equal ones.
    """

    order: Ints
    place: Ints
    done: Ints
    holder: Ints
    partner: Ints
    mergeable: Flags
    bonus: Ints
    clock: Ints
    extra: Ints
    left: Ints
    root: Ints
    key: Keys

    @classmethod
    def of(cls, orders: Ints, starts: Ints, n_places: int, gates: Gates) -> Beam:
        """States in which nothing is done yet.

        Args:
            orders: The order that each state follows.
            starts: The place of each logical qubit, a row for each state.
            n_places: Number of places.
            gates: The circuit.
        """
        rows, n_logical = starts.shape
        holder = np.full((rows, n_places), n_logical)
        holder[np.arange(rows)[:, None], starts] = np.arange(n_logical)
        zeros = np.zeros((rows, n_places), dtype=np.intp)
        key = gates.place_keys[gates.qubits, starts].sum(axis=1) + gates.order_keys[orders]
        return cls(
            order=orders,
            place=starts,
            done=np.zeros_like(starts),
            holder=holder,
            partner=zeros - 1,
            mergeable=zeros > 0,
            bonus=zeros,
            clock=zeros,
            extra=zeros[:, 0],
            left=zeros[:, 0] + gates.count,
            root=np.arange(rows),
            key=key,
        )

    def rows(self, which: Ints) -> Beam:
        """Copies of some rows.

        Args:
            which: Their numbers.
        """
        return Beam(*(getattr(self, each.name)[which] for each in fields(self)))

    def with_rows(self, other: Beam) -> Beam:
        """These states and then others.

        Args:
            other: The others.
        """
        both = ((getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return Beam(*(np.concatenate(pair) for pair in both))


class Gates:
    """For each logical qubit its gates in order: number, partner, and whether it is a CZ.

    Args:
        pairs: The qubits of each gate in order of time, for each of the orders that a circuit may
            have, shape (orders, gates, 2).
        is_cz: For each gate whether it is a CZ.
        n: Number of logical qubits.
        n_places: Number of places.
    """

    def __init__(self, pairs: Ints, is_cz: Flags, n: int, n_places: int) -> None:
        orders, self.count = pairs.shape[:2]
        self.qubits = np.arange(n)
        rows = np.arange(orders)
        met = np.zeros((orders, n), dtype=np.intp)
        for a, b in pairs.transpose(1, 2, 0):
            met[rows, a] += 1
            met[rows, b] += 1
        columns = int(met.max()) + 1
        shape = (orders, n, columns + len(_AHEAD) - 1)
        # After its last gate a qubit has itself as partner and a number that no other has.
        self.partner = np.broadcast_to(self.qubits[:, None], shape).copy()
        self.number = -1 - self.partner
        self.is_cz = np.zeros(shape, dtype=bool)
        met[:] = 0
        for number, (a, b) in enumerate(pairs.transpose(1, 2, 0)):
            for own, other in ((a, b), (b, a)):
                here = rows, own, met[rows, own]
                self.partner[here], self.number[here] = other, number
                self.is_cz[here] = is_cz[number]
                met[rows, own] += 1
        # The weight of the distance to each other qubit, for what each has done.
        self.ahead: Weights = np.zeros((orders, n, columns, n), dtype=np.float32)
        grid = np.ix_(rows, self.qubits, np.arange(columns))
        for step, weight in enumerate(_AHEAD):
            self.ahead[(*grid, self.partner[:, :, step : step + columns])] += weight
        # How many gates every two qubits have.
        self.meetings: Weights = np.zeros((orders, n, n), dtype=np.float32)
        for a, b in pairs.transpose(1, 2, 0):
            self.meetings[rows, a, b] += 1
            self.meetings[rows, b, a] += 1
        generator = np.random.default_rng(1)
        self.place_keys, self.done_keys, self.order_keys = (
            generator.integers(2**63, size=size, dtype=np.uint64)
            for size in ((n + 1, n_places), (n, columns), orders)
        )
        # No qubit, wherever it is.
        self.place_keys[n] = 0


@dataclass(frozen=True)
class Swaps:
    """One move of some states: the SWAP of a coupler each.

    Attributes:
        parent: The state's row.
        coupler: The coupler's number.
        cost: Gates that it adds.
        is_cheap: Whether it goes beside a gate.
        is_done: Whether it is a gate: two unused qubits change places for nothing.
    """

    parent: Ints
    coupler: Ints
    cost: Ints
    is_cheap: Flags
    is_done: Flags

    def of(self, which: Ints) -> Swaps:
        """Some of them.

        Args:
            which: Their numbers.
        """
        return Swaps(*(getattr(self, each.name)[which] for each in fields(self)))

    def ends(self, beam: Beam, couplers: Couplers) -> tuple[Ints, Ints, Ints, Ints]:
        """Both places of each, and who is there before it.

        Args:
            beam: The states.
            couplers: The places.
        """
        u, v = couplers.pairs[self.coupler].T
        return u, v, beam.holder[self.parent, u], beam.holder[self.parent, v]


def moves_of(
    beam: Beam, gates: Gates, couplers: Couplers, is_late: bool
) -> tuple[Ints, Beam, Swaps]:
    """All moves of all states; each has one.

    Args:
        beam: The states, with something left to do.
        gates: The circuit.
        couplers: The places, connected.
        is_late: Whether to allow every SWAP that brings qubits together, however useless it looks.

    Returns:
        The rows that can advance, what they then are, and the SWAPs.
    """
    rows = np.arange(len(beam.left))[:, None]
    order = beam.order[:, None]
    partner = gates.partner[order, gates.qubits, beam.done]
    number = gates.number[order, gates.qubits, beam.done]
    is_next = (gates.number[order, partner, beam.done[rows, partner]] == number) & (number >= 0)
    other = beam.place[rows, partner]
    is_near = couplers.distances[beam.place, other] == 1
    advancing = is_next & is_near
    advanced = np.flatnonzero(advancing.any(axis=1))
    child = beam.rows(advanced)
    _advance(child, advancing[advanced], other[advanced], gates)
    # A SWAP beside a gate, or one that moves a qubit whose next gate is out of reach.
    is_stuck = np.zeros((len(rows), len(gates.qubits) + 1), dtype=bool)
    is_stuck[:, :-1] = is_next & ~is_near
    wanted_at = is_stuck[rows, beam.holder]
    u, v = couplers.pairs.T
    is_wanted = wanted_at[:, u] | wanted_at[:, v]
    is_held = beam.holder < len(gates.qubits)
    partner_u, partner_v = beam.partner[:, u], beam.partner[:, v]
    together = (partner_u == v) & (partner_v == u)
    is_cheap = together & beam.mergeable[:, u]
    # What two qubits have just done, a SWAP of them undoes: only where there is no other way.
    allowed = is_cheap | (is_wanted if is_late else is_wanted & ~together)
    allowed &= is_held[:, u] | is_held[:, v]
    if not is_late:
        is_lost = ~allowed.any(axis=1)
        is_lost[advanced] = False
        allowed[is_lost] = is_wanted[is_lost]
    row, coupler = np.nonzero(allowed)
    chosen = row, coupler
    unused = (partner_u[chosen] < 0).astype(np.intp) + (partner_v[chosen] < 0)
    cheap = is_cheap[chosen]
    cost = np.where(cheap, 1, 3 - unused)
    # Two unused qubits are taken for a gate all the same, so that the search ends.
    return advanced, child, Swaps(row, coupler, cost, cheap, unused < 2)


def swapped(beam: Beam, swaps: Swaps, gates: Gates, couplers: Couplers) -> Beam:
    """The states after a SWAP each.

    Args:
        beam: The states before.
        swaps: The SWAPs.
        gates: The circuit.
        couplers: The places.
    """
    child = beam.rows(swaps.parent)
    row = np.arange(len(swaps.parent))
    u, v, at_u, at_v = swaps.ends(beam, couplers)
    for holder, to in ((at_u, v), (at_v, u)):
        is_moved = holder < len(gates.qubits)
        child.place[row[is_moved], holder[is_moved]] = to[is_moved]
    child.holder[row, u], child.holder[row, v] = at_v, at_u
    child.extra += swaps.cost
    child.clock[row, u] = child.clock[row, v] = swap_clocks(beam, swaps, couplers)
    child.key = swapped_keys(beam, swaps, gates, couplers)
    bonus = np.where(swaps.is_cheap, 0, swaps.cost - 1)
    for here, there in ((u, v), (v, u)):
        child.partner[row, here] = np.where(swaps.is_done, there, -1)
        child.mergeable[row, here] = False
        child.bonus[row, here] = bonus
    return child


def swap_clocks(beam: Beam, swaps: Swaps, couplers: Couplers) -> Ints:
    """The clock of both places after each SWAP.

    Args:
        beam: The states before.
        swaps: The SWAPs.
        couplers: The places.
    """
    u, v = couplers.pairs[swaps.coupler].T
    begun = np.maximum(beam.clock[swaps.parent, u], beam.clock[swaps.parent, v])
    ended: Ints = begun + np.where(swaps.is_done, swaps.cost, 0)
    return ended


def swapped_keys(beam: Beam, swaps: Swaps, gates: Gates, couplers: Couplers) -> Keys:
    """The keys after a SWAP each.

    Args:
        beam: The states before.
        swaps: The SWAPs.
        gates: The circuit.
        couplers: The places.
    """
    u, v, at_u, at_v = swaps.ends(beam, couplers)
    keys = gates.place_keys
    change: Keys = keys[at_u, v] - keys[at_u, u] + keys[at_v, u] - keys[at_v, v]
    return beam.key[swaps.parent] + change


def _advance(child: Beam, advancing: Flags, other: Ints, gates: Gates) -> None:
    """Does gates; each is met twice, once for each of its qubits."""
    row, q = np.nonzero(advancing)
    here, there = child.place[row, q], other[row, q]
    done = child.done[row, q]
    is_cz = gates.is_cz[child.order[row], q, done]
    together = (child.partner[row, here] == there) & (child.partner[row, there] == here)
    saved = np.where(together & is_cz, child.bonus[row, here], 0)
    rows = len(advancing)
    child.extra -= np.bincount(row, saved, rows).astype(np.intp) // 2
    child.left -= advancing.sum(axis=1) // 2
    child.clock[row, here] = np.maximum(child.clock[row, here], child.clock[row, there]) + 1 - saved
    # A SWAP that this CZ takes in is in it already; one before an earlier gate is not.
    had_swap = together & (child.bonus[row, here] > 0)
    child.partner[row, here] = there
    child.mergeable[row, here] = is_cz & ~had_swap
    child.bonus[row, here] = 0
    child.done[row, q] += 1
    change = np.zeros(advancing.shape, dtype=np.uint64)
    change[row, q] = gates.done_keys[q, done + 1] - gates.done_keys[q, done]
    child.key += change.sum(axis=1)
