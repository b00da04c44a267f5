"""Devices drawn with characters."""

from __future__ import annotations

import re
import textwrap

import cirq

from qucnn_cirq.errors import InputError

Couplers = list[tuple[cirq.GridQubit, cirq.GridQubit]]

_HEADING = re.compile(r"\s*-?\d+(\s+-?\d+)*\s*")
_ROW_NUMBER = re.compile(r"\s*(-?\d+) ")
_BARE = re.compile(r"[\w*.\s]*")


def read_diagram(
    text: str, origin: tuple[int, int] = (0, 0)
) -> tuple[list[cirq.GridQubit], Couplers | None]:
    """Reads qubits and couplers from a diagram.

    Three forms are understood. Qubits (a letter, a digit or ``*``) with couplers between them::

        o-o-o
        | |
        o-o o

    the same with numbered rows and columns, as ``qucnn devices NAME`` prints it; and qubits alone,
    side by side with ``.`` for a hole, of which all neighbours are coupled::

        ooo
        oo.

    Args:
        text: The diagram.
        origin: Row and column of the diagram's upper left corner, if it has no numbers.

    Returns:
        The qubits, and the couplers; None for all neighbours.

    Raises:
        InputError: If a character has no meaning where it stands.
    """
    trimmed = map(str.rstrip, textwrap.dedent(text.expandtabs()).splitlines())
    lines = "\n".join(trimmed).strip("\n").splitlines()
    if not lines:
        raise InputError("the diagram is empty: draw qubits as o and couplers as - and |.")
    if _HEADING.fullmatch(lines[0]) and len(lines) > 1 and _ROW_NUMBER.match(lines[1]):
        return _numbered(lines)
    if _BARE.fullmatch("".join(lines)) and not any(" " in line.strip() for line in lines):
        return _bare(lines, origin), None
    return _coupled(lines, origin, pitch=2)


def _bare(lines: list[str], origin: tuple[int, int]) -> list[cirq.GridQubit]:
    return [
        cirq.GridQubit(origin[0] + row, origin[1] + column)
        for row, line in enumerate(lines)
        for column, character in enumerate(line)
        if character not in ". "
    ]


def _numbered(lines: list[str]) -> tuple[list[cirq.GridQubit], Couplers]:
    heads = [(match.start(), int(match.group())) for match in re.finditer(r"-?\d+", lines[0])]
    margin, first_column = heads[0]
    pitch = heads[1][0] - margin if len(heads) > 1 else 2
    first_row = _ROW_NUMBER.match(lines[1])
    assert first_row is not None
    body = [line[margin:] for line in lines[1:]]
    return _coupled(body, (int(first_row.group(1)), first_column), pitch, first_line=2)


def _coupled(
    lines: list[str], origin: tuple[int, int], pitch: int, first_line: int = 1
) -> tuple[list[cirq.GridQubit], Couplers]:
    """Qubits on every second line and every ``pitch``-th character, couplers between them."""
    qubits: list[cirq.GridQubit] = []
    couplers: Couplers = []
    for index, line in enumerate(lines):
        for place, character in enumerate(line):
            if character == " ":
                continue
            qubit = cirq.GridQubit(origin[0] + index // 2, origin[1] + place // pitch)
            on_row, on_column = index % 2 == 0, place % pitch == 0
            if on_row and on_column and (character.isalnum() or character == "*"):
                qubits.append(qubit)
            elif on_row and not on_column and character == "-":
                couplers.append((qubit, qubit + (0, 1)))
            elif not on_row and on_column and character == "|":
                couplers.append((qubit, qubit + (1, 0)))
            else:
                raise InputError(
                    f"the diagram has {character!r} in line {index + first_line}, character "
                    f"{place + 1}: qubits (o) stand on every second line and every {pitch}. "
                    "character, couplers (- and |) between them."
                )
    # Several dashes between two qubits are one coupler.
    return qubits, list(dict.fromkeys(couplers))
