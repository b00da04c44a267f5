"""qsim circuits from matrices, neighbouring gates multiplied together first.

For a few qubits qsim takes less time to simulate a gate than Python to hand it over, so that all
gates which one block of qubits sees in a row become one matrix.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import cirq
import numpy as np
import qsimcirq
from numpy.typing import NDArray
from qsimcirq import qsim_simulator

from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.engines.process import Element

_qsim = qsim_simulator.qsim
Matrices = NDArray[np.complex128]
"""Matrices of one gate, shape (rows, d, d): one for each patch or branch, or one for all."""
Gate = tuple[Sequence[int], Sequence[float]]
"""Numbers of its qubits, and real and imaginary parts of its entries in turn, row by row."""


@dataclass(frozen=True, eq=False)
class Block:
    """Gates that act one after another on the same few qubits.

    Attributes:
        numbers: The qubits as qsim counts them, the most significant of the matrix first.
        gates: Each gate's index and which of `numbers` it acts on, in order of time.
    """

    numbers: tuple[int, ...]
    gates: list[tuple[int, list[int]]] = field(default_factory=list)

    def product(self, matrices: Sequence[Matrices | None]) -> Matrices:
        """One matrix for the block.

        Args:
            matrices: By the index of the gate, shape (rows, d, d); None for one that does nothing.

        Returns:
            Shape (rows, d, d), rows being the largest of the gates'.
        """
        n_qubits = len(self.numbers)
        whole = np.eye(2**n_qubits, dtype=complex)[None]
        for index, axes in self.gates:
            matrix = matrices[index]
            if matrix is None:
                continue
            source, target = [1 + axis for axis in axes], range(1, 1 + len(axes))
            tensor = whole.reshape((len(whole),) + (2,) * n_qubits + (-1,))
            front = np.moveaxis(tensor, source, target)
            moved = matrix @ front.reshape(len(whole), matrix.shape[-1], -1)
            back = np.moveaxis(moved.reshape(len(moved), *front.shape[1:]), target, source)
            whole = back.reshape(len(moved), 2**n_qubits, 2**n_qubits)
        return whole


def blocks_of(places: Sequence[Sequence[int]]) -> list[Block]:
    """Joins gates that no other gate comes between.

    Args:
        places: The qubits of each gate, in order of time.

    Returns:
        Blocks in order of time, none on more qubits than its largest gate.
    """
    blocks: list[Block | None] = []
    last: dict[int, int] = {}
    for index, numbers in enumerate(places):
        latest = sorted({last[number] for number in numbers if number in last})
        if len(latest) != 1 or not _covers(blocks[latest[0]], numbers, last, latest[0]):
            new = Block(tuple(numbers))
            for each in latest:
                block = blocks[each]
                # Nothing happens after it to any of its qubits: it may as well happen now.
                if block is not None and _covers(new, block.numbers, last, each):
                    moved = [
                        [numbers.index(block.numbers[a]) for a in axes] for _, axes in block.gates
                    ]
                    new.gates.extend(
                        (g, axes) for (g, _), axes in zip(block.gates, moved, strict=True)
                    )
                    blocks[each] = None
            last.update(dict.fromkeys(numbers, len(blocks)))
            blocks.append(new)
        host = blocks[last[numbers[0]]]
        assert host is not None
        host.gates.append((index, [host.numbers.index(number) for number in numbers]))
    return [block for block in blocks if block is not None]


def _covers(
    block: Block | None, numbers: Sequence[int], last: dict[int, int], position: int
) -> bool:
    """Whether a block has all these qubits, and ``position`` is the last block of each."""
    return block is not None and all(
        number in block.numbers and last.get(number) == position for number in numbers
    )


def entries(matrices: Matrices) -> NDArray[np.float64]:
    """Writes matrices as qsim takes them: real and imaginary parts in turn, row by row.

    Args:
        matrices: Shape (rows, d, d).

    Returns:
        Shape (rows, 2 d^2).
    """
    return np.ascontiguousarray(matrices, dtype=complex).view(float).reshape(len(matrices), -1)


def evolved(
    n_qubits: int, gates: Iterable[Gate], threads: int, start: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Runs gates on qsim.

    Args:
        n_qubits: Qubits of the state.
        gates: The gates, in order of time.
        threads: Threads of the simulation.
        start: The state before, as this returns it; |0...0> if None.

    Returns:
        The state: real and imaginary parts of the amplitudes in turn, shape (2^(n_qubits + 1),).
    """
    circuit = _qsim.Circuit()
    circuit.num_qubits = n_qubits
    for time, (numbers, values) in enumerate(gates):
        _qsim.add_matrix_gate(time, numbers, values, circuit)
    options = {**_options(threads), "c": circuit}
    state: NDArray[np.float32] = _qsim.qsim_simulate_fullstate(
        options, 0 if start is None else start
    )
    return state


@functools.cache
def _options(threads: int) -> dict[str, int]:
    # Larger fused gates, which qsim makes itself, take longer up to 22 qubits. The seed is for
    # measurements inside the circuit, of which there are none.
    options = qsimcirq.QSimOptions(cpu_threads=threads, max_fused_gate_size=2)
    return {**options.as_dict(), "s": 1}


def probabilities_of(state: NDArray[np.float32], doubled: bool = False) -> NDArray[np.float64]:
    """The probabilities of all bit patterns.

    Args:
        state: As `evolved` returns it, shape (2^(n_qubits + 1),).
        doubled: Whether the state is a density matrix.

    Returns:
        Shape (2^qubits,), the first qubit most significant.
    """
    amplitudes = state.view(np.complex64)
    if doubled:
        size = 1 << (len(amplitudes).bit_length() // 2)
        found = amplitudes.reshape(size, size).diagonal().real
    else:
        found = amplitudes.real**2 + amplitudes.imag**2
    # Single precision lets the norm drift; what is conserved is put back.
    weights = found.astype(float)
    probabilities: NDArray[np.float64] = weights / weights.sum()
    return probabilities


def qubit_numbers(qubits: Sequence[cirq.Qid]) -> dict[cirq.Qid, int]:
    """The number that qsim gives each qubit: it counts from the least significant.

    Args:
        qubits: All qubits, most significant first.
    """
    return {qubit: len(qubits) - 1 - i for i, qubit in enumerate(qubits)}


class CircuitWriter:
    """Writes a process as gates for qsim, for one patch after another.

    Args:
        elements: The process.
        qubits: All qubits, most significant first.
        doubled: Whether the state is a density matrix: vec(rho) has its row index on the lower
            half of the qubits and its column index on the upper one.
    """

    def __init__(
        self, elements: Sequence[Element], qubits: Sequence[cirq.Qid], doubled: bool
    ) -> None:
        self._elements = elements
        self._doubled = doubled
        numbers = qubit_numbers(qubits)
        places = [[numbers[qubit] for qubit in element.qubits] for element in elements]
        if doubled:
            places = [[*(number + len(qubits) for number in each), *each] for each in places]
        self._blocks = blocks_of(places)

    def gates(self, tables: AngleTables) -> Iterator[list[Gate]]:
        """The gates for each row of the table ``"patch"``.

        Args:
            tables: The angle tables, with one row of ``"filter"``.
        """
        matrices = [self._matrices(element, tables) for element in self._elements]
        blocks: list[tuple[Sequence[int], NDArray[np.float64]]] = []
        for block in self._blocks:
            blocks.append((block.numbers, entries(block.product(matrices))))
        same = [own[0].tolist() if len(own) == 1 else None for _, own in blocks]
        for patch in range(len(tables["patch"])):
            yield [
                (numbers, own[patch].tolist() if shared is None else shared)
                for (numbers, own), shared in zip(blocks, same, strict=True)
            ]

    def _matrices(self, element: Element, tables: AngleTables) -> Matrices:
        kraus = element.kraus
        operators = (
            [k[None] for k in kraus] if element.slot is None else [element.slot.unitaries(tables)]
        )
        if not self._doubled:
            (unitaries,) = operators
            return unitaries
        size = operators[0].shape[-1] ** 2
        products = [np.einsum("rij,rkl->rikjl", k.conj(), k) for k in operators]
        total: Matrices = np.sum(products, axis=0, dtype=complex)
        return total.reshape(-1, size, size)
