"""Docstrings and signatures, prepared for Sphinx: plain text stays plain, types are as written."""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.util.inspect import stringify_signature

_LITERAL = re.compile(r"(``.+?``|`[^`]+`)")
_SPECIAL = re.compile(r"([*|]|(?<=\w)_(?=\W|$))")
_ENTRY = re.compile(r"^    (\w+):")
_STARRED = re.compile(r"^( +)(\*{1,2})(?=\w+(, \*{1,2}\w+)?:)")


def escaped(lines: list[str]) -> list[str]:
    r"""Lines of a docstring with what is no markup there, as in \|<x\|f>\|^2, escaped.

    Args:
        lines: The docstring's lines.
    """
    found, is_session = [], False
    for line in lines:
        is_session = line.lstrip().startswith(">>>") or (is_session and bool(line.strip()))
        found.append(line if is_session else _escaped(line))
    return found


def _escaped(line: str) -> str:
    starred = _STARRED.match(line)
    start = starred.end() if starred else 0
    parts = _LITERAL.split(line[start:])
    parts[::2] = [_SPECIAL.sub(r"\\\1", part) for part in parts[::2]]
    return line[:start] + "".join(parts)


def _explain(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Prepares a docstring for napoleon, which reads Google's sections."""
    lines[:] = escaped(lines)
    if what in ("class", "exception"):
        lines[:] = _with_types(obj, lines)
    elif what in ("attribute", "data", "property"):
        # Napoleon takes what stands before a colon of the first line for a type: of a comment.
        lines[:0] = ["..", ""]


def _with_types(found: type, lines: list[str]) -> list[str]:
    """The lines of a class with the types of its attributes as the code writes them."""
    annotations: dict[str, str] = {}
    for base in reversed(found.__mro__):
        written = vars(base).get("__annotations__", {})
        annotations |= {name: each for name, each in written.items() if isinstance(each, str)}
    start = lines.index("Attributes:") if "Attributes:" in lines else len(lines)
    typed = [
        _ENTRY.sub(lambda entry: _typed(entry[1], annotations.get(entry[1])), line)
        for line in lines[start:]
    ]
    return [*lines[:start], *typed]


def _typed(name: str, annotation: str | None) -> str:
    return f"    {name}:" if annotation is None else f"    {name} ({_escaped(annotation)}):"


def _sign(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, written: str | None, result: str
) -> tuple[str, str] | None:
    """The signature with types as the code writes them: NDArray[np.float64] and not its parts."""
    if written is None or what not in ("class", "exception", "function", "method"):
        return None
    try:
        signature = inspect.signature(obj)
    except (ValueError, TypeError):
        return None
    parameters = list(signature.parameters.values())
    if what == "method" and parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    if what == "class":
        # What a converter takes has no type; the attributes tell what it may be.
        parameters = [
            each.replace(annotation=inspect.Parameter.empty) if each.annotation is Any else each
            for each in parameters
        ]
    arguments = stringify_signature(
        signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    )
    returned = signature.return_annotation
    return arguments, returned if isinstance(returned, str) and what != "class" else ""


def connect(app: Sphinx) -> None:
    """Connects what reads docstrings and signatures.

    Args:
        app: The build.
    """
    # Before napoleon, whose own markup stays.
    app.connect("autodoc-process-docstring", _explain, priority=400)
    app.connect("autodoc-process-signature", _sign)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
