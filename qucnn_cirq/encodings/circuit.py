"""Data circuits: the values of a patch are the angles of a circuit of the user's."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import attrs
import cirq
import numpy as np

from qucnn_cirq.circuits.slots import Table, in_table
from qucnn_cirq.circuits.symbols import Rotations, as_rotations
from qucnn_cirq.encodings.encoding import ComplexArray, Encoding, FloatArray
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter
from qucnn_cirq.preparations import prepared_state

_WHAT = "encoding's circuit"


@attrs.frozen(init=False)
class CircuitEncoding(Encoding):
    """A circuit whose symbols are the values of a patch, one after the other.

    A batch of data circuits that differ in their angles is one circuit and a table of angles: the
    kernel is (1, symbols), and an image of that size one set of angles. It is compiled once, and
    the gradient of the images is that of the angles. Also for feature maps that an encoding of the
    package's own is not, such as rotations with products of gates between them.

    Args:
        circuit: As for `qucnn_cirq.CircuitFilter`.
        qubits: As for `qucnn_cirq.CircuitFilter`.
        parameters: As for `qucnn_cirq.CircuitFilter`.

    Attributes:
        data_circuit: As for `qucnn_cirq.CircuitFilter`.
        qubits: As for `qucnn_cirq.CircuitFilter`.
        parameters: The names of the symbols in the order of the values.

    Raises:
        InputError: As `qucnn_cirq.CircuitFilter` does, or if there is no symbol.
    """

    kind: ClassVar[str] = "circuit"
    title: ClassVar[str] = "values are the angles of a circuit"

    data_circuit: cirq.FrozenCircuit
    qubits: tuple[cirq.Qid, ...]
    parameters: tuple[str, ...]

    def __init__(
        self,
        circuit: cirq.AbstractCircuit,
        qubits: Sequence[cirq.Qid] | None = None,
        parameters: Sequence[str] | None = None,
    ) -> None:
        # It is checked, and written as plain data, as a filter's circuit is.
        own = CircuitFilter(circuit, qubits, parameters)
        if not own.parameters:
            raise InputError(
                "encoding = 'circuit' has no symbols: give a circuit with one for each value."
            )
        self.__attrs_init__(own.circuit, own.qubits, own.parameters)

    def n_qubits(self, n_elements: int) -> int:
        """Those of the circuit; see `Encoding.n_qubits`."""
        if n_elements != len(self.parameters):
            raise InputError(
                f"encoding = 'circuit' has {len(self.parameters)} symbols and a patch {n_elements} "
                f"values: use kernel = (1, {len(self.parameters)})."
            )
        return len(self.qubits)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table, n_elements: int) -> cirq.Circuit:
        """The circuit in rotations; see `Encoding.circuit`."""
        written = self._rotations.circuit
        assert written is not None
        line: list[cirq.Qid] = [*cirq.LineQubit.range(len(qubits))]
        placed = written.transform_qubits(dict(zip(line, qubits, strict=True)))
        return in_table(placed, table)

    def angles(self, values: FloatArray) -> FloatArray:
        """Sums of values times numbers; see `Encoding.angles`."""
        weights, offsets = self._rotations.weights, self._rotations.offsets
        assert weights is not None
        rows: FloatArray = values @ weights.T + offsets
        return rows

    def slopes(self, values: FloatArray) -> FloatArray:
        """The numbers; see `Encoding.slopes`."""
        weights = self._rotations.weights
        assert weights is not None
        return np.broadcast_to(weights, (len(values), *weights.shape))

    def states(self, values: FloatArray) -> ComplexArray:
        """By the circuit as it was given, and not as it is written; see `Encoding.states`."""
        found = [
            prepared_state(
                cirq.resolve_parameters(
                    self.data_circuit, dict(zip(self.parameters, map(float, row), strict=True))
                ),
                self.qubits,
            )
            for row in values
        ]
        return np.reshape(found, (len(values), -1)).astype(np.complex128)

    def to_mapping(self) -> dict[str, Any]:
        """As of `qucnn_cirq.CircuitFilter`."""
        return CircuitFilter(self.data_circuit, self.qubits, self.parameters).to_mapping()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds it from ``{"kind": "circuit", "circuit": JSON, "qubits": JSON}``."""
        own = CircuitFilter.from_mapping(mapping)
        return cls(own.circuit, own.qubits, own.parameters)

    @property
    def _rotations(self) -> Rotations:
        return _rotations(self)


@functools.lru_cache(maxsize=64)
def _rotations(encoding: CircuitEncoding) -> Rotations:
    line = cirq.LineQubit.range(len(encoding.qubits))
    placed = encoding.data_circuit.unfreeze().transform_qubits(
        dict(zip(encoding.qubits, line, strict=True))
    )
    return as_rotations(_WHAT, placed, line, encoding.parameters)
