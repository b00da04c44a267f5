"""Class states of one- and two-qubit rotations, as in QuClassi and QuGAN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, cast

import attrs

from noise_models import fields
from noise_models.checks import one_of
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters.places import Places, spiral
from qucnn_cirq.filters.shared_angles import (
    Axis,
    Flip,
    Gate,
    SharedAngles,
    Step,
    Turn,
    another_axis,
    controlled_flip,
    frame,
)

LETTERS = "sde"
MOST_LETTERS = 1000
"""Layers of an ansatz."""

_AXES = ("x", "y", "z")


def _architecture(key: str, value: object) -> str:
    if not isinstance(value, str) or not value or not set(value) <= set(LETTERS):
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give a word of the letters 's' (single), "
            f"'d' (dual) and 'e' (entangled), such as 'sde'."
        )
    if len(value) > MOST_LETTERS:
        raise InputError(f"{key} has {len(value)} layers: give at most {MOST_LETTERS}.")
    return value


def _axes(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or len(value) not in (1, 2):
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give one or two of 'x', 'y', 'z'."
        )
    axes = tuple(one_of("axis", axis, _AXES) for axis in value)
    if len(set(axes)) < len(axes):
        raise InputError(f"{key} = {shown(value)} names an axis twice: give two different ones.")
    return axes


@attrs.frozen
class DualAnsatz(SharedAngles):
    """Layers of rotations of one qubit, of two together and of one controlled by another.

    With the axes y and z a layer "s" is RY and RZ on every qubit; "d" is RYY and RZZ on
    neighbours 0 1, 1 2, ..., with exp(-i theta P P / 2); "e" is CRY and CRZ, of which the lower
    neighbour is the control. Each rotation has a parameter of its own, in order of layers, then
    of qubits or pairs, then of axes.

    The layers are those of Stein et al., "QuClassi", arXiv:2103.11307; with the axis y alone they
    are those of Stein et al., "QuGAN", arXiv:2010.09036. Both rotations of a pair together take
    two CZ.

    Attributes:
        architecture: One letter for each layer, such as "s" or "sde".
        axes: One or two different axes out of "x", "y" and "z".

    Raises:
        InputError: If a value is not among those.
    """

    kind: ClassVar[str] = "dual"

    architecture: str = fields.checked(_architecture, default="s")
    axes: tuple[str, ...] = fields.checked(_axes, default=("y", "z"))

    def n_parameters(self, n_qubits: int) -> int:
        """One for each axis of each qubit of a layer "s" and of each pair of the others."""
        single = self.architecture.count("s")
        pairs = (len(self.architecture) - single) * (n_qubits - 1)
        return len(self.axes) * (single * n_qubits + pairs)

    def steps(self, n_qubits: int) -> Iterator[Step]:
        """The layers; see `SharedAngles.steps`."""
        axes = cast(tuple[Axis, ...], self.axes)
        parameter = 0
        for letter in self.architecture:
            for qubit in range(n_qubits if letter == "s" else n_qubits - 1):
                if letter == "s":
                    yield from (Turn(a, qubit, parameter + n) for n, a in enumerate(axes))
                elif letter == "d":
                    yield from together(axes, (qubit, qubit + 1), parameter)
                else:
                    yield from controlled(axes, (qubit, qubit + 1), parameter)
                parameter += len(axes)

    def places(self, n_qubits: int) -> Places:
        """A spiral, along which all pairs are neighbours; see `SharedAngles.places`."""
        return spiral(n_qubits)


def together(axes: Sequence[Axis], pair: tuple[int, int], parameter: int) -> Iterator[Step]:
    """exp(-i theta P P / 2) for each axis P, in two CZ.

    CZ turns RX on both qubits into rotations about X Z and Z X, which commute as P P and Q Q do:
    they are the same in other axes of each qubit.

    Args:
        axes: One axis, or two different ones.
        pair: Both qubits.
        parameter: The number of the first axis's parameter; the second's is the next.
    """
    first, second = axes[0], axes[1] if len(axes) == 2 else another_axis(axes)
    frames = (frame(first, second), frame(second, first))
    for qubit, own in zip(pair, frames, strict=True):
        yield Gate(own.conj().T, qubit)
    yield Flip(*pair)
    for number in range(len(axes)):
        yield Turn("x", pair[number], parameter + number)
    yield Flip(*pair)
    for qubit, own in zip(pair, frames, strict=True):
        yield Gate(own, qubit)


def controlled(axes: Sequence[Axis], pair: tuple[int, int], parameter: int) -> Iterator[Step]:
    """Rotations of the second qubit about each axis, in turn, if the first is 1, in two CZ.

    A flip F about a further axis reverses the rotations R about these: R1(t1/2), F, R1(-t1/2),
    R2(-t2/2), F, R2(t2/2) is R1(t1), R2(t2) in order of time, and nothing without the flips.

    Args:
        axes: One axis, or two different ones.
        pair: Control and target.
        parameter: The number of the first axis's parameter; the second's is the next.
    """
    target = pair[1]
    flip = controlled_flip(another_axis(axes), pair)
    yield Turn(axes[0], target, parameter, 0.5)
    yield from flip
    yield from (Turn(axis, target, parameter + n, -0.5) for n, axis in enumerate(axes))
    yield from flip
    yield from (Turn(axis, target, parameter + 1, 0.5) for axis in axes[1:])
