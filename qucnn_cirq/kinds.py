"""Kinds of things that a mapping describes: filters, encodings, measurements.

A kind is a frozen class whose fields are its settings. It is written as the mapping of its settings
beside the word of its kind, and read again by that word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from noise_models.checks import only_known_keys
from noise_models.extensions import users_code
from noise_models.fields import field_names
from noise_models.registry import Registry
from qucnn_cirq.errors import InputError, shown

K = TypeVar("K", bound="Kind")


class Kind:
    """What is described by a kind and settings: immutable, hashable, comparable by content.

    A subclass is a frozen dataclass, or an ``attrs.frozen`` class, whose fields are its settings.

    Attributes:
        kind: The word for it in a mapping or a TOML table.
        what: What it is a kind of, as messages say it ("filter").
    """

    kind: ClassVar[str]
    what: ClassVar[str]

    def to_mapping(self) -> dict[str, Any]:
        """Plain data from which an equal object is read."""
        settings = {name: _plain(getattr(self, name)) for name in field_names(self)}
        # TOML has no word for what is left open.
        given = {name: value for name, value in settings.items() if value is not None}
        return {"kind": self.kind, **given}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds it from what `to_mapping` returned; unknown keys are refused.

        Args:
            mapping: The kind and the settings by name; what is absent takes its default.
        """
        only_known_keys(f"{cls.kind} {cls.what}", mapping, ("kind", *field_names(cls)))
        given = {key: _frozen(value) for key, value in mapping.items() if key != "kind"}
        with users_code(f"{cls.what} {cls.kind}"):
            return cls(**given)


class Kinds(Registry[type[K]]):
    """Kinds of one thing by name.

    Args:
        base: The class that they derive from.
        word: What a member is, in the singular, as messages say it; that of the class if None.
    """

    def __init__(self, base: type[K], word: str | None = None) -> None:
        super().__init__(base.what if word is None else word, base, classes=True)

    def _checked(self, what: str, member: object) -> type[K]:
        kind = super()._checked(what, member)
        if not isinstance(getattr(kind, "kind", None), str):
            raise InputError(f"{what} has no kind: give the class kind = a word of its own.")
        if kind.__hash__ is None:
            raise InputError(f"{what} is not hashable: make it a frozen dataclass.")
        return kind

    def read(self, given: object) -> K:
        """One of these, from whatever a user may write.

        Args:
            given: An object of the kind; the word of one whose settings have defaults; or a mapping
                with the key "kind" and settings. A word may be ``module:attribute`` or
                ``path/to/file.py:attribute``.

        Returns:
            The object. One that was named by its module or its file is written so again.

        Raises:
            InputError: If the kind or a setting is unknown or not allowed.
        """
        what = self.kind
        if isinstance(given, self._base):
            hashable: K = given  # type: ignore[assignment]
            if type(given).__hash__ is None or not isinstance(getattr(given, "kind", None), str):
                raise InputError(
                    f"{what} is a {type(given).__name__}, which has no kind or is not hashable: "
                    "make it a frozen dataclass with a kind."
                )
            return hashable
        mapping = {"kind": given} if isinstance(given, str) else given
        if not isinstance(mapping, Mapping) or "kind" not in mapping:
            raise InputError(
                f"{what} = {shown(given)} is not allowed: give a word out of {', '.join(self)}, "
                f"a table with the key 'kind', or an object of a {what}."
            )
        kind = self.find(mapping["kind"])
        found = kind.from_mapping(mapping)
        if not isinstance(found, self._base):
            raise InputError(
                f"{what} {shown(mapping['kind'])} makes {shown(found, 40)}: make a "
                f"{self._base.__name__}."
            )
        if found.kind != mapping["kind"]:
            object.__setattr__(found, "kind", mapping["kind"])
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _frozen(value: Any) -> Any:
    """Lists as tuples, which are hashable."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value
