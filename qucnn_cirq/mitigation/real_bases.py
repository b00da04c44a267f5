"""Bases of real stabiliser states, and the fewest CZ with which each of them is measured.

A basis is a group of 2^n commuting Paulis, signs left out, each with an even number of Y: bits
(x, z) with x.z = 0. H exchanges x and z of a qubit, CZ adds the x of either to the z of the other,
and these two reach all of them. There are prod (2^i + 1), i < n: 2, 6, 30, 270. Of their vectors
averages of polynomials of degree 6 are those over all real vectors (the real Clifford group has no
other invariants below degree 8; Nebe, Rains and Sloane, arXiv:math/0001038), and for even n so few
as d/2 + 1 bases without a common Pauli do for degree 4: real mutually unbiased bases.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.errors import InputError

MOST_QUBITS = 4
"""Qubits of the largest register, of 270 bases."""

Step = tuple[int, ...]
"""A Hadamard of one qubit, or CZ of two."""
_Group = tuple[int, ...]
"""A reduced basis of a group of Paulis, each a number of 2n bits, x before z."""


@dataclass(frozen=True)
class RealBasis:
    """A basis as a circuit before the measurement.

    Attributes:
        n_qubits: Size of the register.
        steps: Hadamards and CZ, first to act first.
    """

    n_qubits: int
    steps: tuple[Step, ...]

    @property
    def two_qubit_gates(self) -> int:
        """CZ gates."""
        return sum(len(step) == 2 for step in self.steps)

    def circuit(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The gates as slots and CZ.

        Args:
            qubits: The register, most significant first.
        """
        hadamard = fixed(cirq.unitary(cirq.H))
        return cirq.Circuit(
            (hadamard if len(step) == 1 else cirq.CZ).on(*(qubits[each] for each in step))
            for step in self.steps
        )

    @functools.cached_property
    def vectors(self) -> NDArray[np.float64]:
        """The real vectors of the outcomes, a row each, shape (2^n, 2^n)."""
        qubits = cirq.LineQubit.range(self.n_qubits)
        gates = [
            (cirq.H if len(s) == 1 else cirq.CZ).on(*(qubits[q] for q in s)) for s in self.steps
        ]
        unitary = cirq.Circuit(gates).unitary(
            qubit_order=qubits, qubits_that_should_be_present=qubits
        )
        # Row b of the unitary is <b|U: the outcome b has the probability (row . x)^2.
        return np.ascontiguousarray(unitary.real)


@functools.cache
def real_bases(n_qubits: int, couplers: frozenset[tuple[int, int]]) -> dict[_Group, RealBasis]:
    """All bases, each with the fewest CZ on given couplers.

    Args:
        n_qubits: 1 to 4.
        couplers: Pairs (a, b) of qubits, a < b.

    Returns:
        By the group of each.

    Raises:
        InputError: If the register is too large.
    """
    if not 1 <= n_qubits <= MOST_QUBITS:
        raise InputError(
            f"real shadows are for registers of up to {MOST_QUBITS} qubits, not {n_qubits}."
        )
    start = _reduced([1 << q for q in range(n_qubits)])
    found: dict[_Group, tuple[Step, ...]] = {start: ()}
    layer = _with_hadamards(found, n_qubits, found)
    while layer:
        further: dict[_Group, tuple[Step, ...]] = {}
        for group, steps in layer.items():
            for pair in sorted(couplers):
                after = _after(group, pair, n_qubits)
                if after not in found and after not in further:
                    # The gate that is added acts first on the state.
                    further[after] = (pair, *steps)
        found.update(further)
        layer = _with_hadamards(further, n_qubits, found)
    return {group: RealBasis(n_qubits, steps) for group, steps in found.items()}


@functools.cache
def unbiased_bases(n_qubits: int, couplers: frozenset[tuple[int, int]]) -> tuple[RealBasis, ...]:
    """Few bases that serve as all of them do: those without a common Pauli, of the fewest CZ.

    Args:
        n_qubits: 1, 2 or 4.
        couplers: As for `real_bases`.

    Returns:
        2^(n-1) + 1 bases.

    Raises:
        InputError: For three qubits, which have none, or too many.
    """
    bases = real_bases(n_qubits, couplers)
    sets = {group: frozenset(_members(group)) for group in bases}
    points = frozenset().union(*sets.values())
    costs = {group: bases[group].two_qubit_gates for group in bases}
    containing = {
        point: sorted((g for g in sets if point in sets[g]), key=lambda g: costs[g])
        for point in points
    }
    best: list[tuple[int, list[_Group]]] = []

    def search(left: frozenset[int], chosen: list[_Group], cost: int) -> None:
        if best and cost >= best[0][0]:
            return
        if not left:
            best[:] = [(cost, chosen)]
            return
        point = min(left)
        for group in containing[point]:
            if sets[group] <= left:
                search(left - sets[group], [*chosen, group], cost + costs[group])

    search(points, [], 0)
    if not best:
        raise InputError(
            f"registers of {n_qubits} qubits have no complete set of unbiased real bases: choose "
            "bases = 'all'."
        )
    return tuple(bases[group] for group in sorted(best[0][1]))


def _with_hadamards(
    layer: dict[_Group, tuple[Step, ...]], n_qubits: int, found: dict[_Group, tuple[Step, ...]]
) -> dict[_Group, tuple[Step, ...]]:
    """The groups of a layer after Hadamards of any qubits, which are free; new ones are found."""
    reached = dict(layer)
    queue = list(layer)
    for group in queue:
        for qubit in range(n_qubits):
            after = _after(group, (qubit,), n_qubits)
            if after not in reached and after not in found:
                reached[after] = found[after] = ((qubit,), *reached[group])
                queue.append(after)
    return reached


def _after(group: _Group, step: Step, n_qubits: int) -> _Group:
    """The group after a gate, which is its own inverse."""
    return _reduced([_image(pauli, step, n_qubits) for pauli in group])


def _image(pauli: int, step: Step, n_qubits: int) -> int:
    places = [n_qubits - 1 - each for each in step]
    x, z = [pauli >> (n_qubits + place) & 1 for place in places], [pauli >> p & 1 for p in places]
    if len(step) == 1:
        if x[0] != z[0]:
            pauli ^= (1 << (n_qubits + places[0])) | (1 << places[0])
        return pauli
    return pauli ^ (x[1] << places[0]) ^ (x[0] << places[1])


def _reduced(paulis: Sequence[int]) -> _Group:
    """The reduced echelon form, the same for all bases of a group."""
    rows: list[int] = []
    for pauli in paulis:
        for row in rows:
            pauli = min(pauli, pauli ^ row)
        if pauli:
            rows = [min(row, row ^ pauli) if (row ^ pauli) < row else row for row in rows]
            rows = sorted([*rows, pauli], reverse=True)
    return tuple(rows)


def _members(group: _Group) -> Iterator[int]:
    """All Paulis of a group but the identity."""
    for number in range(1, 1 << len(group)):
        total = 0
        for place, row in enumerate(group):
            if number >> place & 1:
                total ^= row
        yield total
