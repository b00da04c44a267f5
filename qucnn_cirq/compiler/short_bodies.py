"""Circuits that act on data and are then read, written again in fewer two-qubit gates."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cirq
import networkx as nx
import numpy as np

from qucnn_cirq.circuits.blocks import gates_of
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.relabelling import Relabelling
from qucnn_cirq.circuits.slots import Rotation, Slot, fixed
from qucnn_cirq.compiler.frame_search import (
    MOST_GADGETS,
    MOST_QUBITS,
    FrameSearch,
    Move,
    Word,
)
from qucnn_cirq.compiler.gadgets import Gadget, Pauli, gadgets_of, noticed, single
from qucnn_cirq.compiler.merging import merge_blocks
from qucnn_cirq.compiler.passes import merge_slots
from qucnn_cirq.filters.places import neighbours, spiral

_WIDTHS_AND_DECAYS = ((64, 0.95), (64, 0.8), (64, 0.6))
"""Frames that are kept and what later rotations count, for each search."""

_MOST_WORDS = 6
"""Words of a search that are written as circuits."""

_TO_Z = {
    "x": fixed(cirq.unitary(cirq.H)),
    "y": fixed(cirq.unitary(cirq.X**0.5)),
    "z": fixed(np.eye(2)),
}
"""What turns each letter into Z."""


Couplers = tuple[tuple[cirq.Qid, cirq.Qid], ...]
Products = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ShortBody:
    """A circuit and how what is recorded after it is read.

    Attributes:
        circuit: Slots and CZ.
        recorded: The qubits that are recorded.
        relabelling: How their bits give those that are asked for.
    """

    circuit: cirq.FrozenCircuit
    recorded: tuple[cirq.Qid, ...]
    relabelling: Relabelling

    @property
    def is_one_bit(self) -> bool:
        """Whether a single bit is asked for, so that the observable is all there is to read."""
        return len(self.relabelling.places) == 1

    @property
    def observable(self) -> Observable:
        """The parity of all bits that are asked for."""
        everything = range(len(self.relabelling.places))
        ((own,), (sign,)) = self.relabelling.products([tuple(everything)])
        groups = []
        for place, qubit in enumerate(self.recorded):
            values = (1.0, -1.0) if place in own else (1.0, 1.0)
            if place == own[0] and sign < 0:
                values = (-1.0, 1.0)
            groups.append(((qubit,), values))
        return Observable(tuple(groups), low=-1.0)


def grid_around(
    qubits: Sequence[cirq.Qid], operations: Iterable[cirq.Operation]
) -> Couplers | None:
    """The couplers of a grid of which a circuit uses some, or those that it uses.

    Args:
        qubits: The register, in order.
        operations: On one or two of them.

    Returns:
        None if a qubit has more neighbours than on any grid.
    """
    numbers = {qubit: number for number, qubit in enumerate(qubits)}
    used = {
        (min(pair), max(pair))
        for op in operations
        if len(op.qubits) == 2
        for pair in [tuple(numbers[qubit] for qubit in op.qubits)]
    }
    offered = set(neighbours(spiral(len(qubits))))
    pairs = sorted(offered if used <= offered else used)
    graph = nx.Graph(pairs)
    if any(degree > 4 for _, degree in graph.degree) or not nx.is_bipartite(graph):
        return None
    return tuple((qubits[a], qubits[b]) for a, b in pairs)


@functools.lru_cache(maxsize=256)
def short_bodies(
    circuit: cirq.FrozenCircuit,
    qubits: tuple[cirq.Qid, ...],
    products: Products,
    couplers: Couplers,
    most: int,
) -> tuple[ShortBody, ...]:
    """Shorter ways to run a circuit and then measure products of Z.

    Args:
        circuit: Slots and CZ on any pairs.
        qubits: All of the register's qubits.
        products: For each bit that is asked for the places in the register whose Z it is the
            product of.
        couplers: Those that may be used.
        most: CZ that are of interest.

    Returns:
        The shortest that was found, and the shortest that records no more qubits than bits.
    """
    if len(qubits) > MOST_QUBITS or not couplers:
        return ()
    parts = gadgets_of(circuit, qubits)
    if parts is None:
        return ()
    gadgets, of_z = parts
    measured = [
        functools.reduce(Pauli.times, (of_z[place] for place in product)) for product in products
    ]
    gadgets = noticed(gadgets, measured)
    if len(gadgets) > MOST_GADGETS:
        return ()
    numbers = {qubit: number for number, qubit in enumerate(qubits)}
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(range(len(qubits)))
    graph.add_edges_from((numbers[a], numbers[b]) for a, b in couplers)
    found: list[ShortBody] = []
    for most_read in dict.fromkeys((len(qubits), len(products))):
        search = FrameSearch(gadgets, measured, graph, most_read)
        best, least = None, most + 1
        for width, decay in _WIDTHS_AND_DECAYS:
            words = search.words(search.affordable(width), decay, longest=least)
            # Only what is fixed is merged, so that a longer word may become the shortest.
            for word in itertools.islice(words, _MOST_WORDS if search.is_fixed else 1):
                body = _written(gadgets, measured, word, qubits)
                gates = _gates(body)
                if gates < least or (best is None and gates <= least):
                    best, least = body, gates
        if best is not None and best not in found:
            found.append(best)
    return tuple(found)


def _gates(body: ShortBody) -> int:
    merged = merge_blocks(merge_slots(body.circuit), given=body.circuit.all_qubits())
    return gates_of(list(merged.all_operations()))


def _image(pauli: Pauli, move: Move) -> Pauli:
    """G P G for a controlled Pauli G."""
    first, second = single(move.letter, move.first), single(move.other, move.second)
    # On each qubit by itself: a part that anticommutes with a control gets the other letter.
    flips_first, flips_second = not pauli.commutes(first), not pauli.commutes(second)
    if flips_first and flips_second:
        # P = p_a p_b rest: p_a B A p_b = P' with B A moved to the middle.
        bit = 1 << move.first
        own = Pauli(pauli.x & bit, pauli.z & bit)
        rest = Pauli(pauli.x & ~bit, pauli.z & ~bit, pauli.power)
        return own.times(second).times(first).times(rest)
    if flips_first:
        return pauli.times(second)
    return pauli.times(first) if flips_second else pauli


def _written(
    gadgets: Sequence[Gadget], measured: Sequence[Pauli], word: Word, qubits: Sequence[cirq.Qid]
) -> ShortBody:
    """The circuit of a word."""
    left = [(gadget.pauli, gadget.angle) for gadget in gadgets]
    read = list(measured)
    done: list[cirq.Operation] = []

    def execute() -> None:
        waiting: list[tuple[Pauli, object]] = []
        for pauli, angle in left:
            waits = any(not pauli.commutes(other) for other, _ in waiting)
            if waits or pauli.support.bit_count() != 1:
                waiting.append((pauli, angle))
                continue
            number = pauli.support.bit_length() - 1
            axis = pauli.letter(number)
            turn = Rotation(axis, angle if pauli.sign > 0 else -angle)  # type: ignore
            done.append(Slot((turn,)).on(qubits[number]))
        left[:] = waiting  # type: ignore

    execute()
    for move in word:
        first, second = qubits[move.first], qubits[move.second]
        turns = [_TO_Z[move.letter].on(first), _TO_Z[move.other].on(second)]
        done += [*turns, cirq.CZ(first, second), *(turn**-1 for turn in turns)]
        left[:] = [(_image(pauli, move), angle) for pauli, angle in left]
        read = [_image(pauli, move) for pauli in read]
        execute()
    assert not left
    recorded = []
    for number, qubit in enumerate(qubits):
        letters = {pauli.letter(number) for pauli in read} - {"i"}
        if letters:
            (letter,) = letters
            done.append(_TO_Z[letter].on(qubit))
            recorded.append(number)
    supports = [
        tuple(number for number in recorded if pauli.support >> number & 1) for pauli in read
    ]
    if all(len(support) == 1 for support in supports):
        # In the order in which they are asked for nothing is left to say of them.
        recorded = [support[0] for support in supports]
    places = tuple(tuple(map(recorded.index, support)) for support in supports)
    flips = tuple(int(pauli.sign < 0) for pauli in read)
    circuit = merge_slots(cirq.Circuit(done)).freeze()
    return ShortBody(
        circuit,
        tuple(qubits[number] for number in recorded),
        Relabelling(places, flips, len(recorded)),
    )
