"""The multiplexed loader: any number of qubits, closed form, 2^n - n - 1 CZ gates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.framed_circuit import FRAME, FRAMED
from qucnn_cirq.circuits.loaders.loader import Loader
from qucnn_cirq.circuits.slots import Table, TableAngle, rotation, ry
from qucnn_cirq.errors import InputError


class MultiplexedLoader(Loader):
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
        in_frame: Whether to make U x of a vector x, in the frame of the framed loader, with one CZ
            more: for what that loader misses. At least 4 qubits.
    """

    name = "multiplexed"
    purpose = "registers of any size"
    is_routable = True

    def __init__(self, n_qubits: int, in_frame: bool = False) -> None:
        least = 1 + max(FRAMED) if in_frame else 1
        if n_qubits < least:
            needed = f"{least} qubits in the frame" if in_frame else "one qubit"
            raise InputError(f"n_qubits = {n_qubits}: a loader needs at least {needed}.")
        super().__init__(n_qubits)
        self.in_frame = in_frame
        self.frame = FRAME if in_frame else ""
        # One for each amplitude but the norm.
        self.n_angles = (1 << n_qubits) - 1

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: the multiplexers one after the other."""
        circuit = cirq.Circuit()
        column = 0
        for target in range(self.n_qubits):
            for step in range(2**target):
                circuit.append(ry(TableAngle(table, column)).on(qubits[target]))
                column += 1
                if step + 1 < 2**target:
                    control = target - 1 - _gray_code_bit(step)
                    circuit.append(cirq.CZ(qubits[control], qubits[target]))
        if self.in_frame:
            framed = [qubits[qubit] for qubit in FRAMED]
            circuit.append([rotation("x", np.pi / 2).on_each(*framed), cirq.CZ(*framed)])
        return circuit

    def settings(self) -> dict[str, Any]:
        """Size, and whether it is in the frame."""
        return {"n_qubits": self.n_qubits, "in_frame": self.in_frame}

    def unframed(self) -> Loader:
        """The same loader in no frame."""
        return type(self)(self.n_qubits) if self.in_frame else self

    def out_of_frame(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """As `Loader.out_of_frame`: CZ of the framed qubits, and rotations by pi/2."""
        if not self.in_frame:
            return cirq.Circuit()
        framed = [qubits[qubit] for qubit in FRAMED]
        return cirq.Circuit(cirq.CZ(*framed), rotation("x", -np.pi / 2).on_each(*framed))

    def angles(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """As `Loader.angles`, in closed form."""
        n = self.n_qubits
        # Without its last CZ a multiplexer prepares the vector up to signs that are known.
        amplitudes = states * _dropped_signs(n)
        columns = []
        for target in range(n):
            blocks = amplitudes.reshape(len(states), 2**target, 2, 2 ** (n - 1 - target))
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
    which is dropped, is accounted for in `_dropped_signs`.
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
