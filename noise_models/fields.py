"""Fields of settings: what a class of settings writes once about each of its values.

A class of settings is an ``attrs.frozen`` one whose fields are made here. A value is checked, and
brought to its stored form, as the object is made; the error names the key as a user writes it:
the field, after the class's own `key` if it has one ("depolarizing.p1").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import attrs

from noise_models import checks
from noise_models.errors import InputError

MISSING = attrs.NOTHING
"""Stands for the default of a field that has none."""


class Field(NamedTuple):
    """A field of a class of settings.

    Attributes:
        name: Its name, a key of the configuration.
        default: Its default, or `MISSING`.
        factory: Makes its default anew for each object; None if there is no such thing.
        metadata: What the class says of it besides.
    """

    name: str
    default: Any
    factory: Callable[[], Any] | None
    metadata: Mapping[Any, Any]

    @property
    def is_required(self) -> bool:
        """Whether it has to be given."""
        return self.default is MISSING and self.factory is None

    def is_default(self, value: object) -> bool:
        """Whether a value is the default; a list is the tuple of its items.

        Args:
            value: A value of the field.
        """
        default = self.default if self.factory is None else self.factory()
        return default is not MISSING and bool(_with_tuples(value) == _with_tuples(default))


def _with_tuples(value: Any) -> Any:
    return tuple(map(_with_tuples, value)) if isinstance(value, list | tuple) else value


def fields_of(settings: object) -> tuple[Field, ...]:
    """The fields with which a class of settings is made, in order.

    Args:
        settings: A class of attrs, a dataclass, or an object of either; anything else has none.

    Returns:
        One entry for each argument of the constructor.
    """
    cls = settings if isinstance(settings, type) else type(settings)
    found: list[Field] = []
    if attrs.has(cls):
        for each in attrs.fields(cls):
            # One that takes the object itself has no value by itself.
            is_made = isinstance(each.default, attrs.Factory) and not each.default.takes_self  # type: ignore[arg-type]
            factory = each.default.factory if is_made else None
            default = MISSING if factory is not None else each.default
            found += [Field(each.name, default, factory, each.metadata)] * each.init
    elif dataclasses.is_dataclass(cls):
        absent = dataclasses.MISSING
        for own in dataclasses.fields(cls):
            default = MISSING if own.default is absent else own.default
            made = None if own.default_factory is absent else own.default_factory
            found += [Field(own.name, default, made, own.metadata)] * own.init
    return tuple(found)


def field_names(settings: object) -> tuple[str, ...]:
    """The names of the fields with which a class of settings is made, in order.

    Args:
        settings: As for `fields_of`.
    """
    return tuple(each.name for each in fields_of(settings))


def checked(check: Callable[[str, Any], Any], beside: Iterable[object] = (), **options: Any) -> Any:
    """A field that holds what a check makes of the value given.

    Args:
        check: Takes the key, for errors, and the value; returns what is stored or raises an
            `InputError`.
        beside: Values that are stored as they are, such as None or "auto".
        **options: As for ``attrs.field``: `default`, `factory`, `kw_only`, `metadata`.
    """
    words = tuple(beside)

    def convert(value: Any, instance: Any, attribute: attrs.Attribute[Any]) -> Any:
        if isinstance(value, str | None) and value in words:
            return value
        prefix = getattr(type(instance), "key", "")
        # A setting of that name is no text.
        prefix = prefix if isinstance(prefix, str) else ""
        try:
            return check(f"{prefix}.{attribute.name}" if prefix else attribute.name, value)
        except InputError as error:
            text = [repr(word) for word in words if word is not None]
            if not text or not str(error).endswith("."):
                raise
            raise InputError(f"{str(error)[:-1]}, or {' or '.join(text)}.") from None

    converter = attrs.Converter(convert, takes_self=True, takes_field=True)
    return attrs.field(converter=converter, **options)


def named(check: Callable[[Any], str], **options: Any) -> Any:
    """A field that holds a name which a registry knows.

    Args:
        check: Takes the name and returns it, or raises an `InputError`.
        **options: As for `checked`.
    """
    return checked(lambda _, value: check(value), **options)


def read_after(read: Callable[[Any, Any], Any], **options: Any) -> Any:
    """A field whose value is read with the help of the fields before it.

    Args:
        read: Takes the value and the object, of which the fields before this one are set; returns
            what is stored or raises an `InputError`.
        **options: As for ``attrs.field``.
    """
    return attrs.field(converter=attrs.Converter(read, takes_self=True), **options)


def whole(minimum: int, maximum: int = checks.LARGEST_COUNT, **options: Any) -> Any:
    """A field that holds a whole number; see `checks.whole_number`.

    Args:
        minimum: The smallest value allowed.
        maximum: The largest value allowed.
        **options: As for `checked`.
    """
    return checked(lambda key, value: checks.whole_number(key, value, minimum, maximum), **options)


def real(minimum: float, maximum: float, meaning: str = "a number", **options: Any) -> Any:
    """A field that holds a real number; see `checks.real_number`.

    Args:
        minimum: The smallest value allowed.
        maximum: The largest value allowed; may be infinite.
        meaning: What the number is, for the error.
        **options: As for `checked`.
    """
    return checked(
        lambda key, value: checks.real_number(key, value, minimum, maximum, meaning), **options
    )


def probability(meaning: str, **options: Any) -> Any:
    """A field that holds a probability; see `checks.probability`.

    Args:
        meaning: What happens with it, for the error.
        **options: As for `checked`.
    """
    return real(0.0, 1.0, meaning, **options)


def text(**options: Any) -> Any:
    """A field that holds a text.

    Args:
        **options: As for `checked`; ``beside=(None,)`` lets it be absent.
    """
    return checked(checks.text, **options)


def one_of(known: Iterable[str], **options: Any) -> Any:
    """A field that holds a word out of a known set, and is named in the error as its key is.

    Args:
        known: The words.
        **options: As for `checked`.
    """
    words = tuple(known)
    return checked(lambda key, value: checks.one_of(key, value, words), **options)
