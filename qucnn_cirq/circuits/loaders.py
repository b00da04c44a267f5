"""Loaders: circuits that turn |0...0> into the unit vector of a patch.

A loader has one structure for all vectors of a size and a table of angles with one row per
vector, computed for a whole batch at once. All loaders here use RY rotations and CZ gates only,
so the states stay real throughout.

Adding a loader is adding a class with the three members of :class:`Loader` and one line in
:data:`LOADERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.line_circuit import GATES
from qucnn_cirq.circuits.line_loader import LineLoader
from qucnn_cirq.circuits.schmidt_loader import SchmidtLoader
from qucnn_cirq.circuits.slots import Table, TableAngle, ry
from qucnn_cirq.errors import InputError, unknown_name


class Loader(Protocol):
    """What every loader offers.

    Attributes:
        name: The name under which it is chosen.
        is_closed_form: Whether its angles follow from a formula, in microseconds a patch;
            a loader that solves for them is used where it is asked for.
    """

    name: str
    is_closed_form: bool

    @property
    def n_qubits(self) -> int:
        """Size of the register."""

    @property
    def n_angles(self) -> int:
        """Columns of the angle table."""

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """The circuit of slots and CZ gates that reads its angles from ``table``."""

    def angles(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Angles, shape (batch, n_angles), that load unit vectors (batch, 2**n_qubits)."""


class MultiplexedLoader:
    """Loads any real vector by multiplexed RY rotations, one qubit after the other.

    Qubit k turns by an angle that depends on the k qubits before it: 2^k rotations with CZ
    gates between them in Gray-code order (Moettoenen et al., arXiv:quant-ph/0407010). The last
    CZ of each multiplexer is diagonal and only meets controls afterwards, so it is left out and
    the sign changes it would have made are put into the vector instead:
    2^n - n - 1 CZ gates for n qubits.

    The CZ that occurs most often joins neighbouring qubits of the register, which keeps routing
    on a line short.

    Args:
        n_qubits: Size of the register, at least 1.
    """

    name = "multiplexed"
    is_closed_form = True

    def __init__(self, n_qubits: int) -> None:
        if n_qubits < 1:
            raise InputError(f"n_qubits = {n_qubits}: a loader needs at least one qubit.")
        self._n_qubits = n_qubits

    @property
    def n_qubits(self) -> int:
        """Size of the register."""
        return self._n_qubits

    @property
    def n_angles(self) -> int:
        """One angle for each amplitude but the norm: 2^n - 1."""
        return (1 << self._n_qubits) - 1

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """The multiplexers one after the other; see :class:`Loader`."""
        circuit = cirq.Circuit()
        column = 0
        for target in range(self.n_qubits):
            for step in range(2**target):
                circuit.append(ry(TableAngle(table, column)).on(qubits[target]))
                column += 1
                if step + 1 < 2**target:
                    control = target - 1 - _gray_code_bit(step)
                    circuit.append(cirq.CZ(qubits[control], qubits[target]))
        return circuit

    def angles(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Angles for real unit vectors; see :class:`Loader`."""
        n = self.n_qubits
        # Without its last CZ a multiplexer prepares the vector up to signs that are known.
        amplitudes = states * _dropped_signs(n)
        columns = []
        for target in range(n):
            blocks = amplitudes.reshape(len(states), 2**target, 2, -1)
            if target == n - 1:
                low, high = blocks[:, :, 0, 0], blocks[:, :, 1, 0]
            else:
                low, high = np.moveaxis(np.linalg.norm(blocks, axis=-1), -1, 0)
            branch_angles = 2 * np.arctan2(high, low)
            columns.append(branch_angles @ _branch_to_step_angles(target).T)
        return np.concatenate(columns, axis=1)


def _gray_code_bit(step: int) -> int:
    """The bit that changes between the Gray codes of ``step`` and ``step + 1``."""
    return ((step + 1) & -(step + 1)).bit_length() - 1


def _branch_to_step_angles(n_controls: int) -> NDArray[np.float64]:
    """Matrix from the angle of each control branch to the angle of each step.

    In branch b the rotation of step s is reversed by every later CZ whose control is 1. Over the
    whole cycle each control occurs an even number of times, so that counting the CZ gates
    before the step, gray(s), gives the same sign (-1)^(b . gray(s)); the last CZ of the cycle,
    which is dropped, is accounted for in :func:`_dropped_signs`.
    """
    size = 2**n_controls
    steps, branches = np.arange(size), np.arange(size)
    gray = steps ^ (steps >> 1)
    parities = np.bitwise_count(branches[None, :] & gray[:, None]) % 2
    matrix: NDArray[np.float64] = (1.0 - 2.0 * parities) / size
    return matrix


def _dropped_signs(n_qubits: int) -> NDArray[np.float64]:
    """Signs of the amplitudes that the dropped CZ gates would have made.

    The dropped CZ of target k has the most significant control, qubit 0.
    """
    indices = np.arange(2**n_qubits)
    first = (indices >> (n_qubits - 1)) & 1
    signs = np.ones(2**n_qubits)
    for target in range(1, n_qubits):
        signs *= 1.0 - 2.0 * (first & (indices >> (n_qubits - 1 - target)) & 1)
    return signs


LOADERS: dict[str, Callable[[int, str], Loader]] = {
    "schmidt": lambda n_qubits, gate_set: SchmidtLoader(n_qubits),
    "line": lambda n_qubits, gate_set: LineLoader(
        n_qubits, gate=gate_set if gate_set in GATES else "cz"
    ),
    "multiplexed": lambda n_qubits, gate_set: MultiplexedLoader(n_qubits),
}
"""Makes a loader for a number of qubits and a gate set; where it has no form in a gate set, its CZ
gates are rewritten later."""


def make_loader(name: str, n_qubits: int, gate_set: str = "cz") -> Loader:
    """Builds a loader by name.

    Args:
        name: One of :data:`LOADERS`.
        n_qubits: Size of the register.
        gate_set: The native two-qubit gate.

    Raises:
        InputError: If the name is unknown or the loader has no form for this size.
    """
    if name not in LOADERS:
        raise unknown_name("loader", name, LOADERS)
    return LOADERS[name](n_qubits, gate_set)
