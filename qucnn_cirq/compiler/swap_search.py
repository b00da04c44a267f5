"""Where to put SWAPs: a beam search over many starts, counted in the gates that remain.

A SWAP next to a CZ on the same coupler costs one gate more, not three, since both together are two
CZ; and one of a qubit that nothing has acted on costs two. So SWAPs go beside gates, also before
they are needed, which a router that counts SWAPs does not see. All states of a beam advance
together, as rows of arrays of integers, so that the result is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qucnn_cirq.compiler.swap_beam import LOOK_AHEAD, Beam, Couplers, Gates, Ints, children

_ROUNDS, _WIDTH, _SLACK = 8, 200, 2
_NEW_STARTS, _VARIED_STARTS, _KEPT_STARTS = 200, 200, 20
# Weights of the score: SWAPs so far, distances of the next gates of each qubit, gates to be done.
_SWAPPED, _AHEAD, _LEFT = 8, (8, 5, 3, 2, 1, 1), 2
_USUAL_GATES = 64


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
    forwards = Gates(gates, is_cz, n_logical)
    backwards = Gates(gates[::-1], is_cz[::-1], n_logical)
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
        beam = Beam.of(starts, len(couplers.distances), len(gates))
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
    begun = Beam.of(np.array([start]), len(start), len(gates))
    # Never a partner of anyone, and not unused either.
    begun.partner += len(start) + 1
    width = max(16, round(_WIDTH * effort))
    own = Gates(gates, is_cz, len(start))
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


def _search(gates: Gates, n_gates: int, couplers: Couplers, beam: Beam, width: int) -> list[Moves]:
    """One round; at most one way for each end, fewest gates first."""
    starts = beam.place
    history: list[tuple[Ints, Ints]] = []
    ended: dict[tuple[int, ...], tuple[int, int, int, int]] = {}
    best = int(np.iinfo(np.intp).max)
    patience = 4 * (n_gates + len(couplers.distances))
    while len(beam.left):
        parents, moves, beam = children(beam, gates, couplers)
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


def _distinct(beam: Beam, order: Ints) -> Ints:
    """The first of all rows with the same places and the same gates done."""
    keys = np.concatenate([beam.place[order], beam.done[order]], axis=1)
    factors = np.random.default_rng(1).integers(1, 2**62, size=keys.shape[1])
    _, first = np.unique((keys * factors).sum(axis=1), return_index=True)
    return order[np.sort(first)]


def _scores(beam: Beam, gates: Gates, couplers: Couplers, is_late: bool) -> Ints:
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
    columns = beam.done[:, :, None] + np.arange(LOOK_AHEAD)
    partner = gates.partner[gates.qubits[:, None], columns].reshape(len(places), -1)
    others = np.take_along_axis(places, partner, axis=1).reshape(columns.shape)
    between = couplers.distances[places[:, :, None], others] - 1
    scores: Ints = np.maximum(between, 0).sum(axis=1) @ np.array(_AHEAD)
    return scores + _SWAPPED * beam.extra + _LEFT * beam.left
