"""The native loader: four qubits on a line in six SYC or six sqrt-iSWAP gates.

Words in couplers with general one-qubit gates between them, see
`qucnn_cirq.circuits.native_circuit`. No word of six gates loads every vector: one that misses a
vector leaves it to the next, then to seven gates, and the last of all is the symplectic loader's
circuit, rewritten in the native gate, which has a closed form. How many vectors each of them loads
was tried, not proved; docs/loaders.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import cirq
import numpy as np

from qucnn_cirq.circuits.entanglers import givens
from qucnn_cirq.circuits.loaders.line import LineLoader
from qucnn_cirq.circuits.loaders.loader import EXACT, FloatArray, Loader
from qucnn_cirq.circuits.loaders.symplectic import SymplecticLoader
from qucnn_cirq.circuits.native_circuit import NATIVE, Coupling, NativeCircuit
from qucnn_cirq.circuits.native_search import SEARCH, native_infidelities, solve_native_angles
from qucnn_cirq.circuits.remembered import RememberedAngles
from qucnn_cirq.circuits.slots import Table, TableAngle, rotation
from qucnn_cirq.devices import NATIVE_GATES
from qucnn_cirq.errors import InputError, unknown_name

N_QUBITS = 4

WORDS: dict[str, tuple[str, ...]] = {
    "syc": ("MOMO", "210101", "MOMRM", "MOMMO"),
    "sqrt_iswap": ("MOMO", "MOMRM", "012121", "MOMOM"),
}
"""For each gate the words that are tried for exact loading: three of six gates, one of seven."""

PRODUCTS = ("", "L", "R")
"""Words of the line loader with RY and at most one CZ, which is two native gates: closed form."""

SHORTER_WORDS = ("", "O", "MO", "MOM", "OMO")
"""Words that come close to some vectors, by their gates."""

EARLY_WORDS = ("MOMRM", "012121")
"""Words that are done with the first qubit sooner, where a walk may begin."""

_RACES = {"syc": (2, 4, 8, 16), "sqrt_iswap": (1, 3, 6)}
"""How many starts race for a vector, one race after the other."""
_DIFFERENT = 8
_SECONDS = {"syc": 0.01, "sqrt_iswap": 0.004}
"""What the search takes for a vector."""


class NativeLoader(Loader):
    """Loads real vectors of 16 values with six SYC or sqrt-iSWAP gates, most of them.

    Args:
        gate: "syc" or "sqrt_iswap".
        word: The couplers; None for the first of `WORDS`.
        tolerance: The infidelity that is good enough; if it is not 0 the search is brief.
        leads: Whether other words load what this one misses, see `family`.

    Raises:
        InputError: If the gate or the word is unknown.
    """

    name = "native"
    purpose = "registers of 4 qubits in SYC or sqrt-iSWAP"
    is_closed_form = False

    def __init__(
        self, gate: str, word: str | None = None, tolerance: float = 0.0, leads: bool = True
    ) -> None:
        if gate not in NATIVE:
            raise unknown_name("gate", gate, NATIVE)
        super().__init__(N_QUBITS)
        self.gate = gate
        self.word = WORDS[gate][0] if word is None else word
        self.tolerance = tolerance
        self.leads = leads
        self._native = NativeCircuit(self.word, gate)
        self.n_angles = self._native.n_angles
        self._remembered = RememberedAngles(self.n_angles)

    @classmethod
    def for_register(cls, n_qubits: int, gate_set: str) -> Self:
        """As `Loader.for_register`: for four qubits in one of its gates only."""
        if n_qubits != N_QUBITS or gate_set not in NATIVE:
            raise InputError(
                f"the native loader is for {cls.purpose}, not {n_qubits} in {gate_set}; "
                "choose loader = 'auto'."
            )
        return cls(gate_set)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: slots and native gates."""
        circuit = cirq.Circuit()
        for each in self._native.operations:
            if isinstance(each, Coupling):
                pair = qubits[each.first], qubits[each.second]
                is_syc = self.gate == "syc"
                circuit.append(NATIVE_GATES["syc"](*pair) if is_syc else givens(*pair))
                continue
            assert each.qubit is not None
            fresh = NATIVE[self.gate].fresh
            angle = fresh if each.column is None else TableAngle(table, each.column)
            circuit.append(rotation(each.axis, angle).on(qubits[each.qubit]))
        return circuit

    def settings(self) -> dict[str, Any]:
        """Gate, word, tolerance and whether it leads."""
        return {name: getattr(self, name) for name in ("gate", "word", "tolerance", "leads")}

    def forms(self) -> tuple[Loader, ...]:
        """As `Loader.forms`: with each word of six gates that leaves a qubit early, too."""
        return (self, *(NativeLoader(self.gate, word) for word in EARLY_WORDS))

    def family(self, tolerance: float | None) -> tuple[Loader, ...]:
        """`PRODUCTS`, or shorter words within a tolerance; `WORDS`; and the symplectic loader."""
        if not self.leads:
            return (self,)
        others = [word for word in WORDS[self.gate] if word != self.word]
        shorter: tuple[Loader, ...]
        if tolerance is None:
            shorter = tuple(LineLoader(pattern=word) for word in PRODUCTS)
        else:
            shorter = tuple(
                NativeLoader(self.gate, word, tolerance, leads=False) for word in SHORTER_WORDS
            )
        return (
            *shorter,
            self,
            *(NativeLoader(self.gate, word, leads=False) for word in others),
            SymplecticLoader(),
        )

    def exact_for(self, vector: FloatArray) -> Loader:
        """The first of the exact family that loads the vector."""
        family = self.family(None)
        exact = (each for each in family if each.solve(vector[None])[1][0] <= EXACT)
        return next(exact, family[-1])

    @property
    def seconds(self) -> float:
        """As `Loader.seconds`; shorter words within a tolerance are looked for briefly."""
        return _SECONDS[self.gate] / (8 if self.tolerance else 1)

    @property
    def search_version(self) -> int:
        """As `Loader.search_version`."""
        return SEARCH

    def angles(self, states: FloatArray) -> FloatArray:
        """As `Loader.angles`: the angles of `solve`."""
        return self.solve(states)[0]

    def solve(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `Loader.solve`, by a search that remembers what it found as the line loader's does."""
        return self._remembered.solve(
            np.ascontiguousarray(states, dtype=float),
            f"{SEARCH} native {self.gate} {self.word} {self.tolerance!r}",
            lambda rows: solve_native_angles(rows, self._native, _RACES[self.gate], self.tolerance),
            lambda rows, angles: native_infidelities(rows, angles, self._native),
            expense=8,
        )

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """As `Loader.random_states`: few different vectors, as each is searched for.

        Without a middle coupler both halves of the register stay a product.
        """
        if "M" in self.word or "1" in self.word:
            return np.resize(super().random_states(_DIFFERENT, generator), (count, 1 << N_QUBITS))
        left, right = generator.normal(size=(2, count, 1 << N_QUBITS // 2))
        if not self.word:
            left = np.einsum("bi,bj->bij", left[:, :2], left[:, 2:]).reshape(count, -1)
            right = np.einsum("bi,bj->bij", right[:, :2], right[:, 2:]).reshape(count, -1)
        states = np.einsum("bi,bj->bij", left, right).reshape(count, -1)
        units: FloatArray = states / np.linalg.norm(states, axis=1, keepdims=True)
        return units
