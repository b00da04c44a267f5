"""The control of every circuit: itself without entanglers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import attrs
import cirq
import numpy as np
import numpy.typing as npt

from noise_models.checks import only_known_keys, required
from qucnn_cirq.filters.ansatz import XZAnsatz
from qucnn_cirq.filters.filter import Filter
from qucnn_cirq.filters.random_circuit import RandomCircuit
from qucnn_cirq.filters.ring_body import RingBody


def unentangled(body: Filter) -> Filter:
    """The same circuit, with the same parameters, without gates on several qubits.

    Args:
        body: Any filter that is a circuit.

    Returns:
        By its own setting where it has one for that, else an `Unentangled`.
    """
    if isinstance(body, XZAnsatz | RandomCircuit | RingBody):
        return attrs.evolve(body, entangler="none")
    return Unentangled(body)


@attrs.frozen
class Unentangled(Filter):
    """Another filter's circuit without its gates on several qubits, with the same parameters.

    Attributes:
        body: The other filter.
    """

    kind: ClassVar[str] = "unentangled"

    body: Filter = attrs.field(validator=attrs.validators.instance_of(Filter))

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The gates on one qubit; see `Filter.circuit_on`."""
        return cirq.Circuit(
            operation
            for operation in self.body.slots(qubits).all_operations()
            if len(operation.qubits) == 1
        )

    def n_parameters(self, n_qubits: int) -> int:
        """Those of the other filter, also where they have no effect any more."""
        return self.body.n_parameters(n_qubits)

    def parameter_names(self, n_qubits: int) -> tuple[str, ...]:
        """Those of the other filter; see `Filter.parameter_names`."""
        return self.body.parameter_names(n_qubits)

    def states(self, n_qubits: int, parameters: npt.ArrayLike) -> npt.NDArray[np.complex128]:
        """Product states; see `Filter.states`."""
        rows = self.checked_parameters(n_qubits, parameters)
        return self.states_at(n_qubits, self.angles(n_qubits, rows))

    def angles(self, n_qubits: int, parameters: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Those of the other filter; see `Filter.angles`."""
        return self.body.angles(n_qubits, parameters)

    def angle_weights(self, n_qubits: int) -> npt.NDArray[np.float64] | None:
        """Those of the other filter; see `Filter.angle_weights`."""
        return self.body.angle_weights(n_qubits)

    def to_mapping(self) -> dict[str, Any]:
        """The other filter's mapping within one; see `Filter.to_mapping`."""
        return {"kind": self.kind, "body": self.body.to_mapping()}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """See `Filter.from_mapping`."""
        from qucnn_cirq.filters.registry import filter_from_mapping

        only_known_keys("unentangled filter", mapping, ("kind", "body"))
        return cls(filter_from_mapping(required(mapping, "body", "unentangled filter")))
