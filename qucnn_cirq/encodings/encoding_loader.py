"""The loader of an encoding: what the compiler takes where a patch is no vector of amplitudes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np

from noise_models.extensions import users_code
from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.slots import Table
from qucnn_cirq.encodings.encoding import Encoding, FloatArray
from qucnn_cirq.errors import InputError


class EncodingLoader(Loader, takes_vectors=False):
    """Prepares patches by an encoding; a compiler makes it, it is not chosen by name.

    Args:
        encoding: The encoding.
        n_elements: Values of a patch.

    Raises:
        InputError: If the encoding's circuit and angles do not fit each other.
    """

    name = "encoding"
    purpose = "patches that are no amplitudes"
    is_routable = True

    def __init__(self, encoding: Encoding, n_elements: int) -> None:
        with users_code(f"encoding {encoding.kind!r}"):
            super().__init__(encoding.n_qubits(n_elements))
            lowest = max(encoding.lowest, 0.0)
            angles = encoding.angles(np.full((1, n_elements), lowest))
        if angles.ndim != 2 or len(angles) != 1:
            raise InputError(
                f"encoding {encoding.kind!r} makes angles of shape {angles.shape} for one patch: "
                "give (batch, angles)."
            )
        self.encoding, self.n_elements = encoding, n_elements
        self.n_angles = angles.shape[1]

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """That of the encoding; see `Loader.circuit`."""
        with users_code(f"the circuit of encoding {self.encoding.kind!r}"):
            return self.encoding.circuit(qubits, table, self.n_elements)

    def angles(self, states: FloatArray) -> FloatArray:
        """Angles from values of patches, shape (batch, elements), in place of unit vectors."""
        with users_code(f"the angles of encoding {self.encoding.kind!r}"):
            return self.encoding.angles(states)

    def settings(self) -> dict[str, Any]:
        """See `Loader.settings`."""
        return {"encoding": self.encoding, "n_elements": self.n_elements}

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """Values of random patches within the range, shape (count, elements)."""
        return self.encoding.random_values((count, self.n_elements), generator)
