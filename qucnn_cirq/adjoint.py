"""Exact gradients of trained circuits by adjoint differentiation.

T. Jones and J. Gacon, arXiv:2009.02823: the outcome of a circuit is undone gate by gate together
with the derivative of the loss by it, and every angle's derivative is read on the way. All angles
cost about three runs of the circuit, however many there are. Gates are first merged into blocks of
two qubits, so that a general two-qubit gate is one matrix product for the whole batch of states.

Derivatives by complex states are written dL/dRe + i dL/dIm: a small change d of the states changes
the loss by ``(slopes.conj() * d).real.sum()``. For real states the real part is the derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import cirq
import numpy as np
import numpy.typing as npt

from qucnn_cirq.circuits.slots import Rotation, Slot
from qucnn_cirq.errors import InputError
from qucnn_cirq.threads import single_threaded_blas

Complex = npt.NDArray[np.complex128]
Real = npt.NDArray[np.float64]
States = npt.NDArray[np.complexfloating | np.floating]
"""States, one a row, real or complex."""

BLOCK_ELEMENTS = 2**19
"""Amplitudes that are worked on at the same time, apart from those given and returned."""

_PAULI = {"x": cirq.unitary(cirq.X), "y": cirq.unitary(cirq.Y), "z": cirq.unitary(cirq.Z)}


@dataclass(frozen=True)
class _Factor:
    """One gate within a block: a fixed matrix, or a rotation that reads an angle.

    Attributes:
        matrix: The fixed unitary on the qubits of the block; for a rotation its Pauli matrix.
        column: Which angle a rotation turns by; None for a fixed matrix.
        sign: Of that angle.
    """

    matrix: Complex
    column: int | None = None
    sign: int = 1

    def unitary(self, angles: Real) -> Complex:
        if self.column is None:
            return self.matrix
        half = self.sign * angles[self.column] / 2
        turned: Complex = np.cos(half) * np.eye(len(self.matrix)) - 1j * np.sin(half) * self.matrix
        return turned


@dataclass
class _Block:
    """Gates on a few qubits.

    Attributes:
        qubits: Their positions; the first is the most significant of the matrices.
        factors: First to act first.
    """

    qubits: tuple[int, ...]
    factors: list[_Factor] = field(default_factory=list)

    def absorb(self, other: _Block) -> None:
        """Appends the gates of a block on some of these qubits."""
        places = [self.qubits.index(qubit) for qubit in other.qubits]
        for each in other.factors:
            matrix = _embedded(each.matrix, places, len(self.qubits))
            self.factors.append(_Factor(matrix, each.column, each.sign))


class BlockedCircuit:
    """A circuit of slots and fixed gates, read once, to be run with many angles.

    Args:
        circuit: Slots that read the table ``"filter"``, as `Filter.slots` gives them, and gates
            with a unitary.
        qubits: The register, most significant qubit first.

    Attributes:
        n_qubits: Size of the register.
        n_angles: One more than the last column that is read.

    Raises:
        InputError: If the circuit leaves the register, reads another table, or has a gate without
            a unitary.
    """

    def __init__(self, circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid]) -> None:
        self.n_qubits = len(qubits)
        place = {qubit: number for number, qubit in enumerate(qubits)}
        outside = circuit.all_qubits() - place.keys()
        if outside:
            raise InputError(
                f"the circuit acts on {min(outside)}, which is not among its {len(qubits)} qubits."
            )
        self._blocks = _merged(
            _Block(tuple(place[each] for each in operation.qubits), _factors(operation))
            for operation in circuit.all_operations()
        )
        columns = [
            each.column
            for block in self._blocks
            for each in block.factors
            if each.column is not None
        ]
        self.n_angles = max(columns, default=-1) + 1

    @single_threaded_blas()
    def apply(self, angles: Real, states: States) -> Complex:
        """Runs the circuit.

        Args:
            angles: Radians, shape (angles,).
            states: Shape (batch, 2^n).

        Returns:
            The outcomes, shape (batch, 2^n).
        """
        unitaries = self._unitaries(angles)
        result = np.empty(states.shape, complex)
        for rows in _in_blocks(states, self.n_qubits):
            tensor = _Tensor(states[rows].T[None], self.n_qubits)
            for block, unitary in zip(self._blocks, unitaries, strict=True):
                tensor.apply(unitary, block.qubits)
            result[rows] = tensor.columns()[0].T
        return result

    @single_threaded_blas()
    def pull_back(self, angles: Real, outcomes: Complex, slopes: Complex) -> tuple[Real, Complex]:
        """Derivatives by angles and by states from those by the outcomes.

        Args:
            angles: Radians, shape (angles,).
            outcomes: What `apply` returned, shape (batch, 2^n).
            slopes: dL/dRe + i dL/dIm of the outcomes, shape (batch, 2^n).

        Returns:
            dL/dangles, shape (angles,), and dL/dRe + i dL/dIm of the states, shape (batch, 2^n).
        """
        unitaries = self._unitaries(angles)
        by_angles, by_states = np.zeros(len(angles)), np.empty(outcomes.shape, complex)
        for rows in _in_blocks(outcomes, 1 + self.n_qubits):
            pair = _Tensor(np.stack([outcomes[rows].T, slopes[rows].T]), self.n_qubits)
            for block, unitary in zip(self._blocks[::-1], unitaries[::-1], strict=True):
                crossed = pair.crossed(block.qubits)
                _add_slopes(by_angles, block.factors, angles, crossed)
                pair.apply(unitary.conj().T, block.qubits)
            by_states[rows] = pair.columns()[1].T
        return by_angles, by_states

    def _unitaries(self, angles: Real) -> list[Complex]:
        if angles.ndim != 1 or len(angles) < self.n_angles:
            raise InputError(
                f"angles have shape {angles.shape}: this circuit reads ({self.n_angles},)."
            )
        found = []
        for block in self._blocks:
            unitary: Complex = np.eye(2 ** len(block.qubits), dtype=complex)
            for factor in block.factors:
                unitary = factor.unitary(angles) @ unitary
            found.append(unitary)
        return found


def means(
    circuit: cirq.AbstractCircuit | BlockedCircuit,
    angles: Real,
    states: States,
    values: Real,
) -> Real:
    """Mean values of what is measured after a circuit.

    Args:
        circuit: On ``cirq.LineQubit.range(n)``, see `BlockedCircuit`.
        angles: Radians, shape (angles,).
        states: States before the circuit, real or complex, shape (batch, 2^n).
        values: What each outcome of all qubits counts for, shape (numbers, 2^n).

    Returns:
        Shape (numbers, batch).

    Raises:
        InputError: If shapes do not fit each other or the circuit is none of slots.
    """
    blocked = _checked(circuit, angles, states, values)
    outcomes = blocked.apply(angles, states)
    found: Real = values @ _squared(outcomes).T
    return found


def gradients(
    circuit: cirq.AbstractCircuit | BlockedCircuit,
    angles: Real,
    states: States,
    values: Real,
    upstream: Real | Callable[[Real], Real],
) -> tuple[Real, Complex, Real]:
    """Derivatives of a loss of the mean values.

    Args:
        circuit: As for `means`.
        angles: As for `means`.
        states: As for `means`.
        values: As for `means`.
        upstream: dL/dmeans, shape (numbers, batch), or a function that makes it of the means.

    Returns:
        dL/dangles, shape (angles,); dL/dRe + i dL/dIm of the states, shape (batch, 2^n); and the
        means, shape (numbers, batch).

    Raises:
        InputError: As for `means`.
    """
    blocked = _checked(circuit, angles, states, values)
    outcomes = blocked.apply(angles, states)
    found: Real = values @ _squared(outcomes).T
    if callable(upstream):
        upstream = upstream(found)
    if upstream.shape != (len(values), len(states)):
        raise InputError(
            f"upstream has shape {upstream.shape}: {len(values)} numbers of {len(states)} states "
            f"need {(len(values), len(states))}."
        )
    slopes = 2 * (upstream.T @ values) * outcomes
    by_angles, by_states = blocked.pull_back(angles, outcomes, slopes)
    return by_angles, by_states, found


def _checked(
    circuit: cirq.AbstractCircuit | BlockedCircuit,
    angles: Real,
    states: States,
    values: Real,
) -> BlockedCircuit:
    n_qubits = states.shape[-1].bit_length() - 1
    if states.ndim != 2 or states.shape[1] != 2**n_qubits:
        raise InputError(f"states have shape {states.shape}: give (batch, 2^n).")
    if values.ndim != 2 or values.shape[1] != 2**n_qubits:
        raise InputError(
            f"values have shape {values.shape}: states of {2**n_qubits} amplitudes need "
            f"(numbers, {2**n_qubits})."
        )
    if isinstance(circuit, BlockedCircuit):
        if circuit.n_qubits != n_qubits:
            raise InputError(
                f"states have {n_qubits} qubits and the circuit {circuit.n_qubits}: make them "
                "equal."
            )
        return circuit
    return BlockedCircuit(circuit, cirq.LineQubit.range(n_qubits))


class _Tensor:
    """States as a tensor whose axes of qubits are in whatever order the last gate left them.

    Args:
        columns: Shape (stack, 2^n, batch).
        n_qubits: n.
    """

    def __init__(self, columns: npt.NDArray[np.number], n_qubits: int) -> None:
        self._shape = columns.shape
        self._tensor = columns.astype(np.complex128, order="C").reshape(
            len(columns), *(2,) * n_qubits, -1
        )
        self._order = list(range(n_qubits))

    def apply(self, unitary: Complex, qubits: tuple[int, ...]) -> None:
        """Applies a gate to all states.

        Args:
            unitary: Shape (2^k, 2^k).
            qubits: The k qubits.
        """
        front = self._to_front(qubits)
        self._tensor = (unitary @ front).reshape(self._tensor.shape)

    def crossed(self, qubits: tuple[int, ...]) -> Complex:
        """The sum of |first><second| over pairs of states, traced to a few qubits.

        Args:
            qubits: The k qubits.

        Returns:
            Shape (2^k, 2^k).
        """
        first, second = self._to_front(qubits)
        product: Complex = first @ second.conj().T
        return product

    def columns(self) -> Complex:
        """The states, shape (stack, 2^n, batch)."""
        self._to_front(tuple(range(len(self._order))))
        return self._tensor.reshape(self._shape)

    def _to_front(self, qubits: tuple[int, ...]) -> Complex:
        """Moves axes to the front, and gives the matrices with them as rows."""
        order = [*qubits, *(each for each in self._order if each not in qubits)]
        if order != self._order:
            axes = [1 + self._order.index(qubit) for qubit in order]
            moved = self._tensor.transpose(0, *axes, self._tensor.ndim - 1)
            self._tensor, self._order = np.ascontiguousarray(moved), order
        return self._tensor.reshape(self._shape[0], 2 ** len(qubits), -1)


def _in_blocks(states: npt.NDArray[np.number], log_each: int) -> Iterator[slice]:
    """Rows that are worked on together, each state of 2^`log_each` amplitudes."""
    size = max(1, BLOCK_ELEMENTS >> log_each)
    for start in range(0, len(states), size):
        yield slice(start, start + size)


def _squared(amplitudes: Complex) -> Real:
    squares: Real = amplitudes.real**2 + amplitudes.imag**2
    return squares


def _add_slopes(by_angles: Real, factors: list[_Factor], angles: Real, crossed: Complex) -> None:
    """Adds what the angles within a block change in the loss.

    Args:
        by_angles: Is changed.
        factors: Those of the block.
        angles: Radians, shape (angles,).
        crossed: The sum of |outcome><slope| after the block, on its qubits.
    """
    for factor in reversed(factors):
        if factor.column is not None:
            # Re tr(-i/2 P crossed), as the rotation commutes with its generator P.
            trace = np.sum(factor.matrix.T * crossed)
            by_angles[factor.column] += factor.sign * trace.imag / 2
        unitary = factor.unitary(angles)
        crossed = unitary.conj().T @ crossed @ unitary


def _factors(operation: cirq.Operation) -> list[_Factor]:
    gate = operation.gate
    if not isinstance(gate, Slot):
        unitary = cirq.unitary(operation, None)
        if unitary is None:
            raise InputError(
                f"the circuit has {operation}: give slots of the table 'filter' and unitary gates."
            )
        return [_Factor(unitary.astype(complex))]
    found = []
    for each in gate.factors:
        if not isinstance(each, Rotation) or isinstance(each.angle, float | int):
            found.append(_Factor(each.unitaries({})[0]))
        elif each.angle.table != "filter":
            raise InputError(
                f"the circuit reads the table {each.angle.table!r}: give slots of 'filter'."
            )
        else:
            found.append(_Factor(_PAULI[each.axis], each.angle.column, each.angle.sign))
    return found


def _merged(operations: Iterator[_Block]) -> list[_Block]:
    """Blocks of two qubits, or of as many as one gate has, out of gates that follow each other."""
    blocks: list[_Block] = []
    last: dict[int, _Block] = {}
    for new in operations:
        before = [last.get(qubit) for qubit in new.qubits]
        if before[0] is not None and all(each is before[0] for each in before):
            before[0].absorb(new)
            continue
        block = _Block(new.qubits)
        for each in before:
            # What came after it on another of its qubits has to stay after it.
            if each is not None and len(each.qubits) == 1:
                block.absorb(each)
                blocks = [other for other in blocks if other is not each]
        block.absorb(new)
        blocks.append(block)
        last |= dict.fromkeys(new.qubits, block)
    return blocks


def _embedded(matrix: Complex, places: list[int], n_qubits: int) -> Complex:
    """A matrix on some of a few qubits as one on all of them."""
    identity = np.eye(2**n_qubits, dtype=complex).reshape(1, 2**n_qubits, -1)
    tensor = _Tensor(identity, n_qubits)
    tensor.apply(matrix, tuple(places))
    embedded: Complex = tensor.columns()[0]
    return embedded
