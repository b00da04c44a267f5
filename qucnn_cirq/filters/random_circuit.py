"""The random circuit of a quanvolutional network."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

import attrs
import cirq
import numpy as np

from noise_models import fields
from noise_models.checks import one_of, true_or_false
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters.places import Places, neighbours, spiral
from qucnn_cirq.filters.shared_angles import Axis, Gate, SharedAngles, Step, Turn, controlled_flip

ANY, LINE, GRID = PAIRS = ("any", "line", "grid")
ENTANGLERS = ("cnot", "none")
MOST_ROTATIONS = 10_000
"""Rotations of a random circuit."""

_ROTATIONS = {"x": cirq.rx, "y": cirq.ry, "z": cirq.rz}
_AXES = tuple(_ROTATIONS)


def _axes(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or not 1 <= len(value) <= 12:
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give one or more of 'x', 'y', 'z', at most 12."
        )
    return tuple(one_of("axis", axis, _AXES) for axis in value)


@attrs.frozen
class RandomCircuit(SharedAngles):
    """Random rotations and CNOTs, the same for the same settings.

    Step by step a CNOT on a random pair is drawn with the probability `two_qubit_ratio`, else a
    rotation of a random qubit about a random axis by a random angle within 0..2 pi, until there
    are `rotations` of these. After Henderson et al., "Quanvolutional Neural Networks",
    arXiv:1904.04767, in the form of PennyLane's ``RandomLayers``.

    Attributes:
        rotations: How many, within 1..10000.
        seed: Of all that is drawn.
        two_qubit_ratio: The probability of a CNOT in each step, within 0..0.95.
        axes: What axes are drawn from, up to 12 out of "x", "y" and "z"; an axis that recurs is
            drawn more often.
        pairs: "any": CNOTs act on any two qubits; "line": on neighbours 0 1, 1 2, ...; "grid": on
            neighbours of the full grid closest to a square, 2x2 or 3x3, that is numbered along a
            spiral, so that nothing has to be routed. Both ways of a pair are as likely.
        entangler: "cnot", or "none": the same rotations without the CNOTs, as a control.
        trainable: Whether the angles are parameters instead of drawn ones.

    Raises:
        InputError: If a value is not among those.
    """

    kind: ClassVar[str] = "random_circuit"

    rotations: int = fields.whole(1, MOST_ROTATIONS, default=20)
    seed: int = fields.whole(0, default=0)
    two_qubit_ratio: float = fields.real(0.0, 0.95, "the chance of a CNOT", default=0.3)
    axes: tuple[str, ...] = fields.checked(_axes, default=_AXES)
    pairs: str = fields.one_of(PAIRS, default="any")
    entangler: str = fields.one_of(ENTANGLERS, default="cnot")
    trainable: bool = fields.checked(true_or_false, default=False)

    def n_parameters(self, n_qubits: int) -> int:
        """None, or one for each rotation of a trainable circuit."""
        return self.rotations if self.trainable else 0

    def steps(self, n_qubits: int) -> Iterator[Step]:
        """What was drawn; see `SharedAngles.steps`."""
        parameter = 0
        for qubits, axis, angle in _drawn(self, n_qubits):
            if len(qubits) == 2:
                if self.entangler == "cnot":
                    yield from controlled_flip("x", qubits)
            elif self.trainable:
                yield Turn(cast(Axis, axis), qubits[0], parameter)
                parameter += 1
            else:
                yield Gate(cirq.unitary(_ROTATIONS[axis](angle)), qubits[0])

    def places(self, n_qubits: int) -> Places:
        """A spiral; CNOTs on any pair may be apart there."""
        return spiral(n_qubits)


@functools.lru_cache(maxsize=128)
def _drawn(circuit: RandomCircuit, n_qubits: int) -> tuple[tuple[Any, str, float], ...]:
    """The qubits, axis and angle of each step; two qubits for a CNOT, control first."""
    generator = np.random.default_rng(circuit.seed)
    pairs = tuple(itertools.combinations(range(n_qubits), 2))
    if circuit.pairs == LINE:
        pairs = tuple(itertools.pairwise(range(n_qubits)))
    elif circuit.pairs == GRID:
        pairs = neighbours(circuit.places(n_qubits))
    steps: list[tuple[Any, str, float]] = []
    left = circuit.rotations
    while left:
        if generator.random() < circuit.two_qubit_ratio and pairs:
            pair = pairs[generator.integers(len(pairs))]
            steps.append((pair if generator.random() < 0.5 else pair[::-1], "", 0.0))
        else:
            axis = circuit.axes[generator.integers(len(circuit.axes))]
            qubit = int(generator.integers(n_qubits))
            steps.append(((qubit,), axis, float(generator.uniform(0, 2 * np.pi))))
            left -= 1
    return tuple(steps)
