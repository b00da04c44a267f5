"""A compiled circuit proved to be the convolution: for all angles, on a basis of its states.

A gate that depends on a table is exp(-i angle/2 P) = cos(angle/2) - i sin(angle/2) P for a Pauli
matrix P. So what a circuit can prepare from |0...0> lies in the span of what the matrices P, one
after the other or left out, make of it. The compiled circuit and its design (the loaders as they
were written, one after the other) are walked through together. A basis B' of the span is built for
the design, and its image B in the compiled circuit: what each P makes of B must be the same
combination of B and of what is new as it is for B'. Then, whatever the angles are, both states have
the same coefficients, B c and B' c. At the end

    B^dagger O B = B'^dagger W B'

for the observable O that is measured, and W what the mathematics wants of the design: SWAP of two
registers, whose mean on x (x) f is |<x|f>|^2; or the projector on |0...0>, for a filter that was
undone on the data; times Z of the second ancilla for the backward pass.

So the means are equal for every patch, filter and upstream value. What this says nothing of is
which angles load a patch: that is arithmetic, of which each result can be checked by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.slots import AngleTables, Rotation, Slot, TableAngle, ry
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter, filter_circuit

if TYPE_CHECKING:
    from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Variant
    from qucnn_cirq.compiler.program import Program

Matrix = NDArray[np.complexfloating[Any, Any]]

LARGEST_PROVED = 11
"""Qubits of a circuit: its gates are applied to a basis of its registers, some 10 s for 5x5."""

LARGEST_REGISTER = 8
"""Qubits of a register, whose generators are dense matrices, twice 2^n of them."""

TOLERANCE = 1e-9
"""Largest bound that passes; what is right is right to 1e-12, by rounding."""


_RANK = 1e-10
"""Largest singular value of what is new to a basis that counts as rounding."""

_MOST_TRIES = 32
"""Ways in which rotations by the same parameter are told from each other."""


class NotProvedError(AssertionError):
    """A compiled circuit is not, or not in a way that is seen here, what was to be compiled."""


@dataclass(frozen=True)
class Proof:
    """What was proved of a program.

    Attributes:
        circuits: Compiled circuits, each with all its angles open.
        generators: Rotations whose generators were compared, over all circuits.
        states: Size of the basis on which the largest circuit was compared, of all states that its
            registers can be prepared in.
        bound: How far the mean of the observable can be from |<x|f>|^2 (times g, for a backward
            program), whatever the angles are: rounding, in the states that the angles prepare.
        filter_infidelity: Largest infidelity with which a filter without parameters is prepared;
            None if there is none, or if each is merged with the patch.
        merges_filter: Whether patch and any filter are merged in one loader, so that its circuit
            is proved to be that loader's, and the overlap is up to the angles that it chooses.
    """

    circuits: int
    generators: int
    states: int
    bound: float
    filter_infidelity: float | None
    merges_filter: bool

    def __str__(self) -> str:
        is_equal = "the overlap"
        if self.merges_filter:
            prepared = self.filter_infidelity is not None
            is_equal = f"{'the overlap or ' if prepared else ''}what its loader says"
        whole = (
            f"{self.circuits} circuit(s) on a basis of {self.states} states, for all angles of "
            f"{self.generators} rotations: the mean is {is_equal} to {self.bound:.1e}"
        )
        if self.filter_infidelity is None:
            return whole
        return f"{whole}; fixed filters are prepared to {self.filter_infidelity:.1e}"


def prove(program: Program) -> Proof:
    """Proves every circuit of a program; see `Program.proof`.

    Args:
        program: The program.

    Raises:
        InputError: If a circuit is too large.
        NotProvedError: If a circuit is not equal to what it was compiled from.
    """
    if program.spec.measurement is not None:
        raise InputError(
            "proofs are of overlaps: with measurement = "
            f"{program.spec.measurement.kind!r} see what Program.verify() finds."
        )
    found = [
        _prove_variant(program, program.filters[structure[0]], index)
        for structure in program.structures
        for index in range(len(program.filters[structure[0]].variants))
    ]
    n_qubits = program.spec.register_qubits
    infidelities = [
        _infidelity(given, compiled, variant.filter_loader)
        for compiled, given in zip(program.filters, program.spec.filter_list, strict=True)
        for variant in compiled.variants
        if compiled.filter.n_parameters(n_qubits) == 0 and not variant.loader.merges_filter
    ]
    worst = max(infidelities, default=None)
    if worst is not None and not worst <= TOLERANCE:
        raise NotProvedError(f"a filter is prepared with the infidelity {worst:.2g}.")
    return Proof(
        circuits=len(found),
        generators=sum(each.generators for each in found),
        states=max(each.states for each in found),
        bound=max(each.bound for each in found),
        filter_infidelity=worst,
        merges_filter=any(each.loader.merges_filter for each in program.filters),
    )


@dataclass(frozen=True)
class _Compared:
    """What was compared of one circuit; see `Proof`."""

    generators: int
    states: int
    bound: float


@dataclass(frozen=True, eq=False)
class _Turn:
    """A rotation by an angle of a table, drawn to the start of the design.

    Attributes:
        key: Table and column.
        generator: Q of exp(-i angle/2 Q), shape (2^n, 2^n) on its register; the sign is in it.
    """

    key: tuple[str, int]
    generator: Matrix


@dataclass(frozen=True, eq=False)
class _Design:
    """What a circuit must be equal to.

    Attributes:
        registers: The size of each register, 2^n.
        turns: The generators of each, in order of time.
        operator: W, drawn to the start, shape (size, size) for the product of the sizes.
    """

    registers: tuple[int, ...]
    turns: tuple[list[_Turn], ...]
    operator: Matrix


def _acted(
    matrix: Matrix, qubits: Sequence[cirq.Qid], states: Matrix, order: Sequence[cirq.Qid]
) -> Matrix:
    """Applies a gate to state vectors in columns, shape (2^qubits, count)."""
    axes = [order.index(qubit) for qubit in qubits]
    gate = matrix.reshape((2,) * (2 * len(axes)))
    tensor = states.reshape((2,) * len(order) + (-1,))
    moved = np.tensordot(gate, tensor, (range(len(axes), 2 * len(axes)), axes))
    return np.moveaxis(moved, range(len(axes)), axes).reshape(states.shape)


@dataclass(frozen=True, eq=False)
class _Open:
    """A rotation by an angle of a table, where it is met.

    Attributes:
        key: Table and column.
        pauli: P of exp(-i angle/2 P), shape (2, 2); the sign is in it.
        qubits: The qubit.
    """

    key: tuple[str, int]
    pauli: Matrix
    qubits: tuple[cirq.Qid, ...]


_Step = _Open | tuple[Matrix, tuple[cirq.Qid, ...]]


def _steps(circuit: cirq.AbstractCircuit) -> Iterator[_Step]:
    """Fixed gates, and the rotations that are open."""
    for operation in circuit.all_operations():
        if cirq.is_measurement(operation):
            continue
        if not isinstance(operation.gate, Slot):
            yield cirq.unitary(operation), operation.qubits
            continue
        for factor in operation.gate.factors:
            if isinstance(factor, Rotation) and isinstance(factor.angle, TableAngle):
                pauli = 1j * Rotation(factor.axis, np.pi).unitaries({})[0]
                key = factor.angle.table, factor.angle.column
                yield _Open(key, factor.angle.sign * pauli, operation.qubits)
            else:
                yield factor.unitaries({})[0], operation.qubits


def _designed(circuit: cirq.AbstractCircuit, n_qubits: int) -> tuple[list[_Turn], Matrix]:
    """Generators of a circuit on line qubits, and the product of its fixed gates."""
    line = cirq.LineQubit.range(n_qubits)
    fixed: Matrix = np.eye(2**n_qubits, dtype=complex)
    turns = []
    for step in _steps(circuit):
        if isinstance(step, _Open):
            turned = _acted(step.pauli, step.qubits, fixed, line)
            turns.append(_Turn(step.key, fixed.conj().T @ turned))
        else:
            fixed = _acted(*step, fixed, line)
    return turns, fixed


def _design(program: Program, compiled: CompiledFilter, variant: Variant) -> _Design:
    """The loaders as they were written, followed by the mathematics of the overlap."""
    n_qubits = program.spec.register_qubits
    line, size = cirq.LineQubit.range(n_qubits), 2**n_qubits
    loader, filter_loader = variant.loader, variant.filter_loader
    patch = loader.circuit(line, "patch")
    if loader.merges_filter or program.spec.overlap_test.undoes_filter:
        if not loader.merges_filter:
            patch += cirq.inverse(filter_circuit(compiled.filter, line, filter_loader))
        turns, fixed = _designed(patch, n_qubits)
        projector: Matrix = np.outer(fixed[0].conj(), fixed[0])
        return _Design((size,), (turns,), projector)
    prepared = filter_circuit(compiled.filter, line, filter_loader)
    (patch_turns, x), (filter_turns, f) = _designed(patch, n_qubits), _designed(prepared, n_qubits)
    # (X (x) F)^dagger SWAP (X (x) F) = (X^dagger F (x) F^dagger X) SWAP.
    met = x.conj().T @ f
    swap = np.eye(size**2).reshape((size,) * 4).transpose(1, 0, 2, 3).reshape(size**2, -1)
    operator = np.kron(met, met.conj().T) @ swap
    if not program.spec.backward:
        return _Design((size, size), (patch_turns, filter_turns), operator)
    reader = cirq.Circuit(ry(TableAngle("upstream", 0)).on(line[0]))
    turns, _ = _designed(reader, 1)
    operator = np.kron(operator, np.diag([1, -1]))
    return _Design((size, size, 2), (patch_turns, filter_turns, turns), operator)


def _prove_variant(program: Program, compiled: CompiledFilter, index: int) -> _Compared:
    variant, n_qubits = compiled.variants[index], program.spec.register_qubits
    n_all = len(variant.template.qubits)
    if n_all > LARGEST_PROVED or n_qubits > LARGEST_REGISTER:
        raise InputError(
            f"prove = True: a circuit of {n_all} qubits, {n_qubits} a register, is too large; at "
            f"most {LARGEST_PROVED} qubits, {LARGEST_REGISTER} a register, are proved. Leave it "
            "out, and take Program.verify(), which checks samples."
        )
    design = _design(program, compiled, variant)
    choices: list[int] = []
    failure = None
    for _ in range(_MOST_TRIES):
        walk = _Walk(variant.template, design, choices)
        try:
            return walk.compared()
        except NotProvedError as error:
            failure = failure or error
        # The last choice that has another possibility left takes it.
        choices = list(walk.chosen)
        while choices and choices[-1] + 1 == walk.possible[len(choices) - 1]:
            choices.pop()
        if not choices:
            break
        choices[-1] += 1
    assert failure is not None
    raise failure


class _Walk:
    """A compiled circuit and its design, walked through together.

    Args:
        template: The circuit.
        design: What it must be equal to.
        choices: Where a parameter turns several qubits, which of the design's rotations each of
            the circuit's is, as far as was decided before; then the first one that is left.

    Attributes:
        chosen: All choices that were made.
        possible: Of how many.
    """

    def __init__(self, template: Template, design: _Design, choices: Sequence[int]) -> None:
        self._template, self._design = template, design
        self._choices = choices
        self.chosen: list[int] = []
        self.possible: list[int] = []
        self._left: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for part, turns in enumerate(design.turns):
            for row, turn in enumerate(turns):
                self._left.setdefault(turn.key, []).append((part, row))
        self._order: list[list[int]] = [[] for _ in design.turns]
        # B' and B; None for B' = 1, once it spans everything.
        self._basis: Matrix | None = np.eye(len(design.operator), 1, dtype=complex)
        self._image: Matrix = np.eye(2 ** len(template.qubits), 1, dtype=complex)
        # How far the circuit's state can be from B c.
        self._away = 0.0

    def compared(self) -> _Compared:
        """Walks to the end.

        Raises:
            NotProvedError: If circuit and design are not equal.
        """
        qubits = self._template.qubits
        for step in _steps(self._template.circuit):
            if isinstance(step, _Open):
                turned = _acted(step.pauli, step.qubits, self._image, qubits)
                self._turn(step.key, turned)
            else:
                self._image = _acted(*step, self._image, qubits)
        missing = sum(map(len, self._left.values()))
        if missing:
            raise NotProvedError(f"{missing} rotations of the design are missing.")
        measured = self._image.conj().T @ (_values(self._template)[:, None] * self._image)
        expected = self._design.operator
        if self._basis is not None:
            expected = self._basis.conj().T @ expected @ self._basis
        bound = 2 * self._away + float(np.linalg.norm(measured - expected))
        bound += sum(map(_disorder, self._order, self._design.turns))
        if not bound <= TOLERANCE:
            raise NotProvedError(f"the mean of the observable may be off by {bound:.2g}.")
        return _Compared(sum(map(len, self._order)), self._image.shape[1], bound)

    def _turn(self, key: tuple[str, int], turned: Matrix) -> None:
        """Compares P B with Q B', and adds what is new to both bases."""
        part, row = self._next(key)
        generator = self._design.turns[part][row].generator
        if self._basis is None:
            shape = (-1, *self._design.registers)
            # B Q for B Q B'.
            moved = np.tensordot(self._image.reshape(shape), generator, (part + 1, 0))
            residual = turned - np.moveaxis(moved, -1, part + 1).reshape(turned.shape)
        else:
            residual = self._grow(part, generator, turned)
        self._away += float(np.linalg.norm(residual))
        if not self._away <= TOLERANCE:
            raise NotProvedError(
                f"the rotation by column {key[1]} of the table {key[0]!r} is not where it belongs."
            )

    def _next(self, key: tuple[str, int]) -> tuple[int, int]:
        """The design's rotation that the circuit's next one is taken for."""
        left = self._left.get(key, [])
        if not left:
            raise NotProvedError(
                f"the design has no more rotations by column {key[1]} of the table {key[0]!r}."
            )
        choice = 0
        if len(left) > 1:
            made = len(self.chosen)
            choice = self._choices[made] if made < len(self._choices) else 0
            self.chosen.append(choice)
            self.possible.append(len(left))
        part, row = left.pop(choice)
        self._order[part].append(row)
        return part, row

    def _grow(self, part: int, generator: Matrix, turned: Matrix) -> Matrix:
        """What remains of P B without the combinations that Q B' consists of."""
        assert self._basis is not None
        basis, registers = self._basis, self._design.registers
        tensor = basis.reshape((*registers, -1))
        wanted = np.tensordot(generator, tensor, (1, part))
        wanted = np.moveaxis(wanted, 0, part).reshape(basis.shape)
        known = basis.conj().T @ wanted
        new, sizes, mixed = np.linalg.svd(wanted - basis @ known, full_matrices=False)
        is_new = sizes > _RANK
        rest = (turned - self._image @ known) @ mixed.conj().T
        if is_new.any():
            self._basis = np.hstack([basis, new[:, is_new]])
            self._image = np.hstack([self._image, rest[:, is_new] / sizes[is_new]])
            if self._basis.shape[1] == len(self._basis):
                self._image, self._basis = self._image @ self._basis.conj().T, None
        # What is left out as not new counts as an error.
        left_out = np.linalg.norm(sizes[~is_new])
        return np.append(rest[:, ~is_new].ravel(), left_out)


def _disorder(order: Sequence[int], designed: Sequence[_Turn]) -> float:
    """What it can matter that rotations follow each other in another order than designed."""
    generators = [turn.generator for turn in designed]
    total = 0.0
    for place, later in enumerate(order):
        for earlier in order[place + 1 :]:
            if earlier < later:
                a, b = generators[earlier], generators[later]
                # Two products of them differ by at most the commutator, on both sides.
                total += 2 * float(np.linalg.norm(a @ b - b @ a))
    return total


def _values(template: Template) -> NDArray[np.float64]:
    """The observable on the diagonal, shape (2^qubits,)."""
    qubits = template.qubits
    read = [qubits.index(qubit) for qubit in template.observable.qubits]
    bits = np.arange(2 ** len(qubits))[:, None] >> (len(qubits) - 1 - np.array(read)) & 1
    return template.observable.values(bits)


def _infidelity(given: Filter, compiled: CompiledFilter, loader: Loader) -> float:
    """With which the angles of a filter without parameters prepare it."""
    n_qubits = loader.n_qubits
    line = cirq.LineQubit.range(n_qubits)
    tables: AngleTables = {"filter": compiled.filter_table(None)}
    prepared = filter_circuit(compiled.filter, line, loader) + loader.out_of_frame(line)
    state: Matrix = np.eye(2**n_qubits, 1, dtype=complex)
    for operation in prepared.all_operations():
        gate = operation.gate
        matrix = gate.unitaries(tables)[0] if isinstance(gate, Slot) else cirq.unitary(operation)
        state = _acted(matrix, operation.qubits, state, line)
    expected = given.states(n_qubits, np.zeros((1, 0)))[0]
    return max(0.0, 1 - float(abs(np.vdot(expected, state)) ** 2))
