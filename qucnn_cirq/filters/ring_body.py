"""CNOTs round a ring and general rotations, as in the convolutions of Chen et al."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs

from noise_models import fields
from qucnn_cirq.filters.places import Places, spiral
from qucnn_cirq.filters.shared_angles import TURNS, SharedAngles, Step, Turn, controlled_flip

ENTANGLERS = ("even_ring", "ring", "chain", "none")
MOST_LAYERS = 1000
"""Layers of a body."""


@attrs.frozen
class RingBody(SharedAngles):
    """Layers of CNOTs and then a general rotation RZ, RY, RZ of every qubit.

    The parameters are those of `parameters.reshape(layers, n_qubits, 3)`, three angles of a qubit
    in order of time. After Chen, Wei, Zhang, Yu and Yoo, "Quantum convolutional neural networks
    for high energy physics data analysis", arXiv:2012.12177, where a patch of 3x3 is on nine
    qubits.

    A grid has no rings of an odd number of qubits. "even_ring" therefore closes the ring of nine
    after eight, and the ninth, in the middle of the patch, is a CNOT's target: as many CNOTs, all
    on neighbours along a spiral.

    Attributes:
        layers: Number of layers, within 1..1000.
        entangler: "chain": CNOTs 0 -> 1, 1 -> 2, ...; "ring": the chain and n-1 -> 0 if there
            are more than two qubits; "even_ring": the same for an even number, and the chain and
            n-2 -> 0 for an odd number from five on; "none": no CNOTs.

    Raises:
        InputError: If a value is not among those.
    """

    kind: ClassVar[str] = "ring"

    layers: int = fields.whole(1, MOST_LAYERS, default=2)
    entangler: str = fields.one_of(ENTANGLERS, default="even_ring")

    def n_parameters(self, n_qubits: int) -> int:
        """Three angles of each qubit and layer."""
        return 3 * self.layers * n_qubits

    def cnot_pairs(self, n_qubits: int) -> tuple[tuple[int, int], ...]:
        """The (control, target) pairs of one layer's CNOTs, in the order they are applied.

        Args:
            n_qubits: Size of the register.
        """
        if self.entangler == "none":
            return ()
        chain = tuple((qubit, qubit + 1) for qubit in range(n_qubits - 1))
        last = n_qubits - 1
        if self.entangler == "even_ring" and n_qubits % 2:
            last -= 1
        closed = self.entangler != "chain" and last > 1
        return (*chain, (last, 0)) if closed else chain

    def steps(self, n_qubits: int) -> Iterator[Step]:
        """The layers; see `SharedAngles.steps`."""
        parameter = 0
        for _ in range(self.layers):
            for pair in self.cnot_pairs(n_qubits):
                yield from controlled_flip("x", pair)
            for qubit in range(n_qubits):
                for axis in TURNS:
                    yield Turn(axis, qubit, parameter)
                    parameter += 1

    def places(self, n_qubits: int) -> Places:
        """A spiral; the closing CNOT of "ring" is apart there if n is odd."""
        return spiral(n_qubits)
