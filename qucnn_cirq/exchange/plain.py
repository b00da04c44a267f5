"""Objects of known types as plain data, and back.

Only types that are registered are written or built: a file can name nothing else, and building
them runs none of its content. JSON has no tuples, complex numbers or shared objects; these are
written as mappings with a key that begins with ``$``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import cirq

# Cirq's JSON knows its gates only once it is imported.
import cirq_google  # noqa: F401
import numpy as np

from noise_models.fields import field_names
from qucnn_cirq.errors import InputError

Writer = Callable[[Any], Mapping[str, Any]]
Builder = Callable[..., Any]


class Codec:
    """Writes and reads objects of registered types.

    Args:
        dataclasses: Types that are written field by field.
        others: For other types what they are written as, and how they are built from it.
        bases: Those of them that stand for all that derive from them.
        shared: Types of which one object stays one object.
        left_out: Fields of types that are not written where they are None.
    """

    def __init__(
        self,
        dataclasses: Iterable[type],
        others: Mapping[type, tuple[Writer, Builder]],
        bases: Iterable[type] = (),
        shared: Iterable[type] = (),
        left_out: Mapping[type, Collection[str]] | None = None,
    ) -> None:
        self.types = {each.__name__: each for each in (*dataclasses, *others)}
        self.others = dict(others)
        self.bases = frozenset(bases)
        self.shared = tuple(shared)
        self.left_out = dict(left_out or {})

    def write(self, value: Any) -> Any:
        """An object as plain data.

        Args:
            value: An object of a registered type, or lists, tuples and mappings of such.

        Returns:
            What JSON can hold.

        Raises:
            InputError: If it holds something of a type that is not registered.
        """
        return _Writing(self).write(value)

    def read(self, plain: Any) -> Any:
        """The object that was written.

        Args:
            plain: What `write` returned, from JSON.

        Raises:
            InputError: If the data name a type that is not registered, or do not fit it.
        """
        return _Reading(self).read(plain)


class _Writing:
    """Writes one object; what is shared is written where it first occurs."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._seen: dict[int, int] = {}

    def write(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | np.bool_ | str):
            return bool(value) if isinstance(value, np.bool_) else value
        if isinstance(value, int | np.integer):
            return int(value)
        if isinstance(value, float | np.floating):
            number = float(value)
            return number if math.isfinite(number) else {"$float": repr(number)}
        if isinstance(value, complex | np.complexfloating):
            return {"$complex": [self.write(value.real), self.write(value.imag)]}
        if isinstance(value, tuple):
            return {"$tuple": [self.write(each) for each in value]}
        if isinstance(value, list):
            return [self.write(each) for each in value]
        if isinstance(value, np.ndarray):
            return {"$array": self.write(value.tolist()), "$type": value.dtype.name}
        if isinstance(value, Mapping):
            return {"$mapping": [[self.write(k), self.write(v)] for k, v in value.items()]}
        if isinstance(value, cirq.AbstractCircuit):
            return {"$moments": [[self._operation(op) for op in moment] for moment in value]}
        kind = self._kind(value)
        if kind is not None:
            return self._object(value, kind)
        if isinstance(value, cirq.Qid | cirq.Gate | cirq.VirtualTag):
            return {"$cirq": json.loads(cirq.to_json(value))}
        raise InputError(f"a {type(value).__name__} cannot be written to a file: {value!r}.")

    def _kind(self, value: Any) -> type | None:
        """The registered type of an object: its own, or the nearest base that stands for it."""
        own = type(value)
        if own in self._codec.types.values():
            return own
        return next((kind for kind in own.__mro__ if kind in self._codec.bases), None)

    def _operation(self, operation: cirq.Operation) -> Any:
        gate = operation.without_classical_controls().gate
        keys = tuple(sorted(map(str, cirq.control_keys(operation))))
        if gate is None:
            raise InputError(f"{operation} has no gate and cannot be written to a file.")
        parts = gate, operation.qubits, operation.tags, *((keys,) if keys else ())
        return [self.write(each) for each in parts]

    def _object(self, value: Any, kind: type) -> Any:
        number = len(self._seen)
        if isinstance(value, self._codec.shared):
            if id(value) in self._seen:
                return {"$again": self._seen[id(value)]}
            self._seen[id(value)] = number
        if kind in self._codec.others:
            content = self._codec.others[kind][0](value)
        else:
            content = {name: getattr(value, name) for name in field_names(value)}
            for name in self._codec.left_out.get(kind, ()):
                if content[name] is None:
                    del content[name]
        plain = {"$object": kind.__name__} | {k: self.write(v) for k, v in content.items()}
        return plain | ({"$id": number} if isinstance(value, self._codec.shared) else {})


class _Reading:
    """Reads one object."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._seen: dict[int, Any] = {}

    def read(self, plain: Any) -> Any:
        if isinstance(plain, list):
            return [self.read(each) for each in plain]
        if not isinstance(plain, dict):
            return plain
        for key, build in {
            "$object": self._object,
            "$tuple": lambda whole: tuple(self.read(whole["$tuple"])),
            "$mapping": lambda whole: dict(map(self.read, whole["$mapping"])),
            "$moments": lambda whole: self._circuit(whole["$moments"]),
            "$complex": lambda whole: complex(*self.read(whole["$complex"])),
            "$float": lambda whole: float(whole["$float"]),
            "$array": lambda whole: np.array(self.read(whole["$array"]), whole["$type"]),
            "$again": lambda whole: self._seen[whole["$again"]],
            "$cirq": lambda whole: _cirq_object(whole["$cirq"]),
        }.items():
            if key in plain:
                return build(plain)
        raise InputError(f"the content has a mapping of no known kind: {sorted(plain)[:3]}.")

    def _circuit(self, moments: Any) -> cirq.FrozenCircuit:
        return cirq.FrozenCircuit(cirq.Moment(map(self._operation, moment)) for moment in moments)

    def _operation(self, plain: Any) -> cirq.Operation:
        gate, qubits, tags, *keys = (self.read(each) for each in plain)
        if not isinstance(gate, cirq.Gate):
            raise InputError(f"the content has a {type(gate).__name__} for a gate.")
        operation = gate.on(*qubits)
        for each in keys:
            operation = operation.with_classical_controls(*each)
        return operation.with_tags(*tags) if tags else operation

    def _object(self, plain: dict[str, Any]) -> Any:
        name = plain["$object"]
        kind = self._codec.types.get(name)
        if kind is None:
            raise InputError(f"the content has a {name!r}, which is not known here.")
        content = {key: self.read(value) for key, value in plain.items() if key[0] != "$"}
        built = (
            self._codec.others[kind][1](**content)
            if kind in self._codec.others
            else kind(**content)
        )
        if "$id" in plain:
            self._seen[plain["$id"]] = built
        return built


def _cirq_object(plain: Any) -> Any:
    value = cirq.read_json(json_text=json.dumps(plain))
    if not isinstance(value, cirq.Qid | cirq.Gate | cirq.VirtualTag):
        raise InputError(f"the content has a {type(value).__name__} for a qubit or a gate.")
    return value
