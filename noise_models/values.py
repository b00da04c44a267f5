"""Checked numbers, immutable mappings and the text form of qubits and couplers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Generic, TypeVar

import cirq

from noise_models.errors import NoiseError

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


def number(path: str, value: object, low: float, high: float, meaning: str) -> float:
    """Checks that a value is a number within a closed range.

    Args:
        path: The key, as the user would write it ("depolarizing.p2").
        value: What the user gave.
        low: Least value allowed.
        high: Largest value allowed; may be infinite.
        meaning: What the number is, for the message.

    Returns:
        The value as a float.

    Raises:
        NoiseError: If the value is no number, is NaN, or lies outside the range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise NoiseError(f"{path} = {value!r} is not a number: it is {meaning}.")
    converted = float(value)
    if math.isnan(converted):
        raise NoiseError(f"{path} is NaN: it is {meaning}, {low:g}..{high:g}.")
    if not low <= converted <= high:
        raise NoiseError(f"{path} = {converted:g} is outside {low:g}..{high:g}: it is {meaning}.")
    return converted


def probability(path: str, value: object, meaning: str) -> float:
    """Checks a probability; see `number`."""
    return number(path, value, 0.0, 1.0, meaning)


def check_scaled(path: str, value: float, factor: float) -> None:
    """Checks that a probability remains one once it has been scaled.

    Raises:
        NoiseError: If the product exceeds 1.
    """
    if value * factor > 1.0:
        raise NoiseError(
            f"a scale of {factor:g} takes {path} = {value:g} to {value * factor:g}, outside 0..1;"
            f" scale by at most {1.0 / value:g}."
        )


def qubit_key(qubit: cirq.Qid) -> str:
    """The text that names a qubit in a configuration: "4,5" (grid), "3" (line) or its name."""
    if isinstance(qubit, cirq.GridQubit):
        return f"{qubit.row},{qubit.col}"
    if isinstance(qubit, cirq.LineQubit):
        return str(qubit.x)
    return str(qubit)


def qubit_of_key(key: str) -> cirq.Qid:
    """The qubit that a text in the form of `qubit_key` names."""
    if not _INTEGERS.fullmatch(key):
        return cirq.NamedQubit(key)
    numbers = [int(part) for part in key.split(",")]
    return cirq.LineQubit(numbers[0]) if len(numbers) == 1 else cirq.GridQubit(*numbers)


def coupler_key(first: cirq.Qid, second: cirq.Qid) -> str:
    """The text that names a coupler in a configuration, "4,5:4,6", whatever the order given."""
    return ":".join(sorted((qubit_key(first), qubit_key(second))))


def normal_qubit_key(text: str) -> str:
    """Brings the ways in which a user may write a qubit ("q(4, 5)") to the form of `qubit_key`."""
    bare = text.replace(" ", "").removeprefix("q").removeprefix("(").removesuffix(")")
    return bare if _INTEGERS.fullmatch(bare) else text.strip()


def normal_coupler_key(path: str, text: str) -> str:
    """Brings a coupler as a user may write it to the form of `coupler_key`.

    Raises:
        NoiseError: If the text does not hold two qubits with a colon between them.
    """
    ends = [normal_qubit_key(end) for end in text.split(":")]
    if len(ends) != 2 or not all(ends) or ends[0] == ends[1]:
        raise NoiseError(
            f"{path} has the key {text!r}, which is no coupler:"
            ' write two qubits and a colon, "4,5:4,6".'
        )
    return ":".join(sorted(ends))
