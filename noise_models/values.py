"""Checked numbers, immutable mappings and the text form of qubits and couplers."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import cirq
import numpy as np

from noise_models.errors import InputError, shown

V = TypeVar("V")

_INTEGERS = re.compile(r"-?\d+(,-?\d+)?")


class FrozenMapping(Mapping[str, V], Generic[V]):
    """A mapping from text that cannot change, so that what holds it can be hashed.

    Two of them are equal if they hold the same entries, in whatever order these were given.

    Args:
        entries: The entries to copy.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, V] | None = None) -> None:
        self._entries: dict[str, V] = dict(sorted((entries or {}).items()))

    def __getitem__(self, key: str) -> V:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(tuple(self._entries.items()))

    def __repr__(self) -> str:
        return repr(self._entries)


def frozen(value: Any) -> Any:
    """Lists as tuples and tables as `FrozenMapping`, which are hashable.

    Args:
        value: What TOML or JSON holds; anything else stays as it is.
    """
    if isinstance(value, Mapping):
        return FrozenMapping({key: frozen(each) for key, each in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def plain_data(key: str, value: object) -> Any:
    """A value as TOML and JSON hold it, scalars of numpy as Python's own.

    Args:
        key: Where the value stands, for the error.
        value: None, a truth value, a number or a text, or lists and tables of them.

    Raises:
        InputError: If it is or holds anything else, or a text that is not Unicode.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {
            plain_data(key, name): plain_data(f"{key}.{name}", each) for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        plain = [plain_data(key, each) for each in value]
        return plain if isinstance(value, list) else tuple(plain)
    if isinstance(value, str):
        # Half of a pair of surrogates is no character, and no file can hold it.
        is_plain = not any("\ud800" <= character <= "\udfff" for character in value)
    else:
        is_plain = value is None or isinstance(value, bool | int | float)
    if not is_plain:
        raise InputError(
            f"{key} = {shown(value)} is neither a number, a text, a list nor a table: give one of "
            "these."
        )
    return value


def check_scaled(path: str, value: float, factor: float) -> None:
    """Checks that a probability remains one once it has been scaled.

    Args:
        path: The probability's key, as the user would write it.
        value: The probability, 0..1.
        factor: What it is multiplied by, at least 0.

    Raises:
        InputError: If the product exceeds 1.
    """
    if value * factor > 1.0:
        raise InputError(
            f"a scale of {factor:g} takes {path} = {value:g} to {value * factor:g}, outside 0..1;"
            f" scale by at most {1.0 / value:g}."
        )


def qubit_key(qubit: cirq.Qid) -> str:
    """The text that names a qubit in a configuration: "4,5" (grid), "3" (line) or its name.

    Args:
        qubit: A qubit of any kind.
    """
    if isinstance(qubit, cirq.GridQubit):
        return f"{qubit.row},{qubit.col}"
    if isinstance(qubit, cirq.LineQubit):
        return str(qubit.x)
    return str(qubit)


def qubit_of_key(key: str) -> cirq.Qid:
    """The qubit that a text in the form of `qubit_key` names.

    Args:
        key: A text in that form.
    """
    if not _INTEGERS.fullmatch(key):
        return cirq.NamedQubit(key)
    numbers = [int(part) for part in key.split(",")]
    return cirq.LineQubit(numbers[0]) if len(numbers) == 1 else cirq.GridQubit(*numbers)


def coupler_key(first: cirq.Qid, second: cirq.Qid) -> str:
    """The text that names a coupler in a configuration, "4,5:4,6", whatever the order given.

    Args:
        first: One qubit.
        second: The other.
    """
    return ":".join(sorted((qubit_key(first), qubit_key(second))))


def normal_qubit_key(text: object) -> str:
    """Brings the ways in which a user may write a qubit to the form of `qubit_key`.

    Args:
        text: A qubit, or its text, as "4,5", "q(4, 5)" or a name.

    Raises:
        InputError: If it is neither.
    """
    if isinstance(text, cirq.Qid):
        return qubit_key(text)
    if not isinstance(text, str) or not text.strip():
        raise InputError(
            f'the key {shown(text)} is no qubit: write its row and column as in "4,5", or a name.'
        )
    bare = text.replace(" ", "").removeprefix("q").removeprefix("(").removesuffix(")")
    return bare if _INTEGERS.fullmatch(bare) else text.strip()


def normal_coupler_key(path: str, text: object) -> str:
    """Brings a coupler as a user may write it to the form of `coupler_key`.

    Args:
        path: Where the coupler is a key, for messages.
        text: Text as "4,5:4,6", or a pair of qubits.

    Raises:
        InputError: If it does not name two different qubits.
    """
    if isinstance(text, tuple) and all(isinstance(end, cirq.Qid) for end in text):
        ends = [qubit_key(end) for end in text]
    else:
        parts = text.split(":") if isinstance(text, str) else []
        ends = [normal_qubit_key(part) for part in parts if part.strip()]
        ends = ends if len(ends) == len(parts) else []
    if len(ends) != 2 or ends[0] == ends[1]:
        raise InputError(
            f"{path} has the key {shown(text)}, which is no coupler:"
            ' write two qubits and a colon, "4,5:4,6".'
        )
    return ":".join(sorted(ends))


def by_qubit(path: str, entries: object, read: Callable[[str, Any], V]) -> FrozenMapping[V]:
    """Reads a table of values for single qubits; see `by_place`.

    Args:
        path: The table, as the user would write it ("depolarizing.qubits").
        entries: What the user gave.
        read: Checks a value, given its own path.
    """
    return by_place(path, entries, normal_qubit_key, read)


def by_coupler(path: str, entries: object, read: Callable[[str, Any], V]) -> FrozenMapping[V]:
    """Reads a table of values for couplers; see `by_place`.

    Args:
        path: The table, as the user would write it ("depolarizing.couplers").
        entries: What the user gave.
        read: Checks a value, given its own path.
    """
    return by_place(path, entries, functools.partial(normal_coupler_key, path), read)


def by_place(
    path: str, entries: object, normal: Callable[[object], str], read: Callable[[str, Any], V]
) -> FrozenMapping[V]:
    """Reads a table of values for single qubits or couplers.

    Args:
        path: The table, as the user would write it ("depolarizing.couplers").
        entries: What the user gave.
        normal: Brings a key to the form of `qubit_key` or `coupler_key`.
        read: Checks a value, given its own path.

    Raises:
        InputError: If it is no table, a key names no place, two keys name the same one, or a
            value is not allowed.
    """
    if not isinstance(entries, Mapping):
        raise InputError(f"{path} = {shown(entries)} is not a table.")
    found: dict[str, V] = {}
    for key, value in entries.items():
        place = normal(key)
        if place in found:
            raise InputError(f"{path} names {place} twice, the second time as {shown(key)}.")
        found[place] = read(f"{path}.{key!r}", value)
    return FrozenMapping(found)
