"""Named sets of objects of one kind, to which users add their own."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from noise_models import extensions
from noise_models.errors import InputError, shown, unknown_name

T = TypeVar("T")
V = TypeVar("V")


class Registry(Generic[T]):
    """Members of one kind by name, in the order of their registration.

    A name is looked up among those registered; ``module:attribute`` and
    ``path/to/file.py:attribute`` are imported; any other name is sought among the entry points of
    installed packages, whose group is ``qucnn_cirq.`` and the kind (``qucnn_cirq.overlap_test``).

    Args:
        kind: What a member is, in the singular, as messages say it ("engine", "overlap test").
        base: The class that members are objects of.
        classes: Whether members are subclasses of the base instead of objects of it.
    """

    def __init__(self, kind: str, base: type, *, classes: bool = False) -> None:
        self.kind = kind
        self._base = base
        self._classes = classes
        self._members: dict[str, T] = {}
        _REGISTRIES.add(self)

    def register(self, name: str, member: T) -> T:
        """Adds a member.

        The same member may be registered once more, and one whose class was defined anew by the
        same code (a notebook's cell that is run twice) takes the place of the old one.

        Args:
            name: A word without spaces or colons that no other member has.
            member: The member.

        Returns:
            The member.

        Raises:
            InputError: If the name is no such word or is taken, or the member is of another kind.
        """
        if not isinstance(name, str) or ":" in name or name.split() != [name]:
            raise InputError(
                f"{shown(name)} is no name for {self._article}: give a word without spaces or "
                "colons."
            )
        self._checked(f"{self.kind} {shown(name)}", member)
        if name in self._members and not _is_anew(member, self._members[name]):
            raise InputError(
                f"the name {shown(name)} is taken by another {self.kind}: choose one beside "
                f"{', '.join(self)}."
            )
        self._members[name] = member
        return member

    def __getitem__(self, name: object) -> T:
        """The member of a name; see `find`."""
        return self.find(name)

    def find(self, name: object, beside: Iterable[str] = ()) -> T:
        """The member of a name.

        Args:
            name: The name.
            beside: Further names that may stand in its place, for the message.

        Returns:
            The member.

        Raises:
            InputError: If there is none, or it cannot be imported or is of another kind.
        """
        if isinstance(name, str) and name in self._members:
            return self._members[name]
        what = f"{self.kind} = {shown(name)}"
        if isinstance(name, str) and ":" in name:
            return self._checked(what, extensions.load_object(self.kind, name))
        offered = self._offered()
        if not isinstance(name, str) or name not in offered:
            if extensions.is_reading_stored():
                raise extensions.NotNamedError(
                    f"{self.kind} {shown(name)} is not registered: register it first, then read "
                    "what was stored."
                )
            raise unknown_name(self.kind, name, {*self._members, *offered, *beside})
        return self._checked(what, extensions.load_entry_point(self.kind, offered[name]))

    def check_name(self, name: object) -> str:
        """Refuses a name that no member can have; nothing is imported to find out.

        Args:
            name: What a user or a stored configuration wrote.

        Returns:
            The name.

        Raises:
            InputError: If it is neither registered, nor offered by an installed package, nor of
                the form ``module:attribute``.
        """
        if isinstance(name, str) and self.may_hold(name):
            return name
        raise unknown_name(self.kind, name, {*self._members, *self._offered()})

    def may_hold(self, name: object) -> bool:
        """Whether a name is registered, offered by an installed package, or ``module:attribute``.

        Nothing is imported to find out.

        Args:
            name: What a user or a stored configuration wrote.
        """
        return isinstance(name, str) and (
            name in self._members or ":" in name[1:-1] or name in self._offered()
        )

    def get(self, name: str) -> T | None:
        """The member registered under a name, or None; nothing is imported to find out.

        Args:
            name: A name under which a member was registered; no other form is looked up.
        """
        return self._members.get(name)

    def __contains__(self, name: object) -> bool:
        """Whether a name is registered; nothing is imported to find out."""
        return isinstance(name, str) and name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def names(self) -> tuple[str, ...]:
        """The registered names and those that installed packages offer."""
        return (*self, *(name for name in self._offered() if name not in self))

    def items(self) -> Iterator[tuple[str, T]]:
        """The registered names with their members, in the order of registration."""
        return iter(tuple(self._members.items()))

    def values(self) -> Iterator[T]:
        """The registered members, in the order of registration."""
        return iter(tuple(self._members.values()))

    def registered_here(self) -> tuple[str, ...]:
        """Names that other processes do not know unless they register them too.

        They come neither with this project nor with an installed package.
        """
        own = [name for name, member in self.items() if not self._comes_with_project(member)]
        offered = self._offered() if own else ()
        return tuple(name for name in own if name not in offered)

    def _comes_with_project(self, member: T) -> bool:
        return extensions.comes_with_project(member)

    def source_digest(self, name: str) -> str | None:
        """The SHA-256 of the file that defines a member; see `extensions.source_digest`.

        Args:
            name: The member's name, in any form that a look-up takes.

        Returns:
            64 hexadecimal digits, or None for what comes with this project or has no file.

        Raises:
            InputError: As a look-up does.
        """
        return extensions.source_digest(self[name])

    def digests(self, key: str, name: str) -> dict[str, str]:
        """What `source_digest` gives under a key, or nothing if it gives None.

        A class of the user's own is made once: one that cannot be is refused where a study is
        planned, and not at each of its points.

        Args:
            key: What the digest is of, such as "engine".
            name: As for `source_digest`.

        Raises:
            InputError: As a look-up does, or if the class cannot be made.
        """
        member = self[name]
        digest = extensions.source_digest(member)
        if digest is not None and isinstance(member, type):
            try_to_make(f"{self.kind} = {shown(name)}", member)
        return {} if digest is None else {key: digest}

    def __repr__(self) -> str:
        return f"<registry of {len(self)} {self.kind}s: {', '.join(self)}>"

    @property
    def _article(self) -> str:
        return f"a{'n' if self.kind[0] in 'aeiou' else ''} {self.kind}"

    def _offered(self) -> dict[str, EntryPoint]:
        """The entry points of installed packages, by name; nothing is imported."""
        group = f"qucnn_cirq.{self.kind.replace(' ', '_')}"
        return {entry.name: entry for entry in entry_points(group=group)}

    def _checked(self, what: str, member: object) -> T:
        """A member, if it is one.

        Raises:
            InputError: If it is of another kind, or lacks methods of its kind.
        """
        base = f"{self._base.__module__}.{self._base.__qualname__}"
        if self._classes:
            fits = isinstance(member, type) and issubclass(member, self._base)
            wanted = f"a subclass of {base}"
        else:
            fits = isinstance(member, self._base)
            wanted = f"an object of a subclass of {base}"
        if not fits:
            given = (
                f"the class {member.__name__}" if isinstance(member, type) else shown(member, 40)
            )
            raise InputError(f"{what} is {given}: give {wanted}.")
        if inspect.isabstract(member):
            missing = ", ".join(sorted(getattr(member, "__abstractmethods__", ())))
            raise InputError(f"{what} does not implement {missing}: define what {base} asks for.")
        return member  # type: ignore[return-value]


_REGISTRIES: weakref.WeakSet[Registry[Any]] = weakref.WeakSet()


def registered_here() -> dict[str, str]:
    """The names of `Registry.registered_here` of all registries, with what each is a name of."""
    return {name: each.kind for each in list(_REGISTRIES) for name in each.registered_here()}


def made(what: str, member: type[V], *arguments: str) -> V:
    """An object of a class that was registered or named.

    Args:
        what: What it was given as, for the message ("engine = 'mine.py:Mine'").
        member: The class.
        *arguments: What it is made with.

    Raises:
        InputError: If it cannot be made.
    """
    try:
        with extensions.users_code(what):
            return member(*arguments)
    except InputError as error:
        if arguments or not isinstance(error.__cause__, TypeError):
            raise
        raise InputError(
            f"{what} cannot be made without arguments: {error.__cause__}; give them defaults."
        ) from None


@functools.cache
def try_to_make(what: str, member: type, *arguments: str) -> None:
    """Refuses, as `made` does, a class that cannot be made; one that can is made only once.

    Args:
        what: As for `made`.
        member: As for `made`.
        *arguments: As for `made`.

    Raises:
        InputError: As `made` does.
    """
    made(what, member, *arguments)


def _is_anew(member: object, old: object) -> bool:
    """Whether a member is the old one, or its class the old one's, defined again."""
    if member is old:
        return True
    new_class = member if isinstance(member, type) else type(member)
    old_class = old if isinstance(old, type) else type(old)
    same_place = (new_class.__module__, new_class.__qualname__) == (
        old_class.__module__,
        old_class.__qualname__,
    )
    return new_class is not old_class and same_place
