"""What loaders that undo a known filter in the same circuit have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import cirq
import numpy as np

from qucnn_cirq.circuits.loaders.loader import FloatArray, Loader, unit_vectors
from qucnn_cirq.circuits.slots import Table
from qucnn_cirq.errors import InputError


class MergingLoader(Loader):
    """A loader whose circuit ends in |0000> with the probability |<f|x>|^2.

    A class derived from it has `parts` and `angles`.

    Args:
        vector: The filter's unit vector f, real, shape (16,).

    Raises:
        InputError: For any other size.
    """

    merges_filter = True

    def __init__(self, vector: FloatArray) -> None:
        super().__init__(4)
        if np.shape(vector) != (16,):
            raise self._refusal()
        (self.vector,) = unit_vectors(np.asarray(vector)[None], 4)

    @classmethod
    def _refusal(cls) -> InputError:
        return InputError(
            f"the {cls.name.replace('_', ' ')} is for {cls.purpose}; choose loader = 'auto'."
        )

    @classmethod
    def for_register(cls, n_qubits: int, gate_set: str) -> Self:
        """As `Loader.for_register`: refused, since it is made for a filter."""
        raise cls._refusal()

    @classmethod
    def for_filter(cls, vector: FloatArray, gate_set: str) -> Self:
        """The comparison with a filter's vector; see `Loader`."""
        return cls(vector)

    def settings(self) -> dict[str, Any]:
        """The filter's vector."""
        return {"vector": self.vector}

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: all its parts."""
        return cirq.Circuit(circuit for _, circuit in self.parts(qubits, table))
