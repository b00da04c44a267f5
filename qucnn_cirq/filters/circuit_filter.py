"""A filter given as a circuit, and its plain-text form."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import attrs
import cirq
import numpy as np
import numpy.typing as npt
import sympy

from noise_models.checks import only_known_keys, required
from qucnn_cirq.circuits.symbols import natural_order
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters.filter import Filter
from qucnn_cirq.preparations import checked_register, prepared_state


@attrs.frozen(init=False)
class CircuitFilter(Filter):
    """The state that a circuit of the user's prepares from |0...0>.

    The circuit's symbols are the trainable parameters. An angle is a sum of symbols times numbers,
    such as `2*theta + pi/4`, in gates that Cirq can write in one- and two-qubit gates with symbols;
    a symbol may recur.

    Attributes:
        circuit: A circuit of unitary operations on qubits, without measurements. A frozen copy is
            kept.
        qubits: The register, most significant qubit first; it may hold qubits that the circuit
            leaves alone. By default the circuit's qubits in sorted order.
        parameters: The names of the symbols in the order of the parameters. By default sorted,
            theta_2 before theta_10.

    Raises:
        InputError: If the circuit is not of that kind, `qubits` does not cover it, or `parameters`
            are not its symbols.
    """

    kind: ClassVar[str] = "circuit"

    circuit: cirq.FrozenCircuit
    qubits: tuple[cirq.Qid, ...] = ()
    parameters: tuple[str, ...] = ()

    def __init__(
        self,
        circuit: cirq.AbstractCircuit,
        qubits: Sequence[cirq.Qid] | None = None,
        parameters: Sequence[str | sympy.Symbol] | None = None,
    ) -> None:
        register = checked_register("circuit filter", circuit, qubits, symbols=True)
        names = natural_order(cirq.parameter_names(circuit))
        if parameters is not None:
            names = _checked_names(parameters, names)
        self.__attrs_init__(circuit.freeze(), register, names)
        if names:
            # What cannot be trained is refused at once.
            self.angle_weights(len(register))

    @functools.cached_property
    def _vector(self) -> npt.NDArray[np.complex128]:
        return prepared_state(self.circuit, self.qubits)

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.AbstractCircuit:
        """The circuit, on other qubits; see `Filter.circuit_on`."""
        self._check_size(len(qubits))
        places = dict(zip(self.qubits, qubits, strict=True))
        return self.circuit.unfreeze().transform_qubits(places)

    def parameter_names(self, n_qubits: int) -> tuple[str, ...]:
        """The names of the symbols in the order of the parameters."""
        return self.parameters

    def states(self, n_qubits: int, parameters: npt.ArrayLike) -> npt.NDArray[np.complex128]:
        """The circuit's states, shape (batch, 2**n_qubits); see `Filter.states`."""
        self._check_size(n_qubits)
        if self.parameters:
            return super().states(n_qubits, parameters)
        batch = len(self.checked_parameters(n_qubits, parameters))
        return np.tile(self._vector, (batch, 1))

    def to_mapping(self) -> dict[str, Any]:
        """The kind, circuit and qubits in Cirq's JSON, as text, and the order of the parameters.

        Raises:
            InputError: If the circuit holds something that Cirq cannot write as JSON.
        """
        return {
            "kind": self.kind,
            "circuit": _json_text(self.circuit.unfreeze()),
            "qubits": _json_text(list(self.qubits)),
            **({"parameters": list(self.parameters)} if self.parameters else {}),
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the filter from `{"kind": "circuit", "circuit": JSON, "qubits": JSON}`."""
        only_known_keys("circuit filter", mapping, ("kind", "circuit", "qubits", "parameters"))
        circuit = _from_json_text("circuit", required(mapping, "circuit", "circuit filter"))
        names = mapping.get("parameters")
        if "qubits" not in mapping:
            return cls(circuit, parameters=names)
        qubits = _from_json_text("qubits", mapping["qubits"])
        if not isinstance(qubits, list) or not all(isinstance(q, cirq.Qid) for q in qubits):
            raise InputError("qubits of the circuit filter must be Cirq JSON of a list of qubits.")
        return cls(circuit, qubits, names)

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Refuses a circuit whose number of qubits is not the register's."""
        self._check_size(n_qubits)

    def _check_size(self, n_qubits: int) -> None:
        if len(self.qubits) != n_qubits:
            raise InputError(
                f"circuit filter is on {len(self.qubits)} qubits and the patch register has "
                f"{n_qubits}: use a circuit on {n_qubits} qubits, or name idle qubits in `qubits`."
            )


def _checked_names(given: object, names: tuple[str, ...]) -> tuple[str, ...]:
    """The symbols in the order given, if they are the circuit's."""
    try:
        listed = [] if isinstance(given, str) else list(given)  # type: ignore[call-overload]
    except Exception:
        # A class of the user's may fail in a way of its own.
        listed = []
    chosen = tuple(each.name if isinstance(each, sympy.Symbol) else each for each in listed)
    if (
        len(chosen) != len(names)
        or any(not isinstance(each, str) or each not in names for each in chosen)
        or len(set(chosen)) != len(names)
    ):
        raise InputError(
            f"parameters = {shown(given, 60)} of the circuit filter: list each of its symbols once "
            f"({shown(', '.join(names), 60)})."
        )
    return chosen


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
