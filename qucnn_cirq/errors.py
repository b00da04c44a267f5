"""Errors that a user can cause and mend.

Everything the package refuses is an `InputError`: one line that names the key, the value,
what is allowed and what to do. The command line prints that line and exits with code 2.
"""

from __future__ import annotations

from noise_models.errors import LONGEST_MESSAGE, InputError, one_line, shown, unknown_name

__all__ = [
    "LONGEST_MESSAGE",
    "InexactLoading",
    "InputError",
    "missing_extra",
    "one_line",
    "shown",
    "unknown_name",
]


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
