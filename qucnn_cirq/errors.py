"""Errors that a user can cause and mend.

Everything the package refuses is an `InputError`: one line that names the key, the value,
what is allowed and what to do. The command line prints that line and exits with code 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from noise_models.errors import LONGEST_MESSAGE, InputError, one_line, shown

__all__ = ["LONGEST_MESSAGE", "InputError", "missing_extra", "one_line", "shown", "unknown_name"]


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
