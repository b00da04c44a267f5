"""Where to put SWAPs: a beam search over many starts, counted in the gates that remain.

A SWAP next to a CZ on the same coupler costs one gate more, not three, since both together are two
CZ; and one of a qubit that nothing has acted on costs two. So SWAPs go beside gates, also before
they are needed, which a router that counts SWAPs does not see. All states of a beam advance
together, as rows of arrays of integers, so that the result is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qucnn_cirq.compiler.swap_beam import (
    ADVANCE,
    Beam,
    Couplers,
    Flags,
    Gates,
    Ints,
    Keys,
    Swaps,
    Weights,
    moves_of,
    swap_clocks,
    swapped,
    swapped_keys,
)

# Searches from starts of their own, before one from the best ends of all.
_SEARCHES, _ROUNDS, _LAST_ROUNDS = 8, 4, 4
_WIDTH, _SLACK = 200, 2
# Of the varied starts half follow another order.
_NEW_STARTS, _VARIED_STARTS, _KEPT_STARTS = 400, 200, 20
# A start has no more than this part of the states.
_PER_START = 0.025
# Exchanges of two places that improve a new start.
_EXCHANGES = 12
# Weights of the score besides the distances ahead: SWAPs so far, gates to be done, depth.
_SWAPPED, _LEFT, _DEEP = 6, 8, 1
# Ways that come first for having few gates, whatever their depth.
_FEWEST = 8
_USUAL_GATES = 64


@dataclass(frozen=True)
class Moves:
    """A way to do all gates.

    Attributes:
        extra: CZ gates that the SWAPs add.
        depth: About how many two-qubit gates follow each other.
        order: Which of the orders of the gates it follows.
        start: Where each logical qubit starts, shape (logical qubits,).
        end: Where it ends.
        moves: `ADVANCE`, or the coupler that is swapped, in order of time.
    """

    extra: int
    depth: int
    order: int
    start: tuple[int, ...]
    end: tuple[int, ...]
    moves: tuple[int, ...]


def find_moves(
    gates: Ints, is_cz: Sequence[bool], names: Ints, couplers: Couplers, seed: int = 0
) -> tuple[list[Moves], int]:
    """Looks for an order, places and SWAPs with which all gates act on neighbours.

    Rounds go to and fro: where one ends is where the next, through the gates in the other
    direction, starts; besides it starts anew, and from variations. As all soon come from the same
    few starts, there are several searches, and a last one from the best of each.

    Args:
        gates: Pairs of logical qubits, numbered from 0, in order of time, for each of the orders
            that they may have, shape (orders, gates, 2).
        is_cz: For each gate whether it is a CZ.
        names: The logical qubit that each is at first in each order, shape (orders, qubits); not
            more than there are places.
        couplers: The places, connected.
        seed: Seed of the starts.

    Returns:
        Ways to do it, at least one: those with the fewest gates, then those that have at most one
        more and are not as deep, then the others; and how many starts were tried.
    """
    # Long circuits get fewer states and searches, so that the time stays bounded.
    effort = min(1.0, _USUAL_GATES / max(1, gates.shape[1]))
    search = _Search(gates, np.array(is_cz), names, couplers, seed, effort)
    ends: list[Moves] = []
    for _ in range(max(1, round(_SEARCHES * effort))):
        ends += search.run(_ROUNDS, [])
        if search.is_perfect:
            break
    else:
        search.run(_LAST_ROUNDS, ends)
    return _shallow_among_few(list(search.found.values())), search.tried


def _shallow_among_few(ways: list[Moves]) -> list[Moves]:
    """Ways in the order in which they are worth a try, see `find_moves`."""
    ways = sorted(ways, key=lambda way: (way.extra, way.depth))
    few = ways[0].extra + 1
    rest = sorted(ways[_FEWEST:], key=lambda way: (max(way.extra, few), way.depth))
    return [*ways[:_FEWEST], *rest]


class _Search:
    """Rounds to and fro, and what they have found.

    Args:
        gates: As for `find_moves`.
        is_cz: As for `find_moves`.
        names: As for `find_moves`.
        couplers: The places, connected.
        seed: Seed of the starts.
        effort: Part of the usual number of states.
    """

    def __init__(
        self, gates: Ints, is_cz: Flags, names: Ints, couplers: Couplers, seed: int, effort: float
    ) -> None:
        n_places = len(couplers.distances)
        self.names, self.couplers = names, couplers
        self.forwards = Gates(gates, is_cz, names.shape[1], n_places)
        self.backwards = Gates(gates[:, ::-1], is_cz[::-1], names.shape[1], n_places)
        self.width = max(16, round(_WIDTH * effort))
        self.found: dict[tuple[int, ...], Moves] = {}
        self.tried = 0
        self._generator = np.random.default_rng(seed)

    @property
    def is_perfect(self) -> bool:
        """Whether a way without any SWAP is found."""
        return any(way.extra == 0 for way in self.found.values())

    def run(self, rounds: int, ends: list[Moves]) -> list[Moves]:
        """Some rounds, backwards and forwards in turn.

        Args:
            rounds: How many, an even number.
            ends: Ways forwards whose ends to start from; with none there are new starts.

        Returns:
            The best ways of the last round.
        """
        is_new = not ends
        for number in range(rounds):
            is_forwards = number % 2 == 1
            starts, orders = self._old_starts(ends, is_forwards)
            if is_new and number < rounds - 1:
                fresh = _new_starts(self.names.shape[1], self.couplers, self._generator)
                own = self._generator.integers(len(self.names), size=len(fresh))
                fresh = _improved(fresh, self.forwards.meetings[own], self.couplers)
                starts = np.concatenate([starts, fresh])
                orders = np.concatenate([orders, own])
            gates = self.forwards if is_forwards else self.backwards
            beam = Beam.of(orders, starts, len(self.couplers.distances), gates)
            self.tried += len(starts)
            ways = _round(gates, self.couplers, beam, self.width)
            ends = ways[:_KEPT_STARTS]
            if is_forwards:
                for way in ways:
                    key = way.order, *way.start
                    old = self.found.get(key, way)
                    self.found[key] = min(old, way, key=lambda each: (each.extra, each.depth))
                if ways[0].extra == 0:
                    break
        return ends

    def _old_starts(self, ends: list[Moves], is_forwards: bool) -> tuple[Ints, Ints]:
        """The ends of the round before and variations of them; and their orders."""
        n = self.names.shape[1]
        places = np.array([way.end for way in ends], dtype=np.intp).reshape(-1, n)
        orders = np.array([way.order for way in ends], dtype=np.intp)
        if not ends:
            return places, orders
        which = self._generator.integers(len(ends), size=_VARIED_STARTS)
        varied, old = _varied(places[which], self.couplers, self._generator), orders[which]
        own = old.copy()
        own[::2] = self._generator.integers(len(self.names), size=len(own[::2]))
        if is_forwards:
            # In another order everything is prepared in the same place nevertheless.
            rows = np.arange(len(own))[:, None]
            renamed = np.empty_like(varied)
            renamed[rows, self.names[own]] = varied[rows, self.names[old]]
            varied = renamed
        return np.concatenate([places, varied]), np.concatenate([orders, own])


def moves_from(
    start: tuple[int, ...],
    gates: Sequence[tuple[int, int]],
    is_cz: Sequence[bool],
    couplers: Couplers,
) -> Moves:
    """Looks for SWAPs with which all gates act on neighbours, where no SWAP is free.

    Args:
        start: The place of each logical qubit; all places are taken.
        gates: Pairs of logical qubits, numbered from 0, in order of time.
        is_cz: As for `find_moves`.
        couplers: The places, connected.

    Returns:
        The way with the fewest gates that was found.
    """
    effort = min(1.0, _USUAL_GATES / max(1, len(gates)))
    pairs = np.array(gates).reshape(1, -1, 2)
    own = Gates(pairs, np.array(is_cz), len(start), len(start))
    begun = Beam.of(np.zeros(1, dtype=np.intp), np.array([start]), len(start), own)
    # Never a partner of anyone, and not unused either.
    begun.partner += len(start) + 1
    width = max(16, round(_WIDTH * effort))
    return _round(own, couplers, begun, width)[0]


def _new_starts(n_logical: int, couplers: Couplers, generator: np.random.Generator) -> Ints:
    """Connected regions, grown with a preference for many couplers, in random order."""
    near = (couplers.distances == 1).astype(np.intp)
    rows = np.arange(_NEW_STARTS)
    chosen = np.empty((_NEW_STARTS, n_logical), dtype=np.intp)
    chosen[:, 0] = generator.integers(len(near), size=_NEW_STARTS)
    is_free = np.ones((_NEW_STARTS, len(near)), dtype=np.intp)
    beside = np.zeros_like(is_free)
    for column in range(1, n_logical):
        newest = chosen[:, column - 1]
        is_free[rows, newest] = 0
        beside += near[newest]
        total = np.cumsum(beside**2 * is_free, axis=1)
        drawn = generator.integers(total[:, -1])
        chosen[:, column] = (total <= drawn[:, None]).sum(axis=1)
    shuffled: Ints = generator.permuted(chosen, axis=1)
    return shuffled


def _improved(starts: Ints, meetings: Weights, couplers: Couplers) -> Ints:
    """Starts after exchanges of two places each that bring all that will meet closer together.

    Args:
        starts: Places of the logical qubits, a row for each start.
        meetings: How many gates every two of them have, shape (starts, qubits, qubits).
        couplers: The places.
    """
    rows, n = np.arange(len(starts)), starts.shape[1]
    n_places = len(couplers.distances)
    between = np.maximum(couplers.distances - 1, 0).astype(np.float32)
    holder = np.full((len(starts), n_places), n)
    holder[rows[:, None], starts] = np.arange(n)
    # One more qubit stands for none.
    met = np.pad(meetings, ((0, 0), (0, 1), (0, 1)))
    for _ in range(_EXCHANGES):
        at = met[rows[:, None, None], holder[:, :, None], holder[:, None, :]]
        weights = at @ between
        moved = weights - np.diagonal(weights, axis1=1, axis2=2)[:, :, None]
        # The two that change places stay as far apart as they are.
        change = moved + moved.transpose(0, 2, 1) + 2 * at * between
        best = change.reshape(len(starts), -1).argmin(axis=1)
        is_better = change.reshape(len(starts), -1)[rows, best] < 0
        if not is_better.any():
            break
        row, (a, b) = rows[is_better], np.divmod(best[is_better], n_places)
        holder[row, a], holder[row, b] = holder[row, b], holder[row, a]
    places = np.argsort(holder, axis=1, kind="stable")
    found: Ints = places[:, :n]
    return found


def _varied(starts: Ints, couplers: Couplers, generator: np.random.Generator) -> Ints:
    """Starts with one or two exchanges of neighbouring places."""
    varied = starts
    is_twice = generator.integers(2, size=len(starts))
    for is_done in (np.ones_like(is_twice), is_twice):
        pairs = couplers.pairs[generator.integers(len(couplers.pairs), size=len(starts))]
        a, b = (pairs * is_done[:, None] - (1 - is_done[:, None])).T[:, :, None]
        varied = np.where(varied == a, b, np.where(varied == b, a, varied))
    return varied


def _round(gates: Gates, couplers: Couplers, beam: Beam, width: int) -> list[Moves]:
    """One round; at most one way for each order and end, fewest gates first."""
    orders, starts = beam.order, beam.place
    history: list[tuple[Ints, Ints]] = []
    ended: dict[tuple[int, ...], tuple[int, int, int, int]] = {}
    best = int(np.iinfo(np.intp).max)
    patience = 4 * (gates.count + len(couplers.distances))
    while len(beam.left):
        # After some time nothing counts but the next gate, so that there is an end.
        is_late = len(history) > patience
        advanced, after, swaps = moves_of(beam, gates, couplers, is_late)
        for row in np.flatnonzero(after.left == 0).tolist():
            extra, depth = int(after.extra[row]), int(after.clock[row].max())
            end = int(after.order[row]), *after.place[row].tolist()
            if end not in ended or (extra, depth) < ended[end][:2]:
                ended[end] = extra, depth, len(history), int(advanced[row])
            best = min(best, extra)
        scores = _scores(beam, after, swaps, gates, couplers, is_late)
        keys = np.concatenate([after.key, swapped_keys(beam, swaps, gates, couplers)])
        extras = np.concatenate([after.extra, beam.extra[swaps.parent] + swaps.cost])
        is_open: Flags = extras < best + _SLACK
        is_open[: len(advanced)] &= after.left > 0
        roots = np.concatenate([after.root, beam.root[swaps.parent]])
        chosen = _distinct(np.flatnonzero(is_open), scores, keys, roots, width)
        first, second = chosen[chosen < len(advanced)], chosen[chosen >= len(advanced)]
        swaps = swaps.of(second - len(advanced))
        parents = np.concatenate([advanced[first], swaps.parent])
        history.append((parents, np.concatenate([np.full_like(first, ADVANCE), swaps.coupler])))
        beam = after.rows(first).with_rows(swapped(beam, swaps, gates, couplers))
    ways = []
    for end, (extra, depth, step, row) in ended.items():
        made = [ADVANCE]
        for parents, moves in reversed(history[:step]):
            made.append(int(moves[row]))
            row = int(parents[row])
        start = tuple(starts[row].tolist())
        ways.append(Moves(extra, depth, int(orders[row]), start, end[1:], tuple(reversed(made))))
    return sorted(ways, key=lambda way: (way.extra, way.depth))


def _distinct(open_: Ints, scores: Ints, keys: Keys, roots: Ints, width: int) -> Ints:
    """The states with the smallest scores: of equal ones the first, not too many of one start."""
    order = open_[np.argsort(scores[open_], kind="stable")]
    _, first = np.unique(keys[order], return_index=True)
    order = order[np.sort(first)]
    by_root = np.argsort(roots[order], kind="stable")
    sorted_ = roots[order[by_root]]
    rank = np.empty_like(by_root)
    rank[by_root] = np.arange(len(order)) - np.searchsorted(sorted_, sorted_)
    few: Ints = order[rank < max(1, round(_PER_START * width))][:width]
    return few


def _scores(
    beam: Beam, after: Beam, swaps: Swaps, gates: Gates, couplers: Couplers, is_late: bool
) -> Ints:
    """How promising the states after each move are, the smallest first."""
    # What a SWAP changes is read off what each qubit would weigh in each other place: two
    # neighbours stay neighbours.
    weights = _weights(beam, gates, couplers, is_late)
    u, v, at_u, at_v = swaps.ends(beam, couplers)
    now = _ahead(beam, weights)
    row = swaps.parent
    moved = weights[row, at_u, v] - weights[row, at_u, u]
    moved += weights[row, at_v, u] - weights[row, at_v, v]
    of_swaps = now[row] + moved
    of_after = _ahead(after, _weights(after, gates, couplers, is_late))
    scores: Ints = np.concatenate([of_after, of_swaps]).astype(np.intp)
    left = np.concatenate([after.left, beam.left[row]])
    if is_late:
        scores += left * len(couplers.distances)
    else:
        extra = np.concatenate([after.extra, beam.extra[row] + swaps.cost])
        scores += _SWAPPED * extra + _LEFT * left
        deepest = beam.clock.max(axis=1)[row]
        of_swap = np.maximum(deepest, swap_clocks(beam, swaps, couplers))
        scores += _DEEP * np.concatenate([after.clock.max(axis=1), of_swap])
    return scores


def _weights(beam: Beam, gates: Gates, couplers: Couplers, is_late: bool) -> Weights:
    """The distances from each qubit, in any place, to those that it is about to meet.

    They are whole numbers; shape (states, qubits and none, places).
    """
    rows, n = beam.place.shape
    order = beam.order[:, None]
    if is_late:
        number = gates.number[order, gates.qubits, beam.done]
        first = np.where(number < 0, gates.count, number).argmin(axis=1)
        row = np.arange(rows)
        partner = gates.partner[beam.order, first, beam.done[row, first]]
        ahead = np.zeros((rows, n, n), dtype=np.float32)
        ahead[row, first, partner] = ahead[row, partner, first] = 1
    else:
        ahead = gates.ahead[order, gates.qubits, beam.done]
        ahead = ahead + ahead.transpose(0, 2, 1)
    between = np.maximum(couplers.distances - 1, 0).astype(np.float32)
    weights: Weights = np.zeros((rows, n + 1, len(between)), dtype=np.float32)
    np.matmul(ahead, between[beam.place], out=weights[:, :n])
    return weights


def _ahead(beam: Beam, weights: Weights) -> Weights:
    rows, n = beam.place.shape
    grid = np.arange(rows)[:, None], np.arange(n), beam.place
    ahead: Weights = weights[grid].sum(axis=1) / 2
    return ahead
