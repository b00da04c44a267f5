"""A filter given as a circuit, and its plain-text form."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import cirq
import numpy as np
import numpy.typing as npt

from qucnn_cirq.checks import only_known_keys, required
from qucnn_cirq.errors import InputError
from qucnn_cirq.filter_base import Filter
from qucnn_cirq.preparations import checked_register, prepared_state


@dataclass(frozen=True)
class CircuitFilter(Filter):
    """The state that a circuit of the user's prepares from |0...0>; it has no parameters.

    Attributes:
        circuit: A circuit of unitary operations on qubits, without measurements and without
            unresolved symbols. A frozen copy is kept.
        qubits: The register, most significant qubit first; it may hold qubits that the circuit
            leaves alone. By default the circuit's qubits in sorted order.

    Raises:
        InputError: If the circuit is not of that kind, or `qubits` does not cover it.
    """

    kind: ClassVar[str] = "circuit"

    circuit: cirq.FrozenCircuit
    qubits: tuple[cirq.Qid, ...] = ()

    def __init__(
        self, circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid] | None = None
    ) -> None:
        register = checked_register("circuit filter", circuit, qubits)
        object.__setattr__(self, "circuit", circuit.freeze())
        object.__setattr__(self, "qubits", register)

    @functools.cached_property
    def _vector(self) -> npt.NDArray[np.complex128]:
        return prepared_state(self.circuit, self.qubits)

    def n_parameters(self, n_qubits: int) -> int:
        """Zero: the circuit is taken as it is."""
        return 0

    def states(self, n_qubits: int, parameters: npt.ArrayLike) -> npt.NDArray[np.complex128]:
        """The circuit's state, once per row of `parameters`, whose shape is (batch, 0)."""
        self._check_size(n_qubits)
        batch = len(self.checked_parameters(n_qubits, parameters))
        return np.tile(self._vector, (batch, 1))

    def to_mapping(self) -> dict[str, Any]:
        """The kind, and circuit and qubits in Cirq's JSON, as text.

        Raises:
            InputError: If the circuit holds something that Cirq cannot write as JSON.
        """
        return {
            "kind": self.kind,
            "circuit": _json_text(self.circuit.unfreeze()),
            "qubits": _json_text(list(self.qubits)),
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the filter from `{"kind": "circuit", "circuit": JSON, "qubits": JSON}`."""
        only_known_keys("circuit filter", mapping, ("kind", "circuit", "qubits"))
        circuit = _from_json_text("circuit", required(mapping, "circuit", "circuit filter"))
        if "qubits" not in mapping:
            return cls(circuit)
        qubits = _from_json_text("qubits", mapping["qubits"])
        if not isinstance(qubits, list) or not all(isinstance(q, cirq.Qid) for q in qubits):
            raise InputError("qubits of the circuit filter must be Cirq JSON of a list of qubits.")
        return cls(circuit, qubits)

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Refuses a circuit whose number of qubits is not the register's."""
        self._check_size(n_qubits)

    def _check_size(self, n_qubits: int) -> None:
        if len(self.qubits) != n_qubits:
            raise InputError(
                f"circuit filter is on {len(self.qubits)} qubits and the patch register has "
                f"{n_qubits}: use a circuit on {n_qubits} qubits, or name idle qubits in `qubits`."
            )


def _json_text(value: object) -> str:
    """Cirq's JSON on one line with sorted keys, so that equal circuits give equal text."""
    try:
        plain = json.loads(cirq.to_json(value))
    except (TypeError, ValueError) as error:
        raise InputError(f"circuit filter cannot be written as JSON by Cirq: {error}") from error
    return json.dumps(_whole_as_int(plain), sort_keys=True, separators=(",", ":"))


def _whole_as_int(value: Any) -> Any:
    """Writes 1.0 as 1: Cirq takes X**1 and X**1.0 as equal, and so must their text be."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_as_int(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_as_int(item) for item in value]
    return value


def _from_json_text(key: str, text: object) -> Any:
    if not isinstance(text, str):
        raise InputError(f"{key} of the circuit filter must be text in Cirq's JSON.")
    try:
        return cirq.read_json(json_text=text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{key} of the circuit filter is not readable as Cirq JSON ({error}); write it with "
            f"cirq.to_json."
        ) from error
