"""Short words of two-qubit Clifford gates that make every rotation of a circuit one of one qubit.

A rotation about a Pauli of several qubits is one of one qubit in another frame. A gate on a
coupler, a controlled Pauli with any Pauli to control it, changes the frame; each is a CZ between
gates on one qubit. Rotations that commute with all before them are done as soon as they are of one
qubit. At the end every Pauli that is measured must be a product of letters that agree on each
qubit, which is then read in that basis: frames that differ by CNOTs, or by what else permutes basis
states, are equally good.

The search keeps a number of frames after 1, 2, ... gates, those in which the rotations that are
left, early ones before others, would take the fewest gates one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import TableAngle
from qucnn_cirq.compiler.gadgets import Gadget, Pauli

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

MOST_QUBITS = 12
"""Qubits of a register whose frames are searched."""

MOST_GADGETS = 160
"""Rotations of a circuit whose frames are searched."""

_CONFLICT, _LONG = 0.3, 0.05
"""What two letters on one qubit count that are to be measured, and each further letter of a Pauli,
in gates."""

_MOST_IMAGES = 500_000
"""Paulis that are moved for each further gate, some 30 ms."""

_MOST_CZ = 3
"""CZ of any block of fixed gates on two qubits."""

_MOST_FREE = 3
"""Moves that are looked for in such a block beyond those."""


@dataclass(frozen=True)
class Move:
    """A controlled Pauli: the second letter, where the first one is -1; or the other way round.

    Attributes:
        first: A qubit.
        letter: "x", "y" or "z" of it.
        second: Another qubit.
        other: "x", "y" or "z" of that.
    """

    first: int
    letter: str
    second: int
    other: str


Word = tuple[Move, ...]


@dataclass
class _Frames:
    """Frames, one a row.

    Attributes:
        x: The qubits with an X of each Pauli in this frame, as bits, shape (frames, Paulis).
        z: Those with a Z.
        left: The rotations that are left to do, shape (frames, rotations).
        partner: The other qubit of each qubit's last gate, or -1, shape (frames, qubits).
        gates: How many gates followed each other on these two, of the same shape.
        words: The numbers of the moves that led there.
    """

    x: Ints
    z: Ints
    left: Flags
    partner: Ints
    gates: Ints
    words: list[tuple[int, ...]]

    def at(self, rows: NDArray[np.intp]) -> _Frames:
        """Some of them."""
        return _Frames(
            self.x[rows],
            self.z[rows],
            self.left[rows],
            self.partner[rows],
            self.gates[rows],
            [self.words[row] for row in rows],
        )

    def joined(self, other: _Frames) -> _Frames:
        """These and others."""
        return _Frames(
            np.concatenate([self.x, other.x]),
            np.concatenate([self.z, other.z]),
            np.concatenate([self.left, other.left]),
            np.concatenate([self.partner, other.partner]),
            np.concatenate([self.gates, other.gates]),
            [*self.words, *other.words],
        )


class FrameSearch:
    """A search for frames, of one list of rotations on one set of couplers.

    Args:
        gadgets: The rotations, in order of time.
        measured: What is measured after them.
        graph: The couplers, of qubits 0, 1, ...
        most_read: Qubits that may be read.

    Attributes:
        is_fixed: Whether no angle is open.
    """

    def __init__(
        self,
        gadgets: Sequence[Gadget],
        measured: Sequence[Pauli],
        graph: nx.Graph,
        most_read: int,
    ) -> None:
        self._n_gadgets, self._most_read = len(gadgets), most_read
        paulis = [*(gadget.pauli for gadget in gadgets), *measured]
        self._x = np.array([pauli.x for pauli in paulis], dtype=np.int64)
        self._z = np.array([pauli.z for pauli in paulis], dtype=np.int64)
        self._before = np.zeros((len(gadgets), len(gadgets)), dtype=bool)
        levels = np.zeros(len(gadgets))
        for late, gadget in enumerate(gadgets):
            for early, other in enumerate(gadgets[:late]):
                if not gadget.pauli.commutes(other.pauli):
                    self._before[late, early] = True
                    levels[late] = max(levels[late], levels[early] + 1)
        self._levels = levels
        # Only what is fixed is merged in blocks.
        self.is_fixed = not any(isinstance(each.angle, TableAngle) for each in gadgets)
        self._trees = _trees(graph)
        self._n_qubits = graph.number_of_nodes()
        self.moves = [
            Move(a, letter, b, other)
            for a, b in sorted(map(sorted, graph.edges))
            for letter, other in itertools.product("xyz", repeat=2)
        ]
        self._first = np.array([move.first for move in self.moves])[:, None]
        self._second = np.array([move.second for move in self.moves])[:, None]

        def bits(letters: list[str], kept: str) -> Ints:
            return np.array([letter in kept for letter in letters], dtype=np.int64)[:, None]

        letters, others = [m.letter for m in self.moves], [m.other for m in self.moves]
        self._first_x, self._first_z = bits(letters, "xy"), bits(letters, "yz")
        self._second_x, self._second_z = bits(others, "xy"), bits(others, "yz")
        self._random = np.random.default_rng(0).integers(1, 2**62, len(paulis))

    def affordable(self, width: int) -> int:
        """So many frames, or fewer where each takes long.

        Args:
            width: Frames that would be kept after each gate.
        """
        each = len(self.moves) * len(self._x)
        return max(4, min(width, _MOST_IMAGES // each))

    def words(self, width: int, decay: float, longest: int, more: int = 1) -> Iterator[Word]:
        """Words after which everything is done, the shortest first.

        Args:
            width: Frames that are kept after each gate.
            decay: What a rotation counts in relation to one that it must wait for.
            longest: Gates of the longest word, without those that merging saves.
            more: Gates that a word may have more than the shortest that is found.
        """
        weights = decay**self._levels
        frames = _Frames(
            self._x[None],
            self._z[None],
            np.ones((1, self._n_gadgets), dtype=bool),
            np.full((1, self._n_qubits), -1),
            np.zeros((1, self._n_qubits), dtype=np.int64),
            [()],
        )
        self._execute(frames)
        last = longest
        for length in range(longest + 1):
            for _ in range(_MOST_FREE):
                free = self._is_free(frames)
                if not free.any():
                    break
                # Of two frames that are alike the one that was there stays.
                following = self._next(frames, free, weights, width)
                frames = self._best(frames.joined(following), weights, width)
            done = self._is_done(frames)
            for row in np.flatnonzero(done):
                yield tuple(self.moves[number] for number in frames.words[row])
            if done.any():
                last = min(last, length + more)
                frames = frames.at(np.flatnonzero(~done))
            if length >= last or not frames.words:
                return
            frames = self._next(frames, ~self._is_free(frames), weights, width)

    def _next(self, frames: _Frames, allowed: Flags, weights: FloatArray, width: int) -> _Frames:
        """The best frames after one more gate, shape (frames, moves) of those that are allowed."""
        new_x, new_z = self._moved(frames.x, frames.z)
        scores = self._scores(new_x, new_z, frames.left[:, None], weights)
        scores = np.where(allowed, scores, np.inf).ravel()
        count = min(int(allowed.sum()), 3 * width)
        best = np.argpartition(scores, count - 1)[:count]
        best = best[np.argsort(scores[best], kind="stable")]
        parents, moves = best // len(self.moves), best % len(self.moves)
        following = frames.at(parents)
        following.x, following.z = new_x[parents, moves], new_z[parents, moves]
        rows = np.arange(count)
        a, b = self._first[moves, 0], self._second[moves, 0]
        partner, gates = following.partner, following.gates
        goes_on = (partner[rows, a] == b) & (partner[rows, b] == a)
        number = np.where(goes_on, gates[rows, a], 0) + 1
        partner[rows, a], partner[rows, b] = b, a
        gates[rows, a] = gates[rows, b] = number
        following.words = [
            (*word, int(move)) for word, move in zip(following.words, moves, strict=True)
        ]
        self._execute(following)
        return self._best(following, weights, width)

    def _best(self, frames: _Frames, weights: FloatArray, width: int) -> _Frames:
        """Those with the best scores, each once, and those that have done the most."""
        scores = self._scores(frames.x, frames.z, frames.left, weights)
        _, unique = np.unique(self._digests(frames), return_index=True)
        by_score = unique[np.argsort(scores[unique], kind="stable")]
        # What has done most, or can do more soonest, keeps the search from standing still.
        n, left = self._n_gadgets, frames.left
        is_ready = left & ~(left[:, None] & self._before).any(axis=2)
        trees = np.where(is_ready, self._trees[frames.x[:, :n] | frames.z[:, :n]], np.inf)
        soonest = trees.min(axis=1, initial=np.inf)
        keys = (scores[unique], soonest[unique], left.sum(axis=1)[unique])
        by_progress = unique[np.lexsort(keys)]
        most = width // 4
        kept = dict.fromkeys([*by_progress[:most].tolist(), *by_score[:width].tolist()])
        return frames.at(np.array(list(kept)[:width], dtype=np.intp))

    def _is_free(self, frames: _Frames) -> Flags:
        """Moves that take no gate more, shape (frames, moves).

        Those in a block of fixed gates on two qubits, which three CZ are enough for.
        """
        a, b = self._first[:, 0], self._second[:, 0]
        in_block = (frames.partner[:, a] == b) & (frames.partner[:, b] == a)
        free: Flags = self.is_fixed & in_block & (frames.gates[:, a] >= _MOST_CZ)
        return free

    def _moved(self, x: Ints, z: Ints) -> tuple[Ints, Ints]:
        """All Paulis of all frames after all moves, shape (frames, moves, Paulis)."""
        x, z = x[:, None], z[:, None]
        a, b = self._first, self._second
        of_first = ((x >> a) & self._first_z) ^ ((z >> a) & self._first_x)
        of_second = ((x >> b) & self._second_z) ^ ((z >> b) & self._second_x)
        of_first &= 1
        of_second &= 1
        new_x = x ^ (of_first * self._second_x) << b ^ (of_second * self._first_x) << a
        new_z = z ^ (of_first * self._second_z) << b ^ (of_second * self._first_z) << a
        return new_x, new_z

    def _scores(self, x: Ints, z: Ints, left: Flags, weights: FloatArray) -> FloatArray:
        n = self._n_gadgets
        trees = self._trees[x | z]
        scores: FloatArray = (trees[..., :n] * left) @ weights
        at_end = _CONFLICT * self._conflicts(x, z) + _LONG * trees[..., n:].sum(axis=-1)
        scores += weights.min(initial=1.0) * at_end
        return scores

    def _conflicts(self, x: Ints, z: Ints) -> Ints:
        """Letters beyond the first of each qubit that are to be measured."""
        x, z = x[..., self._n_gadgets :], z[..., self._n_gadgets :]
        letters = [np.bitwise_or.reduce(found, axis=-1) for found in (x & ~z, z & ~x, x & z)]
        several = sum(np.bitwise_count(each).astype(np.int64) for each in letters)
        some = np.bitwise_count(letters[0] | letters[1] | letters[2])
        conflicts: Ints = several - some
        return conflicts

    def _is_done(self, frames: _Frames) -> Flags:
        n, x, z = self._n_gadgets, frames.x, frames.z
        read = np.bitwise_count(np.bitwise_or.reduce(x[:, n:] | z[:, n:], axis=-1))
        may_be_read = (self._conflicts(x, z) == 0) & (read <= self._most_read)
        done: Flags = ~frames.left.any(axis=1) & may_be_read
        return done

    def _execute(self, frames: _Frames) -> None:
        """Does what can be done, in place."""
        n, left = self._n_gadgets, frames.left
        is_single = self._trees[frames.x[:, :n] | frames.z[:, :n]] == 0
        for late in range(n):
            waits = (left[:, :late] & self._before[late, :late]).any(axis=1)
            left[:, late] &= ~is_single[:, late] | waits

    def _digests(self, frames: _Frames) -> Ints:
        """Numbers that are equal for frames that differ by Cliffords on one qubit."""
        n = self._n_gadgets
        numbers = np.where(frames.left, self._random[:n], 0)
        numbers = np.hstack([numbers, np.tile(self._random[n:], (len(numbers), 1))])
        digest = np.zeros(len(numbers), dtype=np.int64)
        with np.errstate(over="ignore"):
            for qubit in range(self._n_qubits):
                has_x, has_z = (frames.x >> qubit) & 1, (frames.z >> qubit) & 1
                own = np.zeros(len(numbers), dtype=np.int64)
                for letter in (has_x & ~has_z, has_z & ~has_x, has_x & has_z):
                    whole = ((letter & 1) * numbers).sum(axis=1)
                    own += (whole ^ (whole >> 29)) * whole
                is_full = (frames.gates[:, qubit] >= _MOST_CZ) * (frames.partner[:, qubit] + 1)
                digest = digest * 1_000_003 + (own ^ (own >> 31)) + self.is_fixed * is_full
        return digest


def _trees(graph: nx.Graph) -> FloatArray:
    """Couplers of the smallest tree through each set of qubits, shape (2^qubits,)."""
    n_qubits = graph.number_of_nodes()
    beside = [sum(1 << other for other in graph[qubit]) for qubit in range(n_qubits)]
    edges = np.full(1 << n_qubits, float(n_qubits * 4))
    connected = {1 << qubit for qubit in range(n_qubits)}
    while connected:
        following = set()
        for group in connected:
            edges[group] = group.bit_count() - 1
            for qubit in range(n_qubits):
                if not group >> qubit & 1 and group & beside[qubit]:
                    following.add(group | 1 << qubit)
        connected = following
    for qubit in range(n_qubits):
        halves = edges.reshape(-1, 2, 1 << qubit)
        np.minimum(halves[:, 0], halves[:, 1], out=halves[:, 0])
    edges[0] = 0
    return edges
