"""The kinds of filter that there are, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cirq

from noise_models.checks import only_known_keys
from noise_models.extensions import load_object
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters.acting import ActingFilter
from qucnn_cirq.filters.ansatz import XZAnsatz
from qucnn_cirq.filters.circuit_filter import CircuitFilter
from qucnn_cirq.filters.dual_ansatz import DualAnsatz
from qucnn_cirq.filters.filter import Filter
from qucnn_cirq.filters.fixed import FixedFilter
from qucnn_cirq.filters.qcnn_body import QCNNBody
from qucnn_cirq.filters.random_circuit import RandomCircuit
from qucnn_cirq.filters.ring_body import RingBody
from qucnn_cirq.filters.unentangled import Unentangled
from qucnn_cirq.kinds import Kinds


class FilterKinds(Kinds[Filter]):
    """Kinds of filter by name."""

    def _checked(self, what: str, member: object) -> type[Filter]:
        kind = super()._checked(what, member)
        if kind.circuit_on is Filter.circuit_on and kind.fixed_vector is Filter.fixed_vector:
            raise InputError(f"{what} defines neither circuit_on nor fixed_vector: define one.")
        return kind


FILTER_KINDS = FilterKinds(Filter, "filter kind")
"""The kinds of filter that a mapping can name."""

for _kind in (
    XZAnsatz,
    FixedFilter,
    CircuitFilter,
    ActingFilter,
    DualAnsatz,
    QCNNBody,
    RandomCircuit,
    RingBody,
    Unentangled,
):
    FILTER_KINDS.register(_kind.kind, _kind)


def filter_from_mapping(mapping: Mapping[str, Any]) -> Filter:
    """Builds a filter from plain data.

    Args:
        mapping: `{"kind": K, ...}` with K one of `FILTER_KINDS`, ``module:attribute`` or
            ``path/to/file.py:attribute``, and the options of that kind. A name may also be that of
            a `cirq.Circuit`, which becomes a `CircuitFilter` and is written as one.

    Returns:
        The filter. One that was named by its module or its file is written so again.

    Raises:
        InputError: If the kind or an option is unknown or not allowed.
    """
    if not isinstance(mapping, Mapping):
        raise InputError(f"a filter must be a table of keys and values, not {shown(mapping)}.")
    if "kind" not in mapping:
        raise InputError(f"a filter has no key 'kind': add one of {', '.join(FILTER_KINDS)}.")
    name = mapping["kind"]
    if isinstance(name, str) and ":" in name:
        named = load_object(FILTER_KINDS.kind, name)
        if isinstance(named, cirq.AbstractCircuit):
            only_known_keys("circuit filter", mapping, ("kind", "parameters"))
            return CircuitFilter(named, parameters=mapping.get("parameters"))
    return FILTER_KINDS.read(mapping)
