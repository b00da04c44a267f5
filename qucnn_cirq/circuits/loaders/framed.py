"""The framed loader: the line loader, with a fixed filter in a frame that takes fewer CZ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import cirq
import numpy as np

from qucnn_cirq.circuits.framed_circuit import FRAME, FRAMED, FramedCircuit, Turn
from qucnn_cirq.circuits.framed_search import SEARCH, framed_infidelities, solve_framed_angles
from qucnn_cirq.circuits.loaders.line import LineLoader
from qucnn_cirq.circuits.loaders.loader import FloatArray, Loader
from qucnn_cirq.circuits.loaders.multiplexed import MultiplexedLoader
from qucnn_cirq.circuits.remembered import RememberedAngles
from qucnn_cirq.circuits.slots import Table, TableAngle, rotation
from qucnn_cirq.errors import InputError

WORDS: dict[int, tuple[str, ...]] = {
    5: ("0210213", "OMOM", "OMOMO"),
    6: ("0241302413021302413", "OMOMOMOM", "OMOMOMOMO"),
    7: (7 * "OM" + "O", 8 * "OM"),
    8: (14 * "OM", 15 * "OM"),
}
"""By the length of the line the couplers after the first three, shortest first.

What one word misses is loaded with the next.
"""

SHORTER_WORDS: dict[int, tuple[str, ...]] = {
    5: ("021", "01210", "012101"),
    6: ("102413201302343",),
    7: (),
    8: (),
}
"""Words that come close to patches of images; shortest first.

Found by trying all of them, or exchanging couplers: the mean infidelity of patches of digits is
small.
"""

_SECONDS = {5: 0.015, 6: 0.06, 7: 0.25, 8: 2.0}
"""What the search takes for a vector, by the length of the line."""
_DIFFERENT = 8


class FramedLoader(LineLoader):
    """Loads real vectors on a line of five to eight qubits, in fewer CZ where a filter is fixed.

    In the frame it makes U x of a vector x, U = CZ(1, 3) RX(pi/2) RX(pi/2) on the qubits 1 and 3,
    see `qucnn_cirq.circuits.framed_circuit`, in 10, 22, 48 or 101 CZ. These two are no neighbours,
    so that out of the frame it is the line loader, in 14, 30, 63 or 126.

    Args:
        n_qubits: Length of the line, 5 to 8.
        word: The couplers after the first three, in the frame; None for no frame.
        tolerance: The infidelity that is good enough; if it is not 0 the search is brief.

    Raises:
        InputError: For any other size, or an unknown word.
    """

    name = "framed"
    purpose = "registers of 5 to 8 qubits in CZ"

    def __init__(self, n_qubits: int, word: str | None = None, tolerance: float = 0.0) -> None:
        if n_qubits not in WORDS:
            raise InputError(
                f"the framed loader is for {self.purpose}, not {n_qubits}; choose loader = 'auto'."
            )
        super().__init__(n_qubits, tolerance=tolerance)
        self.word = word
        self._framed = None if word is None else FramedCircuit(n_qubits, word)
        if self._framed is not None:
            self.frame = FRAME
            self.n_angles = self._framed.n_angles
            self._angles = RememberedAngles(self.n_angles)

    @classmethod
    def for_register(cls, n_qubits: int, gate_set: str) -> Self:
        """As `Loader.for_register`: for its sizes in CZ only."""
        if gate_set != "cz":
            raise InputError(
                f"the framed loader is for {cls.purpose}, not in {gate_set}; "
                "choose loader = 'auto'."
            )
        return cls(n_qubits)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: slots and CZ gates."""
        if self._framed is None:
            return super().circuit(qubits, table)
        quarter = np.pi / 2
        first, middle, last = qubits[1:4]
        circuit = cirq.Circuit(
            rotation("y", quarter).on_each(first, middle, last),
            cirq.CZ(middle, last),
            rotation("y", -quarter).on(last),
            cirq.CZ(first, middle),
            rotation("y", -quarter).on(first),
            rotation("x", quarter).on(middle),
        )
        for each in self._framed.operations:
            if isinstance(each, Turn):
                angle = TableAngle(table, each.column)
                circuit.append(rotation(each.axis, angle).on(qubits[each.qubit]))
                continue
            pair = qubits[each.first], qubits[each.second]
            circuit.append(cirq.CZ(*pair))
            if not each.is_cz:
                circuit.append(rotation("z", -quarter).on_each(*pair))
        return circuit

    def settings(self) -> dict[str, Any]:
        """Size, word and tolerance."""
        return {name: getattr(self, name) for name in ("n_qubits", "word", "tolerance")}

    def framed(self) -> Loader:
        """The first word in the frame."""
        return self if self.frame else type(self)(self.n_qubits, WORDS[self.n_qubits][0])

    def unframed(self) -> Loader:
        """The line loader's circuit."""
        return type(self)(self.n_qubits) if self.frame else self

    def out_of_frame(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """As `Loader.out_of_frame`: CZ of the qubits 1 and 3, and rotations by pi/2."""
        if not self.frame:
            return cirq.Circuit()
        pair = [qubits[qubit] for qubit in FRAMED]
        return cirq.Circuit(cirq.CZ(*pair), rotation("x", -np.pi / 2).on_each(*pair))

    def family(self, tolerance: float | None) -> tuple[Loader, ...]:
        """The other words in the frame; in no frame those of the line loader."""
        if not self.frame:
            return super().family(tolerance)
        first, *others = WORDS[self.n_qubits]
        if self.word != first:
            return (self,)
        shorter = SHORTER_WORDS[self.n_qubits] if tolerance is not None else ()
        kind = type(self)
        return (
            *(kind(self.n_qubits, word, tolerance or 0.0) for word in shorter),
            self,
            *(kind(self.n_qubits, word) for word in others),
        )

    def last_resort(self) -> Loader | None:
        """The multiplexed loader, in the frame if this one is."""
        return MultiplexedLoader(self.n_qubits, in_frame=bool(self.frame))

    @property
    def seconds(self) -> float:
        """As `Loader.seconds`; shorter words within a tolerance are looked for briefly."""
        if not self.frame:
            return super().seconds
        return _SECONDS[self.n_qubits] / (8 if self.tolerance else 1)

    @property
    def search_version(self) -> int:
        """As `Loader.search_version`."""
        return SEARCH if self.frame else super().search_version

    def least_infidelities(self, states: FloatArray) -> FloatArray:
        """As `Loader.least_infidelities`: 0 in the frame."""
        return np.zeros(len(states)) if self.frame else super().least_infidelities(states)

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """As `Loader.random_states`: in the frame few different ones, as each is searched for."""
        if self._framed is None:
            return super().random_states(count, generator)
        angles = generator.uniform(-np.pi, np.pi, (_DIFFERENT, self.n_angles))
        return np.resize(self._framed.states(angles), (count, 1 << self.n_qubits))

    def solve(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `Loader.solve`, by a search that remembers what it found as the line loader's does."""
        framed = self._framed
        if framed is None:
            return super().solve(states)
        return self._angles.solve(
            np.ascontiguousarray(states, dtype=float),
            f"{SEARCH} framed {self.n_qubits} {self.word} {self.tolerance!r}",
            lambda rows: solve_framed_angles(rows, framed, self.tolerance),
            lambda rows, angles: framed_infidelities(rows, angles, framed),
            expense=4 ** (self.n_qubits - 4),
        )
