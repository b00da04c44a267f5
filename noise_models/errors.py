"""Errors that a user can cause and mend: one root, `InputError`, for every package above."""

from __future__ import annotations

import difflib
import multiprocessing
import re
import sys
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path

LONGEST_MESSAGE = 200
"""Characters of the longest message: what a terminal shows at a glance."""
_ADVICE = 70
"""Characters kept of the end of a message that is cut: the end says what to do."""
_LONGEST_SHOWN = 80
_LONG_PATH = re.compile(r"(?:/[^\s/:'\"]+){3,}")
_NOT_TO_MEND = {
    *sys.stdlib_module_names,
    *("cirq", "cirq_google", "matplotlib", "numpy", "pandas", "scipy", "seaborn", "torch"),
}
"""Top-level modules in which an error shows, but is seldom made."""


class InputError(ValueError):
    """Input that cannot be used; the message is one line that says why and what to do.

    Args:
        message: The reason. Whatever it quotes, it becomes one line of at most
            `LONGEST_MESSAGE` characters; see `one_line`.
    """

    def __init__(self, message: object) -> None:
        super().__init__(one_line(str(message)))


NoiseError = InputError
"""The name under which the noise models speak of it."""


def one_line(text: str, longest: int = LONGEST_MESSAGE, end: int = _ADVICE) -> str:
    """A text without line breaks and control characters, shortened if it is too long.

    Paths lose their first folders before anything else is lost; then the text loses its middle.

    Args:
        text: The text.
        longest: Characters of what is returned, at most.
        end: About how many of them are kept of the text's end if it is cut.
    """
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(words) > longest:
        words = _LONG_PATH.sub(lambda path: "…/" + "/".join(path[0].split("/")[-2:]), words)
    if len(words) <= longest:
        return words
    first, last = words[: longest - end - 5], words[-end:]
    # Whole words, unless one is as long as what is kept.
    first = first[: first.rfind(" ")] if " " in first[-20:] else first
    last = last[last.find(" ") :] if " " in last[:20] else last
    # A text that was cut before is cut again at the same place, with one ellipsis.
    first, last = first.rstrip().removesuffix("..."), last.lstrip().removeprefix("...")
    return f"{first.rstrip()} ... {last.lstrip()}"


class NoiseNote(UserWarning):
    """Something that was put right or left out in data that can be used all the same."""


def note(text: str) -> None:
    """Tells the user, as a warning of the category `NoiseNote`, what was put right.

    The command line writes it as one line. Worker processes keep silent: the process that started
    them has read the same data.

    Args:
        text: What was put right; it becomes one line.
    """
    if multiprocessing.parent_process() is None:
        warnings.warn(one_line(text), NoiseNote, stacklevel=3)


def some(names: Iterable[str]) -> str:
    """The first few of some names, and how many there are.

    Args:
        names: Any number of names.
    """
    listed = list(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(name[:40] for name in listed[:3]) + more


def shown(value: object, longest: int = _LONGEST_SHOWN) -> str:
    """A value as a user gave it, short enough to be quoted in a message of one line.

    Args:
        value: Anything.
        longest: Characters of what is returned, at most.
    """
    try:
        text = repr(value)
    except ValueError:
        # Python writes no whole number of more than 4,300 digits.
        text = f"a {type(value).__name__} of thousands of digits"
    except Exception as error:
        # A class of the user's may fail in a way of its own.
        text = f"a {type(value).__name__} that cannot be written ({type(error).__name__})"
    return one_line(text, longest, longest // 3)


def words_of(error: BaseException) -> str:
    """What an error says after its type; nothing if not even that can be had.

    Args:
        error: An error of whatever class.
    """
    try:
        return str(error)
    except Exception:
        # Of a class of the user's.
        return ""


def place_of(error: BaseException) -> str:
    """Where an error is to be mended: the innermost line that is the user's or the project's own.

    Args:
        error: An error that was caught.

    Returns:
        File and line, such as "mystudy.py:41"; the innermost line of all if every one is a
        library's.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [
        (frame, line)
        for frame, line in frames
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _NOT_TO_MEND
    ]
    frame, line = (own or frames)[-1]
    return f"{Path(frame.f_code.co_filename).name}:{line}"


def unknown_name(kind: str, name: object, known: Iterable[str]) -> InputError:
    """Builds the error for a name that is not one of a known set.

    Args:
        kind: What is being named, in the singular ("device", "key of [noise]").
        name: The name as the user gave it.
        known: The valid names.

    Returns:
        An error that names the nearest valid name, if one is near, and lists all of them.
    """
    names = sorted(known)
    is_text = isinstance(name, str)
    near = difflib.get_close_matches(str(name)[:100], names, n=1, cutoff=0.5) if is_text else []
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InputError(f"unknown {kind} {shown(name)}.{hint} Known: {', '.join(names)}.")
