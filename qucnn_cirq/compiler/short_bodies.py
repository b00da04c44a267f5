"""Circuits that act on data and are then read, written again in fewer two-qubit gates."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import networkx as nx
import numpy as np

from qucnn_cirq.circuits.blocks import gates_of
from qucnn_cirq.circuits.reading import Reading
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

_WIDTHS_AND_DECAYS = ((64, 0.95), (64, 0.8), (64, 0.6))
_TO_Z = {
    "x": fixed(cirq.unitary(cirq.H)),
    "y": fixed(cirq.unitary(cirq.X**0.5)),
    "z": fixed(np.eye(2)),
}
"""What turns each letter into Z."""


@dataclass(frozen=True)
class ShortBody:
    """A circuit and how what is recorded after it is read.

    Attributes:
        circuit: Slots and CZ.
        recorded: The qubits that are recorded.
        reading: How their bits give those that are asked for.
    """

    circuit: cirq.FrozenCircuit
    recorded: tuple[cirq.Qid, ...]
    reading: Reading


def short_bodies(
    circuit: cirq.AbstractCircuit,
    qubits: Sequence[cirq.Qid],
    products: Sequence[Sequence[int]],
    graph: nx.Graph,
) -> tuple[ShortBody, ...]:
    """Shorter ways to run a circuit and then measure products of Z.

    Args:
        circuit: Slots and CZ on any pairs.
        qubits: All of the register's qubits.
        products: For each bit that is asked for the places in the register whose Z it is the
            product of.
        graph: The couplers that may be used.

    Returns:
        The shortest that was found, and the shortest that records no more qubits than bits.
    """
    if len(qubits) > MOST_QUBITS:
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
    numbered = nx.relabel_nodes(graph, {qubit: place for place, qubit in enumerate(qubits)})
    register: nx.Graph = nx.Graph()
    register.add_nodes_from(range(len(qubits)))
    register.add_edges_from(numbered.edges)
    found = []
    limits = dict.fromkeys((len(qubits), len(products)))
    for most_read in limits:
        search = FrameSearch(gadgets, measured, register, most_read)
        bodies = [
            _written(gadgets, measured, word, qubits)
            for width, decay in _WIDTHS_AND_DECAYS
            for word in list(search.words(width, decay, longest=60))[:8]
        ]
        if bodies:
            found.append(min(bodies, key=_gates))
    return tuple(found)


def _gates(body: ShortBody) -> int:
    merged = merge_blocks(
        merge_slots(body.circuit), given=body.circuit.all_qubits()
    )
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
    places = tuple(
        tuple(at for at, number in enumerate(recorded) if pauli.support >> number & 1)
        for pauli in read
    )
    flips = tuple(int(pauli.sign < 0) for pauli in read)
    circuit = merge_slots(cirq.Circuit(done)).freeze()
    return ShortBody(
        circuit, tuple(qubits[k] for k in recorded), Reading(places, flips, len(recorded))
    )
