"""A filter given as a circuit, where it acts on the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import attrs
import cirq

from noise_models.checks import only_known_keys, required
from qucnn_cirq.filters.filter import Filter


@attrs.frozen
class ActingFilter(Filter):
    """A filter whose circuit is written so that it is right on every state.

    A circuit that prepares a filter from |0...0> may leave out what does nothing there. One that
    acts on a patch may not: a specification with a measurement makes this of such a filter.

    Attributes:
        filter: The filter.
    """

    kind: ClassVar[str] = "acting"
    from_zero: ClassVar[bool] = False

    filter: Filter = attrs.field(validator=attrs.validators.instance_of(Filter))

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.AbstractCircuit:
        """That of the filter; see `Filter.circuit_on`."""
        return self.filter.circuit_on(qubits)

    def parameter_names(self, n_qubits: int) -> tuple[str, ...]:
        """Those of the filter; see `Filter.parameter_names`."""
        return self.filter.parameter_names(n_qubits)

    def n_parameters(self, n_qubits: int) -> int:
        """As many as the filter has; see `Filter.n_parameters`."""
        return self.filter.n_parameters(n_qubits)

    def acting(self, n_qubits: int) -> Self:
        """Itself; see `Filter.acting`."""
        return self

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """As the filter does; see `Filter.check_fits`."""
        self.filter.check_fits(channels, kernel, n_qubits)
        super().check_fits(channels, kernel, n_qubits)

    def to_mapping(self) -> dict[str, Any]:
        """The kind, and the mapping of the filter."""
        return {"kind": self.kind, "filter": self.filter.to_mapping()}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds it from ``{"kind": "acting", "filter": {...}}``."""
        from qucnn_cirq.filters.registry import filter_from_mapping

        only_known_keys("acting filter", mapping, ("kind", "filter"))
        return cls(filter_from_mapping(required(mapping, "filter", "acting filter")))
