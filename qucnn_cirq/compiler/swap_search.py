"""Where to put SWAPs: a beam search over many starts, counted in the gates that remain.

A SWAP next to a CZ on the same coupler costs one gate more, not three, since both together are two
CZ; and one of a qubit that nothing has acted on costs two. So SWAPs go beside gates, also before
they are needed, which a router that counts SWAPs does not see. All states of a beam advance
together, as rows of arrays of integers, so that the result is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]

ADVANCE = -1
"""The move that does every gate whose qubits are neighbours, in place of a SWAP."""

_ROUNDS, _WIDTH, _SLACK = 8, 200, 2
_NEW_STARTS, _VARIED_STARTS, _KEPT_STARTS = 200, 200, 20
# Weights of the score: SWAPs so far, distances of the next gates of each qubit, gates to be done.
_SWAPPED, _AHEAD, _LEFT = 8, (8, 5, 3, 2, 1, 1), 2
_USUAL_GATES = 64


@dataclass(frozen=True)
class Couplers:
    """The part of a device on which is routed, its qubits numbered from 0.

    Attributes:
        pairs: The two qubits of each coupler, shape (couplers, 2).
        distances: Couplers between any two qubits, shape (qubits, qubits).
    """

    pairs: Ints
    distances: Ints


@dataclass(frozen=True)
class Moves:
    """A way to do all gates.

    Attributes:
        extra: CZ gates that the SWAPs add.
        start: Where each logical qubit starts, shape (logical qubits,).
        end: Where it ends.
        moves: `ADVANCE`, or the coupler that is swapped, in order of time.
    """

    extra: int
    start: tuple[int, ...]
    end: tuple[int, ...]
    moves: tuple[int, ...]


@dataclass
class _Beam:
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
    def of(cls, starts: Ints, n_places: int, n_gates: int) -> _Beam:
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

    def rows(self, which: Ints) -> _Beam:
        """Copies of some rows."""
        return _Beam(*(getattr(self, each.name)[which] for each in fields(self)))


class _Gates:
    """For each logical qubit its gates in order: number, partner, and whether it is a CZ."""

    def __init__(self, pairs: Sequence[tuple[int, int]], is_cz: Sequence[bool], n: int) -> None:
        own: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        for number, (a, b) in enumerate(pairs):
            own[a].append((number, b))
            own[b].append((number, a))
        columns = max(map(len, own)) + len(_AHEAD)
        self.qubits = np.arange(n)
        # After its last gate a qubit has itself as partner and a number that no other has.
        self.partner = np.repeat(self.qubits[:, None], columns, axis=1)
        self.number = -1 - self.partner
        self.is_cz = np.zeros((n, columns), dtype=bool)
        for q, gates in enumerate(own):
            for column, (number, partner) in enumerate(gates):
                self.number[q, column], self.partner[q, column] = number, partner
                self.is_cz[q, column] = is_cz[number]


def find_moves(
    gates: Sequence[tuple[int, int]],
    is_cz: Sequence[bool],
    n_logical: int,
    couplers: Couplers,
    seed: int = 0,
) -> tuple[list[Moves], int]:
    """Looks for places and SWAPs with which all gates act on neighbours.

    Rounds go to and fro: where one ends is where the next, through the gates in the other
    direction, starts; besides it starts anew, and from variations.

    Args:
        gates: Pairs of logical qubits, numbered from 0, in order of time.
        is_cz: For each gate whether it is a CZ.
        n_logical: Number of logical qubits, not more than there are places.
        couplers: The places, connected.
        seed: Seed of the starts.

    Returns:
        The best ways to do it, at least one, fewest gates first; and how many starts were tried.
    """
    generator = np.random.default_rng(seed)
    forwards = _Gates(gates, is_cz, n_logical)
    backwards = _Gates(gates[::-1], is_cz[::-1], n_logical)
    # Long circuits get fewer states and rounds, so that the time stays bounded.
    effort = min(1.0, _USUAL_GATES / max(1, len(gates)))
    rounds, width = 2 * max(1, round(_ROUNDS * effort / 2)), max(16, round(_WIDTH * effort))
    found: dict[tuple[int, ...], Moves] = {}
    kept = np.zeros((0, n_logical), dtype=np.intp)
    tried = 0
    for number in range(rounds):
        is_last = number == rounds - 1
        fresh = [] if is_last and len(kept) else [*_new_starts(n_logical, couplers, generator)]
        starts = np.array([*kept, *_varied(kept, couplers, generator), *fresh])
        tried += len(starts)
        # The last round goes forwards.
        direction = backwards if (rounds - number) % 2 == 0 else forwards
        beam = _Beam.of(starts, len(couplers.distances), len(gates))
        ways = _search(direction, len(gates), couplers, beam, width)
        if direction is forwards:
            for way in ways:
                if way.start not in found or way.extra < found[way.start].extra:
                    found[way.start] = way
        kept = np.array([way.end for way in ways[:_KEPT_STARTS]])
        if direction is forwards and ways[0].extra == 0:
            break
    return sorted(found.values(), key=lambda way: way.extra), tried


def moves_from(
    start: tuple[int, ...],
    gates: Sequence[tuple[int, int]],
    is_cz: Sequence[bool],
    couplers: Couplers,
) -> Moves:
    """Looks for SWAPs with which all gates act on neighbours, where no SWAP is free.

    Args:
        start: The place of each logical qubit; all places are taken.
        gates: As for `find_moves`.
        is_cz: As for `find_moves`.
        couplers: The places, connected.

    Returns:
        The way with the fewest gates that was found.
    """
    effort = min(1.0, _USUAL_GATES / max(1, len(gates)))
    begun = _Beam.of(np.array([start]), len(start), len(gates))
    # Never a partner of anyone, and not unused either.
    begun.partner += len(start) + 1
    width = max(16, round(_WIDTH * effort))
    own = _Gates(gates, is_cz, len(start))
    return _search(own, len(gates), couplers, begun, width)[0]


def _new_starts(
    n_logical: int, couplers: Couplers, generator: np.random.Generator
) -> Iterator[Ints]:
    """Connected regions, grown with a preference for many couplers, in random order."""
    near = couplers.distances == 1
    for _ in range(_NEW_STARTS):
        chosen = [int(generator.integers(len(near)))]
        while len(chosen) < n_logical:
            weights = near[chosen].sum(axis=0) ** 2
            weights[chosen] = 0
            total = np.cumsum(weights)
            chosen.append(int(np.searchsorted(total, generator.integers(total[-1]), side="right")))
        yield generator.permutation(np.array(chosen))


def _varied(kept: Ints, couplers: Couplers, generator: np.random.Generator) -> Ints:
    """Starts with one or two exchanges of neighbouring places."""
    if not len(kept):
        return kept
    varied = kept[generator.integers(len(kept), size=_VARIED_STARTS)]
    for row in varied:
        for _ in range(int(generator.integers(1, 3))):
            a, b = couplers.pairs[generator.integers(len(couplers.pairs))]
            at_a, at_b = row == a, row == b
            row[at_a], row[at_b] = b, a
    return varied


def _search(
    gates: _Gates, n_gates: int, couplers: Couplers, beam: _Beam, width: int
) -> list[Moves]:
    """One round; at most one way for each end, fewest gates first."""
    starts = beam.place
    history: list[tuple[Ints, Ints]] = []
    ended: dict[tuple[int, ...], tuple[int, int, int, int]] = {}
    best = int(np.iinfo(np.intp).max)
    patience = 4 * (n_gates + len(couplers.distances))
    while len(beam.left):
        parents, moves, beam = _children(beam, gates, couplers)
        for row in np.flatnonzero(beam.left == 0).tolist():
            extra = int(beam.extra[row])
            end = tuple(beam.place[row].tolist())
            if end not in ended or extra < ended[end][0]:
                ended[end] = extra, len(history), int(parents[row]), int(moves[row])
            best = min(best, extra)
        scores = _scores(beam, gates, couplers, is_late=len(history) > patience)
        order = np.argsort(scores, kind="stable")
        order = order[(beam.left[order] > 0) & (beam.extra[order] < best + _SLACK)]
        order = _distinct(beam, order)[:width]
        history.append((parents[order], moves[order]))
        beam = beam.rows(order)
    ways = []
    for end, (extra, step, row, move) in ended.items():
        made = [move]
        for parents, moves in reversed(history[:step]):
            made.append(int(moves[row]))
            row = int(parents[row])
        ways.append(Moves(extra, tuple(starts[row].tolist()), end, tuple(reversed(made))))
    return sorted(ways, key=lambda way: way.extra)


def _distinct(beam: _Beam, order: Ints) -> Ints:
    """The first of all rows with the same places and the same gates done."""
    keys = np.concatenate([beam.place[order], beam.done[order]], axis=1)
    factors = np.random.default_rng(1).integers(1, 2**62, size=keys.shape[1])
    _, first = np.unique((keys * factors).sum(axis=1), return_index=True)
    return order[np.sort(first)]


def _scores(beam: _Beam, gates: _Gates, couplers: Couplers, is_late: bool) -> Ints:
    """How promising states are, the smallest first."""
    places = beam.place
    if is_late:
        # Nothing but the next gate, so that there is an end.
        rows = np.arange(len(places))
        partner = gates.partner[gates.qubits, beam.done]
        number = gates.number[gates.qubits, beam.done]
        first = np.where(number < 0, len(gates.number[0]) * len(number), number).argmin(axis=1)
        ahead: Ints = couplers.distances[places[rows, first], places[rows, partner[rows, first]]]
        return ahead + beam.left * len(couplers.distances)
    columns = beam.done[:, :, None] + np.arange(len(_AHEAD))
    partner = gates.partner[gates.qubits[:, None], columns].reshape(len(places), -1)
    others = np.take_along_axis(places, partner, axis=1).reshape(columns.shape)
    between = couplers.distances[places[:, :, None], others] - 1
    scores: Ints = np.maximum(between, 0).sum(axis=1) @ np.array(_AHEAD)
    return scores + _SWAPPED * beam.extra + _LEFT * beam.left


def _children(beam: _Beam, gates: _Gates, couplers: Couplers) -> tuple[Ints, Ints, _Beam]:
    """All states one move later: their parents, the moves, and the states."""
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


def _advance(child: _Beam, advancing: Flags, other: Ints, gates: _Gates) -> None:
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
