"""Errors that a user can cause and mend.

Everything the package refuses is an :class:`InputError`: one line that names the key, the value,
what is allowed and what to do. The command line prints that line and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_MESSAGE = 200
"""Characters of the longest message: what a terminal shows at a glance."""
_LONGEST_SHOWN = 60
_ADVICE = 70
"""Characters kept of the end of a message that is cut: the end says what to do."""


class InputError(ValueError):
    """Input that cannot be used; the message is one line that says why and what to do.

    Args:
        message: The reason. Whatever it quotes, it becomes one line of at most
            :data:`LONGEST_MESSAGE` characters; a longer one loses its middle.
    """

    def __init__(self, message: object) -> None:
        super().__init__(one_line(str(message)))


def one_line(text: str, longest: int = LONGEST_MESSAGE, end: int = _ADVICE) -> str:
    """A text without line breaks and control characters, cut in its middle if it is too long.

    Args:
        text: The text.
        longest: Characters of what is returned, at most.
        end: How many of them are kept of the text's end if it is cut.
    """
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(words) <= longest:
        return words
    return f"{words[: longest - end - 5].rstrip()} ... {words[-end:].lstrip()}"


def shown(value: object) -> str:
    """A value as a user gave it, short enough to be quoted in a message of one line."""
    try:
        text = repr(value)
    except ValueError:
        # Python writes no whole number of more than 4,300 digits.
        text = f"a {type(value).__name__} of thousands of digits"
    except Exception as error:
        # A class of the user's may fail in a way of its own.
        text = f"a {type(value).__name__} that cannot be written ({type(error).__name__})"
    return one_line(text, _LONGEST_SHOWN, _LONGEST_SHOWN // 3)


def unknown_name(kind: str, name: object, known: Iterable[str]) -> InputError:
    """Builds the error for a name that is not one of a known set.

    Args:
        kind: What is being named, in the singular ("device", "overlap test").
        name: The name as the user gave it.
        known: The valid names.

    Returns:
        An error that names the nearest valid name, if one is near, and lists all of them.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name[:100], names, n=1) if isinstance(name, str) else []
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(f"unknown {kind} {shown(name)}.{hint} Known: {', '.join(names)}.")


def missing_extra(what: str, extra: str, otherwise: str = "") -> InputError:
    """Builds the error for something that a package of an optional extra is needed for.

    The package is on no index, so the command names a checkout.

    Args:
        what: What cannot be done without it ("engine = 'exact:torch'").
        extra: The extra, one of those in ``setup.cfg``.
        otherwise: What can be done instead ("export to .csv").

    Returns:
        An error that says how to install the extra.
    """
    instead = f"; or {otherwise}" if otherwise else ""
    return InputError(
        f"{what} needs the extra [{extra}]: pip install '.[{extra}]' in a checkout of "
        f"qucnn_cirq{instead}."
    )
