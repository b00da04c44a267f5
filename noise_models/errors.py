"""The one error that noise configuration can cause."""

from __future__ import annotations

import difflib
import multiprocessing
import warnings
from collections.abc import Iterable

_LONGEST_SHOWN = 80


_LONGEST_MESSAGE = 200
_ADVICE = 70
"""Characters kept of the end of a message that is cut: the end says what to do."""


class NoiseError(ValueError):
    """Noise that cannot be used; the message is one line that says why and what to do.

    Args:
        message: The reason. Whatever it quotes, it becomes one line of at most 200 characters; a
            longer one loses its middle.
    """

    def __init__(self, message: object) -> None:
        printable = "".join(c if c.isprintable() else " " for c in str(message))
        text = " ".join(printable.split())
        if len(text) > _LONGEST_MESSAGE:
            start = _LONGEST_MESSAGE - _ADVICE - 5
            text = f"{text[:start].rstrip()} ... {text[-_ADVICE:].lstrip()}"
        super().__init__(text)


class NoiseNote(UserWarning):
    """Something that was put right or left out in data that can be used all the same."""


def note(text: str) -> None:
    """Tells the user, as a warning of the category `NoiseNote`, what was put right.

    The command line writes it as one line. Worker processes keep silent: the process that started
    them has read the same data.
    """
    if multiprocessing.parent_process() is None:
        warnings.warn(str(NoiseError(text)), NoiseNote, stacklevel=3)


def some(names: Iterable[str]) -> str:
    """The first few of some names, and how many there are."""
    listed = list(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(name[:40] for name in listed[:3]) + more


def shown(value: object, longest: int = _LONGEST_SHOWN) -> str:
    """What a user gave, short enough for a message of one line."""
    try:
        text = " ".join(repr(value).split())
    except Exception as error:
        # Python refuses to write integers of many thousand digits; a user's class may do anything.
        text = f"a {type(value).__name__} that cannot be written ({type(error).__name__})"
    return text if len(text) <= longest else text[:longest] + "..."


def unknown_name(kind: str, name: object, known: Iterable[str]) -> NoiseError:
    """Builds the error for a name that is not one of a known set.

    Args:
        kind: What is being named, in the singular ("noise", "key of [noise]").
        name: The name as the user gave it.
        known: The valid names.

    Returns:
        An error that names the nearest valid name, if one is near, and lists all of them.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return NoiseError(f"unknown {kind} {shown(name)}.{hint} Known: {', '.join(names)}.")
