"""Errors that a user can cause and mend.

Everything the package refuses is an `InputError`: one line that names the key, the value,
what is allowed and what to do. The command line prints that line and exits with code 2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from noise_models.errors import LONGEST_MESSAGE, InputError, one_line, shown, unknown_name

__all__ = [
    "LONGEST_MESSAGE",
    "InexactLoading",
    "InputError",
    "missing_extra",
    "on_command_line",
    "one_line",
    "option",
    "shown",
    "unknown_name",
]


_ON_COMMAND_LINE: ContextVar[bool] = ContextVar("on the command line", default=False)

_KEYWORDS = {"set": "settings"}
"""What functions call an option where it is another word."""


class InexactLoading(UserWarning):
    """Patches or filters whose angles a search did not find: they are loaded nearly right."""


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


@contextlib.contextmanager
def on_command_line() -> Iterator[None]:
    """While it lasts, messages name options as they are written on the command line."""
    token = _ON_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(token)


def option(name: str, value: object = None, keyword: str | None = None) -> str:
    """What a user calls an option: ``--out results``, or ``out = results`` in Python.

    Args:
        name: The option's name on the command line, without dashes.
        value: What it was given; None to speak of the option alone.
        keyword: The argument's name in Python, where it is not that of the option.
    """
    if _ON_COMMAND_LINE.get():
        return f"--{name}" if value is None else f"--{name} {value}"
    called = keyword or _KEYWORDS.get(name, name)
    return called if value is None else f"{called} = {value}"
