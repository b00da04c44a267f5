"""Circuits in which several rotations read one parameter, each by a weight of its own.

A kind of filter says of which steps its circuit is; the table of angles, the weights of the chain
rule and the states follow.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cirq
import numpy as np
import numpy.typing as npt

from qucnn_cirq.circuits.feed_forward import flip_if
from qucnn_cirq.circuits.general_blocks import ComplexArray, general_angles, measured_angles
from qucnn_cirq.circuits.loaded import loaded_states
from qucnn_cirq.circuits.slots import TableAngle, fixed, rotation
from qucnn_cirq.filters.filter import Filter
from qucnn_cirq.filters.places import Places

Axis = Literal["x", "y", "z"]
TURNS: tuple[Axis, ...] = ("z", "y", "z")
"""Axes of three rotations that are any gate on one qubit, in order of time."""

_HADAMARD = cirq.unitary(cirq.H)
_ORDER: tuple[Axis, ...] = ("z", "x", "y")
_PAULI = {
    "x": np.array([[0, 1], [1, 0]], dtype=np.complex128),
    "y": np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
    "z": np.array([[1, 0], [0, -1]], dtype=np.complex128),
}
_UP = {
    "x": np.array([1, 1], dtype=np.complex128) / np.sqrt(2),
    "y": np.array([1, 1j], dtype=np.complex128) / np.sqrt(2),
    "z": np.array([1, 0], dtype=np.complex128),
}
"""What each Pauli matrix leaves as it is."""


@dataclass(frozen=True)
class Turn:
    """A rotation exp(-i angle P / 2) whose angle is a parameter times a weight.

    Attributes:
        axis: The Pauli matrix P.
        qubit: Its number in the register.
        parameter: Which parameter it reads.
        weight: What the parameter is multiplied by.
    """

    axis: Axis
    qubit: int
    parameter: int
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Gate:
    """A one-qubit gate without parameters.

    Attributes:
        matrix: Shape (2, 2).
        qubit: Its number in the register.
    """

    matrix: npt.NDArray[Any]
    qubit: int


@dataclass(frozen=True)
class Flip:
    """A CZ.

    Attributes:
        first: One qubit's number in the register.
        second: The other's.
    """

    first: int
    second: int


@dataclass(frozen=True)
class Feed:
    """Y on one qubit if a measurement of another one, which is read once, gives 1.

    Nothing else acts on the measured qubit afterwards. A CY does the same to the other one.

    Attributes:
        measured: The number in the register of the qubit that is measured.
        qubit: That of the one that is flipped.
    """

    measured: int
    qubit: int


Plain = Turn | Gate | Flip


@dataclass(frozen=True, eq=False)
class Block:
    """Steps on one pair that take more than three CZ, and are written in three.

    The angles of its gates are worked out from those of the rotations.

    Attributes:
        first: One qubit's number in the register.
        second: The other's.
        steps: What it is equal to, in order of time.
    """

    first: int
    second: int
    steps: tuple[Plain, ...]


@dataclass(frozen=True, eq=False)
class MeasuredBlock:
    """A block of which one qubit is then measured, in two CZ, and what its record controls.

    What a third CZ would do, the record does: a turn about Z of the other qubit, by an angle that
    depends on those of the block and adds to that of a turn between two flips.

    Attributes:
        first: One qubit's number in the register.
        second: The other's.
        steps: What the block is equal to, in order of time.
        pooling: Turns of the other qubit and flips of it.
        between: Which of these turns, one about Z, comes first after the first flip.
    """

    first: int
    second: int
    steps: tuple[Plain, ...]
    pooling: tuple[Turn | Feed, ...]
    between: int


Step = Plain | Block | Feed | MeasuredBlock


def another_axis(axes: Sequence[Axis]) -> Axis:
    """An axis that is none of these, Z if it can be: CZ is a controlled flip about Z.

    Args:
        axes: One axis or two.
    """
    return next(axis for axis in _ORDER if axis not in axes)


def frame(x: Axis, z: Axis) -> npt.NDArray[np.complex128]:
    """The unitary that turns the axes X and Z into others, shape (2, 2).

    Args:
        x: What X becomes.
        z: What Z becomes, another axis.
    """
    up = _UP[z]
    return np.stack([up, _PAULI[x] @ up], axis=1)


def controlled_flip(axis: Axis, pair: tuple[int, int]) -> tuple[Gate | Flip, ...]:
    """The Pauli matrix of an axis on the second qubit if the first is 1, in one CZ.

    Args:
        axis: Which.
        pair: Control and target.
    """
    if axis == "z":
        return (Flip(*pair),)
    own = _HADAMARD if axis == "x" else frame("x", "y")
    return Gate(own.conj().T, pair[1]), Flip(*pair), Gate(own, pair[1])


def general_steps(pair: tuple[int, int], parameter: int) -> Iterator[Plain]:
    """The circuit of `general_angles`, which is any unitary on two qubits.

    Args:
        pair: Both qubits, the more significant first.
        parameter: The number of the first of its fifteen angles.
    """
    first, second = pair
    number = itertools.count(parameter)
    yield from (Turn(axis, qubit, next(number)) for qubit in pair for axis in TURNS)
    yield from controlled_flip("x", (first, second))
    yield Turn("y", first, next(number))
    yield Turn("z", second, next(number))
    yield from controlled_flip("x", (second, first))
    yield Turn("y", first, next(number))
    yield from controlled_flip("x", (first, second))
    yield from (Turn(axis, qubit, next(number)) for qubit in pair for axis in TURNS)


def measured_steps(pair: tuple[int, int]) -> Iterator[Plain]:
    """The circuit of `measured_angles`, any unitary on two qubits of which one is then measured.

    Args:
        pair: Both qubits, the more significant first.
    """
    first, second = pair
    number = itertools.count()
    yield from (Turn(axis, qubit, next(number)) for qubit in pair for axis in TURNS)
    yield from controlled_flip("x", pair)
    yield Turn("x", first, next(number))
    yield Turn("z", second, next(number))
    yield from controlled_flip("x", pair)
    yield from (Turn(axis, qubit, next(number)) for qubit in pair for axis in TURNS)


class SharedAngles(Filter):
    """A filter, or a body on a register of data, whose kinds give `steps` and `n_parameters`.

    The circuit is right on every state of the register, not only on |0...0>.
    """

    def steps(self, n_qubits: int) -> Iterator[Step]:
        """The circuit in order of time.

        Args:
            n_qubits: Size of the register.

        Raises:
            InputError: If there is no such circuit on so many qubits.
        """
        raise NotImplementedError

    def places(self, n_qubits: int) -> Places:
        """(row, column) of each qubit on a grid where it needs the fewest SWAPs, mostly none.

        Args:
            n_qubits: Size of the register.
        """
        raise NotImplementedError

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The steps as slots and CZ gates; see `Filter.circuit_on`."""
        return _circuit(_plain(self.steps(len(qubits))), qubits)

    def compact(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The same with blocks in three CZ, and measurements; see `Filter.compact`."""
        steps: list[Plain | Feed] = []
        for step in self.steps(len(qubits)):
            if isinstance(step, Block):
                steps += general_steps((step.first, step.second), 0)
            elif isinstance(step, MeasuredBlock):
                steps += [*measured_steps((step.first, step.second)), *step.pooling]
            else:
                steps.append(step)
        return _circuit(steps, qubits)

    def angles(self, n_qubits: int, parameters: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What each rotation reads; see `Filter.angles`."""
        rows: npt.NDArray[np.float64] = parameters @ _weights(self, n_qubits).T
        return rows

    def angle_weights(self, n_qubits: int) -> npt.NDArray[np.float64]:
        """The weights of the rotations; see `Filter.angle_weights`."""
        return _weights(self, n_qubits)

    def columns(self, n_qubits: int, angles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The angles, those of a block worked out; see `Filter.columns`."""
        found: list[npt.NDArray[np.float64]] = []
        blocks: list[tuple[int, ComplexArray]] = []
        measured: list[tuple[int, int, ComplexArray]] = []
        start = 0
        for step in self.steps(n_qubits):
            if isinstance(step, Block | MeasuredBlock):
                end = start + _n_turns(step.steps)
                matrices = _matrices(step, angles[:, start:end])
                if isinstance(step, Block):
                    blocks.append((len(found), matrices))
                else:
                    measured.append((len(found), len(found) + 1 + step.between, matrices))
                found.append(np.empty((len(angles), 0)))
                start = end
            # One after the other, as a block may add to one of them.
            own = step.pooling if isinstance(step, MeasuredBlock) else (step,)
            for _ in range(_n_turns(own)):
                found.append(angles[:, start : start + 1])
                start += 1
        if not blocks and not measured:
            return angles
        if blocks:
            worked_out = general_angles(np.concatenate([matrices for _, matrices in blocks]))
            for (place, _), rows in zip(blocks, np.split(worked_out, len(blocks)), strict=True):
                found[place] = rows
        for place, between, matrices in measured:
            found[place], turns = measured_angles(matrices)
            found[between] = found[between] + turns[:, None]
        return np.concatenate(found, axis=1)

    def prepared(self, n_qubits: int, table: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
        """The states that the compact circuit prepares; see `Filter.prepared`."""
        qubits: list[cirq.Qid] = [*cirq.LineQubit.range(n_qubits)]
        circuit = self.compact(qubits)
        return loaded_states(circuit, qubits, {"filter": table}, len(table)).T

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Refuses a register for which there is no circuit; see `Filter.check_fits`."""
        _weights(self, n_qubits)


def _plain(steps: Iterable[Step]) -> Iterator[Plain]:
    """Steps with those of blocks in place of these, and nothing measured."""
    for step in steps:
        if isinstance(step, Block):
            yield from step.steps
        elif isinstance(step, MeasuredBlock):
            yield from step.steps
            yield from _plain(step.pooling)
        elif isinstance(step, Feed):
            yield from controlled_flip("y", (step.measured, step.qubit))
        else:
            yield step


def _circuit(steps: Iterable[Plain | Feed], qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
    """Slots and CZ gates, a column of the table for each rotation in order of time."""
    circuit = cirq.Circuit()
    read: set[int] = set()
    column = itertools.count()
    for step in steps:
        if isinstance(step, Flip):
            circuit.append(cirq.CZ(qubits[step.first], qubits[step.second]))
        elif isinstance(step, Gate):
            circuit.append(fixed(step.matrix).on(qubits[step.qubit]))
        elif isinstance(step, Feed):
            key, is_first = f"qubit {step.measured}", step.measured not in read
            read.add(step.measured)
            circuit.append(flip_if(qubits[step.measured], key, qubits[step.qubit], is_first))
        else:
            angle = TableAngle("filter", next(column))
            circuit.append(rotation(step.axis, angle).on(qubits[step.qubit]))
    return circuit


@functools.lru_cache(maxsize=128)
def _weights(filter_: SharedAngles, n_qubits: int) -> npt.NDArray[np.float64]:
    turns = [step for step in _plain(filter_.steps(n_qubits)) if isinstance(step, Turn)]
    weights = np.zeros((len(turns), filter_.n_parameters(n_qubits)))
    for row, turn in enumerate(turns):
        weights[row, turn.parameter] = turn.weight
    weights.flags.writeable = False
    return weights


def _n_turns(steps: Iterable[Step]) -> int:
    return sum(isinstance(each, Turn) for each in steps)


def _matrices(block: Block | MeasuredBlock, angles: npt.NDArray[np.float64]) -> ComplexArray:
    """What a block is for angles of its rotations, shape (batch, angles): (batch, 4, 4)."""
    matrices = np.broadcast_to(np.eye(4, dtype=complex), (len(angles), 4, 4))
    column = 0
    for step in block.steps:
        if isinstance(step, Flip):
            matrices = matrices * np.array([1, 1, 1, -1])[:, None]
            continue
        if isinstance(step, Gate):
            gate = step.matrix
        else:
            half = angles[:, column, None, None, None] / 2
            gate = np.cos(half) * np.eye(2) - 1j * np.sin(half) * _PAULI[step.axis]
            column += 1
        # The second qubit is the less significant: rows 2 k + i.
        split = matrices.reshape(-1, 2, 2, 4)
        is_second = step.qubit == block.second
        moved = gate @ (split if is_second else split.swapaxes(1, 2))
        matrices = (moved if is_second else moved.swapaxes(1, 2)).reshape(-1, 4, 4)
    return matrices
