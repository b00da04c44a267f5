"""The state loader: any complex vector of up to four qubits, for filters loaded as vectors.

Words in CZ with general one-qubit gates between them, see `qucnn_cirq.circuits.native_circuit`. One
qubit takes none, two take 1 CZ, three 3, four 6. Up to three qubits the angles have a closed form.

Those of four are searched for. The vectors that the six CZ load are a closed set, as the image of
all angles; so it has every vector if it has nearly all. That it does was tried, not proved;
docs/compiler.md has the figures.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaded import loaded_states
from qucnn_cirq.circuits.loaders.loader import FloatArray, Loader
from qucnn_cirq.circuits.native_circuit import GATES, Coupling, NativeCircuit
from qucnn_cirq.circuits.native_search import SEARCH, native_infidelities, solve_native_angles
from qucnn_cirq.circuits.remembered import RememberedAngles
from qucnn_cirq.circuits.slots import Table, TableAngle, rotation
from qucnn_cirq.circuits.three_qubits import three_qubit_angles
from qucnn_cirq.circuits.turns import turn_angles
from qucnn_cirq.errors import InexactLoading, InputError

ComplexArray = NDArray[np.complex128]

WORDS = {1: "", 2: "0", 3: "011", 4: "MOMMR"}
"""The couplers for each size of a register."""

_RACES = (6, 24, 220)
"""How many starts race for a vector, one race after the other: many at once for one alone."""
_GIVEN_UP = ((12, 3e-2), (20, 1e-2), (30, 1e-3), (45, 1e-5), (90, 0.0))
_PATIENT_RACES = (64, 190)
_PATIENT = ((60, 1e-2), (200, 0.0))
"""The same for the few vectors that are left."""
_ENOUGH = 1e-12
"""Infidelity with which the search goes no further, and above which it is told.

An overlap is off by at most twice its root, 2e-6. Only next to products it is not 1e-24.
"""
_AMPLITUDES = 2**20
"""As of `RememberedAngles`: every step of a training brings new parameters."""
_HADAMARD = np.array([[1, 1], [1, -1]]) / np.sqrt(2)


class StateLoader(Loader, takes_vectors=False):
    """Loads complex vectors; a compiler makes it for filters, it is not chosen by name.

    Args:
        n_qubits: Size of the register, 1 to 4.
        of_patch: A loader in whose frame U it makes U f of a vector f; None for no frame.
        leaves_frame: Whether the circuit goes on to make f, with the same angles.

    Raises:
        InputError: If the register is larger.
    """

    name = "state"
    purpose = "filters on 1 to 4 qubits"

    def __init__(
        self, n_qubits: int, of_patch: Loader | None = None, leaves_frame: bool = False
    ) -> None:
        if n_qubits not in WORDS:
            raise InputError(
                f"load_filters = True: filters on {n_qubits} qubits are not loaded as vectors, "
                f"only those on up to {max(WORDS)}; leave it out."
            )
        super().__init__(n_qubits)
        self.is_closed_form = n_qubits in _CLOSED_FORMS
        self._words = NativeCircuit(WORDS[n_qubits], "cz", n_qubits)
        self.n_angles = self._words.n_angles
        self.of_patch, self.leaves_frame = of_patch, leaves_frame
        self._frame: ComplexArray | None = None
        if of_patch is not None:
            self.frame = "" if leaves_frame else of_patch.frame
            line = cirq.LineQubit.range(n_qubits)
            self._frame = of_patch.out_of_frame(line).unitary(line).conj().T

    @property
    def seconds(self) -> float:
        """As `Loader.seconds`."""
        return 5e-5 if self.is_closed_form else 1.7e-2

    @property
    def search_version(self) -> int:
        """As `Loader.search_version`."""
        return SEARCH

    def settings(self) -> dict[str, Any]:
        """The size of the register, the loader whose frame it is in, and whether it leaves that."""
        return {name: getattr(self, name) for name in ("n_qubits", "of_patch", "leaves_frame")}

    def out_of_frame(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """As `Loader.out_of_frame`: that of the patch's loader."""
        if self.of_patch is None or self.leaves_frame:
            return cirq.Circuit()
        return self.of_patch.out_of_frame(qubits)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: RY, RZ and CZ."""
        circuit = cirq.Circuit()
        for each in self._words.operations:
            if isinstance(each, Coupling):
                circuit.append(cirq.CZ(qubits[each.first], qubits[each.second]))
                continue
            assert each.qubit is not None
            angle = GATES["cz"].fresh if each.column is None else TableAngle(table, each.column)
            circuit.append(rotation(each.axis, angle).on(qubits[each.qubit]))
        if self.of_patch is not None and self.leaves_frame:
            circuit += self.of_patch.out_of_frame(qubits)
        return circuit

    def prepared(self, angles: FloatArray) -> ComplexArray:
        """The vectors that angles load, out of the frame.

        Args:
            angles: As `angles` gives them, shape (batch, n_angles).

        Returns:
            Unit vectors up to a phase, shape (batch, 2^n).
        """
        line = cirq.LineQubit.range(self.n_qubits)
        circuit = self.circuit(line, "filter")
        found = loaded_states(circuit, line, {"filter": angles}, len(angles)).T
        if self._frame is None or self.leaves_frame:
            return found
        out: ComplexArray = found @ self._frame.conj()
        return out

    def angles(self, states: FloatArray | ComplexArray) -> FloatArray:
        """Angles that load vectors.

        Args:
            states: Unit vectors, real or complex, shape (batch, 2**n_qubits).

        Returns:
            Angles in radians, shape (batch, n_angles).
        """
        angles, infidelities = self.solve(states)
        missed = infidelities > _ENOUGH
        if missed.any():
            warnings.warn(
                f"the search for angles missed {missed.sum()} of {len(states)} filters that are "
                f"loaded as vectors, by an infidelity of up to {infidelities.max():.1e}; without "
                "load_filters each has its own circuit.",
                InexactLoading,
                stacklevel=3,
            )
        return angles

    def solve(self, states: FloatArray | ComplexArray) -> tuple[FloatArray, FloatArray]:
        """As `Loader.solve`, of complex vectors too; what was searched for is remembered in memory.

        Args:
            states: Unit vectors, real or complex, shape (batch, 2**n_qubits).
        """
        vectors = np.ascontiguousarray(states, dtype=np.complex128)
        if self._frame is not None:
            vectors = np.ascontiguousarray(np.einsum("ij,bj->bi", self._frame, vectors))
        if self.is_closed_form:
            closed = _CLOSED_FORMS[self.n_qubits](vectors)
            return closed, native_infidelities(vectors, closed, self._words)
        return _remembered(self.n_qubits).solve(
            vectors,
            f"{SEARCH} state {self._words.word}",
            functools.partial(_searched, circuit=self._words),
            lambda rows, angles: native_infidelities(rows, angles, self._words),
            # In training parameters are hardly ever met again.
            on_disk=False,
        )


def _searched(rows: ComplexArray, circuit: NativeCircuit) -> tuple[FloatArray, FloatArray]:
    """Angles and infidelities, with more patience where the first search misses."""
    angles, infidelities = solve_native_angles(rows, circuit, _RACES, 0.0, _GIVEN_UP, _ENOUGH)
    missed = np.flatnonzero(infidelities > _ENOUGH)
    if len(missed):
        again, left = solve_native_angles(
            rows[missed], circuit, _PATIENT_RACES, 0.0, _PATIENT, _ENOUGH
        )
        better = left < infidelities[missed]
        angles[missed[better]] = again[better]
        infidelities[missed[better]] = left[better]
    return angles, infidelities


@functools.cache
def _remembered(n_qubits: int) -> RememberedAngles:
    """What was searched for in this process, whichever loader it was for."""
    return RememberedAngles(NativeCircuit(WORDS[n_qubits], "cz", n_qubits).n_angles, _AMPLITUDES)


def _one_qubit(vectors: ComplexArray) -> FloatArray:
    """RY and RZ for vectors of one qubit."""
    zero, one = vectors.T
    turned = 2 * np.arctan2(np.abs(one), np.abs(zero))
    return np.stack([turned, np.angle(one * zero.conj())], axis=1)


def _two_qubits(vectors: ComplexArray) -> FloatArray:
    """The angle of the singular values, then RZ, RY, RZ of either qubit.

    RY(pi/2) and RY(t) before CZ make the matrix H diag(cos t/2, sin t/2).
    """
    left, values, right = np.linalg.svd(vectors.reshape(-1, 2, 2))
    turned = 2 * np.arctan2(values[:, 1], values[:, 0])
    first, second = turn_angles(left @ _HADAMARD), turn_angles(right.transpose(0, 2, 1))
    return np.column_stack([turned, first, second])


_CLOSED_FORMS = {1: _one_qubit, 2: _two_qubits, 3: three_qubit_angles}
"""Angles of vectors by the size of the register."""
