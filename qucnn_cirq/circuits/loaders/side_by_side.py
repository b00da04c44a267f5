"""Several loaders with one table of angles: a fixed filter that circuits load in different forms.

The angles of all of them stand side by side in a row, and each circuit reads its own columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import cirq
import numpy as np

from qucnn_cirq.circuits.loaders.loader import FloatArray, Loader
from qucnn_cirq.circuits.slots import Table, from_column
from qucnn_cirq.errors import InputError, shown


class SideBySide(Loader):
    """One of several loaders, with the angles of all of them.

    The objects of `part` load the same vectors from the same table, each with a loader of its own.
    It is made by a compiler, not chosen by name.

    Args:
        loaders: Loaders of one size.
        own: Which of them the circuit is that of.

    Raises:
        InputError: If their sizes differ, or there is none.
    """

    name = "side_by_side"

    def __init__(self, loaders: Sequence[Loader], own: int = 0) -> None:
        if len({loader.n_qubits for loader in loaders}) != 1:
            raise InputError(
                f"loaders = {shown([loader.n_qubits for loader in loaders])} qubits: put loaders "
                "of one size side by side, and at least one."
            )
        super().__init__(loaders[0].n_qubits)
        self.loaders = tuple(loaders)
        self.own = own
        self.n_angles = sum(loader.n_angles for loader in self.loaders)
        self.is_closed_form = all(loader.is_closed_form for loader in self.loaders)
        self.gate, self.frame = self._own.gate, self._own.frame

    @property
    def _own(self) -> Loader:
        return self.loaders[self.own]

    def part(self, own: int) -> Self:
        """The same table with the circuit of another loader.

        Args:
            own: Which of the loaders.
        """
        return type(self)(self.loaders, own)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: that of the loader, which reads the columns after those before."""
        before = sum(loader.n_angles for loader in self.loaders[: self.own])
        return from_column(self._own.circuit(qubits, table), before)

    def angles(self, states: FloatArray) -> FloatArray:
        """As `Loader.angles`: those of all loaders."""
        return np.concatenate([loader.angles(states) for loader in self.loaders], axis=1)

    def solve(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `Loader.solve`: the angles of all loaders, and the infidelities of its circuit."""
        solved = [loader.solve(states) for loader in self.loaders]
        return np.concatenate([angles for angles, _ in solved], axis=1), solved[self.own][1]

    def least_infidelities(self, states: FloatArray) -> FloatArray:
        """As `Loader.least_infidelities`."""
        return self._own.least_infidelities(states)

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """As `Loader.random_states`."""
        return self._own.random_states(count, generator)

    @property
    def seconds(self) -> float:
        """As `Loader.seconds`, for the angles of all loaders."""
        return sum(loader.seconds for loader in self.loaders)

    def out_of_frame(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """As `Loader.out_of_frame`."""
        return self._own.out_of_frame(qubits)

    def settings(self) -> dict[str, Any]:
        """The loaders, and which of them is its own."""
        return {"loaders": self.loaders, "own": self.own}
