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
    Gates,
    Ints,
    Keys,
    Swaps,
    Weights,
    moves_of,
    swapped,
    swapped_keys,
)

_ROUNDS, _WIDTH, _SLACK = 8, 200, 2
_NEW_STARTS, _VARIED_STARTS, _KEPT_STARTS = 200, 200, 20
# Weights of the score besides the distances ahead: SWAPs so far, gates to be done.
_SWAPPED, _LEFT = 8, 2
_USUAL_GATES = 64


@dataclass(frozen=True)
class Moves:
    """A way to do all gates.

    Attributes:
        extra: CZ gates that the SWAPs add.
        order: Which of the orders of the gates it follows.
        start: Where each logical qubit starts, shape (logical qubits,).
        end: Where it ends.
        moves: `ADVANCE`, or the coupler that is swapped, in order of time.
    """

    extra: int
    order: int
    start: tuple[int, ...]
    end: tuple[int, ...]
    moves: tuple[int, ...]


def find_moves(
    gates: Ints,
    is_cz: Sequence[bool],
    n_logical: int,
    couplers: Couplers,
    seed: int = 0,
) -> tuple[list[Moves], int]:
    """Looks for an order, places and SWAPs with which all gates act on neighbours.

    Rounds go to and fro: where one ends is where the next, through the gates in the other
    direction, starts; besides it starts anew, and from variations.

    Args:
        gates: Pairs of logical qubits, numbered from 0, in order of time, for each of the orders
            that they may have, shape (orders, gates, 2).
        is_cz: For each gate whether it is a CZ.
        n_logical: Number of logical qubits, not more than there are places.
        couplers: The places, connected.
        seed: Seed of the starts.

    Returns:
        The best ways to do it, at least one, fewest gates first; and how many starts were tried.
    """
    generator = np.random.default_rng(seed)
    n_orders, n_gates, _ = gates.shape
    flags, n_places = np.array(is_cz), len(couplers.distances)
    forwards = Gates(gates, flags, n_logical, n_places)
    backwards = Gates(gates[:, ::-1], flags[::-1], n_logical, n_places)
    # Long circuits get fewer states and rounds, so that the time stays bounded.
    effort = min(1.0, _USUAL_GATES / max(1, n_gates))
    rounds, width = 2 * max(1, round(_ROUNDS * effort / 2)), max(16, round(_WIDTH * effort))
    found: dict[tuple[int, ...], Moves] = {}
    kept = np.zeros((0, n_logical), dtype=np.intp)
    kept_orders = np.zeros(0, dtype=np.intp)
    tried = 0
    for number in range(rounds):
        is_last = number == rounds - 1
        starts, orders = [kept], [kept_orders]
        if len(kept):
            which = generator.integers(len(kept), size=_VARIED_STARTS)
            starts.append(_varied(kept[which], couplers, generator))
            orders.append(kept_orders[which])
        if not is_last or not len(kept):
            starts.append(_new_starts(n_logical, couplers, generator))
            orders.append(generator.integers(n_orders, size=_NEW_STARTS))
        # The last round goes forwards.
        direction = backwards if (rounds - number) % 2 == 0 else forwards
        beam = Beam.of(np.concatenate(orders), np.concatenate(starts), n_places, direction)
        tried += len(beam.left)
        ways = _search(direction, couplers, beam, width)
        if direction is forwards:
            for way in ways:
                key = way.order, *way.start
                if key not in found or way.extra < found[key].extra:
                    found[key] = way
        kept = np.array([way.end for way in ways[:_KEPT_STARTS]])
        kept_orders = np.array([way.order for way in ways[:_KEPT_STARTS]])
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
    return _search(own, couplers, begun, width)[0]


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
    return generator.permuted(chosen, axis=1)


def _varied(starts: Ints, couplers: Couplers, generator: np.random.Generator) -> Ints:
    """Starts with one or two exchanges of neighbouring places."""
    varied = starts
    is_twice = generator.integers(2, size=len(starts))
    for is_done in (np.ones_like(is_twice), is_twice):
        pairs = couplers.pairs[generator.integers(len(couplers.pairs), size=len(starts))]
        a, b = (pairs * is_done[:, None] - (1 - is_done[:, None])).T[:, :, None]
        varied = np.where(varied == a, b, np.where(varied == b, a, varied))
    return varied


def _search(gates: Gates, couplers: Couplers, beam: Beam, width: int) -> list[Moves]:
    """One round; at most one way for each order and end, fewest gates first."""
    orders, starts = beam.order, beam.place
    history: list[tuple[Ints, Ints]] = []
    ended: dict[tuple[int, ...], tuple[int, int, int]] = {}
    best = int(np.iinfo(np.intp).max)
    patience = 4 * (gates.count + len(couplers.distances))
    while len(beam.left):
        # After some time nothing counts but the next gate, so that there is an end.
        is_late = len(history) > patience
        advanced, after, swaps = moves_of(beam, gates, couplers, is_late)
        for row in np.flatnonzero(after.left == 0).tolist():
            extra = int(after.extra[row])
            end = int(after.order[row]), *after.place[row].tolist()
            if end not in ended or extra < ended[end][0]:
                ended[end] = extra, len(history), int(advanced[row])
            best = min(best, extra)
        scores = _scores(beam, after, swaps, gates, couplers, is_late)
        keys = np.concatenate([after.key, swapped_keys(beam, swaps, gates, couplers)])
        extra = np.concatenate([after.extra, beam.extra[swaps.parent] + swaps.cost])
        is_open = extra < best + _SLACK
        is_open[: len(advanced)] &= after.left > 0
        chosen = _distinct(np.flatnonzero(is_open), scores, keys, width)
        first, second = chosen[chosen < len(advanced)], chosen[chosen >= len(advanced)]
        swaps = swaps.of(second - len(advanced))
        parents = np.concatenate([advanced[first], swaps.parent])
        history.append((parents, np.concatenate([np.full_like(first, ADVANCE), swaps.coupler])))
        beam = after.rows(first).with_rows(swapped(beam, swaps, gates, couplers))
    ways = []
    for (_, *end), (extra, step, row) in ended.items():
        made = [ADVANCE]
        for parents, moves in reversed(history[:step]):
            made.append(int(moves[row]))
            row = int(parents[row])
        start = tuple(starts[row].tolist())
        ways.append(Moves(extra, int(orders[row]), start, tuple(end), tuple(reversed(made))))
    return sorted(ways, key=lambda way: way.extra)


def _distinct(open_: Ints, scores: Ints, keys: Keys, width: int) -> Ints:
    """The states with the smallest scores, of equal ones the first."""
    order = open_[np.argsort(scores[open_], kind="stable")]
    chosen = order
    for some in (order[: 3 * width], order):
        _, first = np.unique(keys[some], return_index=True)
        chosen = some[np.sort(first)[:width]]
        if len(chosen) == width:
            break
    return chosen


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
        return scores + left * len(couplers.distances)
    extra = np.concatenate([after.extra, beam.extra[row] + swaps.cost])
    return scores + _SWAPPED * extra + _LEFT * left


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
