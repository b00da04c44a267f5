"""The symplectic loader: three or four qubits on a line in 3 or 6 CZ, or one less in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np

from qucnn_cirq.circuits.loaded import infidelities, loaded_states
from qucnn_cirq.circuits.loaders.line import LineLoader, loads, words_of_three
from qucnn_cirq.circuits.loaders.loader import FloatArray, Loader
from qucnn_cirq.circuits.loaders.named_turns import named_turns
from qucnn_cirq.circuits.slots import Table, rotation
from qucnn_cirq.circuits.symplectic import FOUR_QUBITS, THREE_QUBITS, symplectic_angles
from qucnn_cirq.errors import InputError

_REAL = ("MOMMR", "MOMML")
"""Patterns of the line loader with as many CZ, which load most vectors with real amplitudes."""
_SHORTER = ("", "L", "R", "MRR", "MOO")
"""Those with fewer, exact in closed form for products and vectors of low rank, shortest first.

Each is one more circuit to compile: these five leave 0.02 CZ a patch of digits to all others.
"""
_WITHIN = ("", "L", "R", "MR", "MRR", "MLL", "MO", "MRO", "MLO", "MOM", "MOO")
"""Those that come close to other vectors, shortest first; chosen on patches of digits."""
_SINGLE = ("", "L", "R", "M", "O", "ML", "MR", "MO", "MRR", "MLL", "MRO", "MLO", "MOO", *_REAL)
"""All that are exact in closed form: for one vector with a circuit of its own."""
_BLOCK = 8192
"""States that are simulated together: many for each call of NumPy."""
_FRAME = "quaternions"
"""The frame's name."""


class SymplecticLoader(Loader):
    """Loads any real vector of 8 or 16 values on a line, without a search.

    Three qubits take 3 CZ in depth 3, four take 6 CZ in depth 5: the words ``R' R R`` and
    ``M O M M R`` of the middle edge M, both outer edges O, the first edge R' and the last edge R.
    The last CZ, with the rotations by pi/2 after it, is the same for every vector: a fixed unitary
    U^+. A register in the frame is loaded without it, with U x, in 2 or 5 CZ. The overlap of two
    registers in the frame is that of their vectors. Amplitudes are complex in between. See
    `qucnn_cirq.circuits.symplectic` for the angles, which are the same.

    Args:
        n_qubits: Length of the line, 3 or 4.
        in_frame: Whether to make U x of a vector x, U = CZ RX(pi/2) RX(pi/2) on the last two
            qubits.
        apart: For three qubits in the frame, whether to leave out the CZ of the first qubit: one CZ
            for vectors of which that qubit is a factor, products too. None takes less: no state
            of one of the last two qubits is its own partner under the frame's symmetry.

    Raises:
        InputError: For any other size, or if the first qubit is apart elsewhere.
    """

    name = "symplectic"
    purpose = "registers of 3 or 4 qubits"

    def __init__(self, n_qubits: int = 4, in_frame: bool = False, apart: bool = False) -> None:
        if n_qubits not in (3, 4):
            raise InputError(
                f"the symplectic loader is for {self.purpose}, not {n_qubits}; "
                "choose loader = 'multiplexed'."
            )
        if apart and not (in_frame and n_qubits == 3):
            raise InputError("apart = True is for three qubits in the frame: leave it out.")
        super().__init__(n_qubits)
        self.in_frame, self.apart = in_frame, apart
        self.frame = _FRAME if in_frame else ""
        self._columns = THREE_QUBITS if n_qubits == 3 else FOUR_QUBITS
        self.n_angles = len(self._columns)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: slots and CZ gates."""
        quarter = np.pi / 2
        turned, back = named_turns(qubits, table, self._columns), ("x", -quarter)

        def cz(qubit: int) -> cirq.Operation:
            return cirq.CZ.on(qubits[qubit], qubits[qubit + 1])

        if self.n_qubits == 3:
            return cirq.Circuit(
                [turned(0, ("y", "first_0")), turned(1, ("y", quarter)), turned(2, ("y", quarter))],
                [] if self.apart else cz(0),
                turned(0, ("z", quarter), ("y", "outer_0")),
                cz(1),
                turned(1, ("z", "last_1a"), ("y", "last_1y"), ("z", "last_1b")),
                turned(2, ("y", "last_2y"), ("z", "last_2b")),
                [] if self.in_frame else [cz(1), turned(1, back), turned(2, back)],
            )
        return cirq.Circuit(
            [turned(qubit, ("y", f"first_{qubit}")) for qubit in (0, 1)],
            [turned(qubit, ("y", quarter)) for qubit in (2, 3)],
            cz(1),
            turned(1, ("y", quarter)),
            [cz(0), cz(2)],
            turned(0, ("z", quarter), ("y", "outer_0")),
            turned(1, ("z", "phase_1"), ("x", quarter)),
            turned(2, ("z", "inner_2a"), ("y", "inner_2y"), ("z", "inner_2b")),
            turned(3, ("y", -quarter), ("z", -quarter), ("y", "outer_3")),
            cz(1),
            [turned(qubit, ("x", f"middle_{qubit}")) for qubit in (1, 2)],
            cz(1),
            turned(1, ("y", "last_1")),
            turned(2, ("z", "last_2a"), ("y", "last_2y"), ("z", "last_2b")),
            [] if self.in_frame else [cz(2), turned(2, back)],
            turned(3, ("z", "last_3"), *([] if self.in_frame else [back])),
        )

    def settings(self) -> dict[str, Any]:
        """Size, and whether it is in the frame and its first qubit apart."""
        own = {"apart": True} if self.apart else {}
        return {"n_qubits": self.n_qubits, "in_frame": self.in_frame, **own}

    def framed(self) -> Loader:
        """The same loader in the frame, with one CZ less."""
        return self if self.in_frame else type(self)(self.n_qubits, in_frame=True)

    def unframed(self) -> Loader:
        """The same loader in no frame."""
        return type(self)(self.n_qubits, in_frame=False) if self.in_frame else self

    def out_of_frame(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """As `Loader.out_of_frame`: the last CZ and rotations by pi/2."""
        if not self.in_frame:
            return cirq.Circuit()
        last = qubits[-2:]
        return cirq.Circuit(cirq.CZ(*last), rotation("x", -np.pi / 2).on_each(*last))

    def family(self, tolerance: float | None) -> tuple[Loader, ...]:
        """The line loader's real patterns too, the shorter ones first; in a frame one of its own.

        Where amplitudes are real a gate with a wrong phase changes an overlap to second order only.
        """
        if self.in_frame:
            has_shorter = self.n_qubits == 3 and not self.apart
            return (type(self)(3, in_frame=True, apart=True), self) if has_shorter else (self,)
        if self.n_qubits == 3:
            return (*words_of_three(tolerance), self)
        shorter = _SHORTER if tolerance is None else _WITHIN
        found = [LineLoader(pattern=pattern, tolerance=tolerance or 0.0) for pattern in shorter]
        return (*found, *(LineLoader(pattern=pattern) for pattern in _REAL), self)

    def exact_for(self, vector: FloatArray) -> Loader:
        """The shortest pattern that loads the vector exactly, else itself."""
        if self.n_qubits == 3 or self.in_frame:
            shorter = self.family(None)[:-1]
        else:
            shorter = tuple(LineLoader(pattern=pattern) for pattern in _SINGLE)
        return next((each for each in shorter if loads(each, vector)), self)

    def angles(self, states: FloatArray) -> FloatArray:
        """As `Loader.angles`, in closed form."""
        angles = symplectic_angles(states)
        if self.apart:
            # What is left of it is rounding, or loaded by the other form.
            angles[:, THREE_QUBITS.index("first_0")] = 0
        return angles

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """As `Loader.random_states`."""
        if not self.apart:
            return super().random_states(count, generator)
        first, rest = generator.normal(size=(count, 2, 1)), generator.normal(size=(count, 1, 4))
        states: FloatArray = (first * rest).reshape(count, 8)
        units: FloatArray = states / np.linalg.norm(states, axis=1, keepdims=True)
        return units

    def solve(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `Loader.solve`; the infidelities are those of the circuit, simulated."""
        angles, found = self.angles(states), np.empty(len(states))
        register = cirq.LineQubit.range(self.n_qubits)
        circuit = self.circuit(register, "patch")
        circuit += self.out_of_frame(register)
        for start in range(0, len(states), _BLOCK):
            rows = slice(start, start + _BLOCK)
            tables = {"patch": angles[rows]}
            loaded = loaded_states(circuit, register, tables, len(angles[rows]))
            found[rows] = infidelities(states[rows], loaded)
        return angles, found
