"""Circuits as SVG: wrapped like lines of text, so that a circuit of any length can be read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from html import escape

import cirq

from qucnn_cirq.circuits.parts import describe_part, part_of
from qucnn_cirq.devices import Device
from qucnn_cirq.drawing.columns import Column, Drawing, lay_out, wrapped
from qucnn_cirq.drawing.palette import PART_COLOURS, in_order, tint
from qucnn_cirq.drawing.symbols import Kind, Symbol, is_joined, short, symbols_of

_MARGIN = 16.0
_WIRE = 30.0
"""Distance of two wires."""
_HEAD = 34.0
"""Height of the lines with moments and durations above the wires."""
_GAP = 22.0
"""Distance of two systems of wires."""
_BOX = 22.0
_LETTER = 6.4
_PADDING = 5.0

_STYLE = """
text { font-family: "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 11px; fill: #222 }
.detail { font-size: 8px }
.moment { font-size: 9px; fill: #444 }
.wire { stroke: #999; stroke-width: 1 }
.band { fill: #f3f3f3 }
"""


def circuit_svg(
    circuit: cirq.AbstractCircuit,
    device: Device | None = None,
    *,
    width: float = 1400.0,
) -> str:
    """Draws a circuit.

    Operations are coloured by the part of the layer that they are tagged with. Above the wires
    stand the index of each moment and, if a device is given, its duration in nanoseconds. Pointing
    at an operation shows all of it.

    Args:
        circuit: Any circuit; moments may be empty.
        device: Tells durations.
        width: Width in pixels at which the wires are wrapped, at least 300.

    Returns:
        The text of a stand-alone SVG file.

    Raises:
        InputError: If the circuit is too large to be drawn.
    """
    return _Writer(lay_out(circuit, device), max(300.0, width)).write()


class _Writer:
    """Writes one drawing."""

    def __init__(self, drawing: Drawing, width: float) -> None:
        self._drawing = drawing
        self._width = width
        self._names = [short(str(qubit), 16) for qubit in drawing.qubits]
        longest = max((len(name) for name in [*self._names, "moment"]), default=0)
        self._left = _MARGIN + longest * _LETTER + 2 * _PADDING

    def write(self) -> str:
        body: list[str] = []
        top = _MARGIN
        legend = list(self._legend(top))
        body += legend
        top += 24 if legend else 0
        for system in self._systems():
            body += self._system(system, top)
            top += _HEAD + len(self._names) * _WIRE + _GAP
        for note in self._drawing.notes:
            body.append(_text(_MARGIN, top, note, anchor="start"))
            top += 16
        height = top - _GAP + _MARGIN
        size = f'width="{self._width:g}" height="{height:g}"'
        return "\n".join(
            [
                '<?xml version="1.0" encoding="UTF-8"?>',
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
                f'viewBox="0 0 {self._width:g} {height:g}">',
                f"<style>{_STYLE}</style>",
                f'<rect width="{self._width:g}" height="{height:g}" fill="white"/>',
                *body,
                "</svg>",
                "",
            ]
        )

    def _legend(self, top: float) -> Iterator[str]:
        columns = self._drawing.columns
        parts = in_order(part_of(op) for column in columns for op, _ in column.operations)
        if parts in ([], [None]):
            return
        x = _MARGIN
        for part in parts:
            name = part or "other"
            yield _rectangle(x, top, 12, 12, PART_COLOURS[part])
            yield _text(x + 18, top + 10, name, anchor="start")
            x += 18 + len(name) * _LETTER + 20

    def _systems(self) -> list[list[tuple[Column, float]]]:
        """Columns and their widths, cut so that each system fits the width."""
        room = self._width - self._left - _MARGIN
        columns = [
            (column, _column_width(column, self._drawing.durations_ns[column.moment]))
            for column in self._drawing.columns
        ]
        return wrapped(columns, lambda each: each[1], room)

    def _system(self, system: list[tuple[Column, float]], top: float) -> Iterator[str]:
        wires_top = top + _HEAD
        bottom = wires_top + len(self._names) * _WIRE
        right = self._left + sum(width for _, width in system)
        yield from self._bands(system, top, bottom)
        timed = any(ns is not None for ns in self._drawing.durations_ns)
        yield _text(self._left - _PADDING, top + 11, "moment", anchor="end", css="moment")
        if timed:
            yield _text(self._left - _PADDING, top + 24, "ns", anchor="end", css="moment")
        for index, name in enumerate(self._names):
            y = wires_top + (index + 0.5) * _WIRE
            yield _text(self._left - _PADDING, y + 4, name, anchor="end")
            yield f'<line class="wire" x1="{self._left:g}" y1="{y:g}" x2="{right:g}" y2="{y:g}"/>'
        x = self._left
        for column, width in system:
            for operation, wires in column.operations:
                middle = x + width / 2
                yield from self._operation(operation, wires, middle, wires_top, column.moment)
            x += width

    def _bands(
        self, system: list[tuple[Column, float]], top: float, bottom: float
    ) -> Iterator[str]:
        """Every other moment on a grey ground; its index and duration above."""
        x = self._left
        for moment, columns in itertools.groupby(system, key=lambda each: each[0].moment):
            width = sum(width for _, width in columns)
            if moment % 2:
                yield (
                    f'<rect class="band" x="{x:g}" y="{top:g}" width="{width:g}" '
                    f'height="{bottom - top:g}"/>'
                )
            yield _text(x + width / 2, top + 11, str(moment), css="moment")
            duration = self._drawing.durations_ns[moment]
            if duration is not None:
                yield _text(x + width / 2, top + 24, f"{duration:g}", css="moment")
            x += width

    def _operation(
        self, operation: cirq.Operation, wires: tuple[int, ...], x: float, top: float, moment: int
    ) -> Iterator[str]:
        colour = PART_COLOURS[part_of(operation)]
        heights = [top + (wire + 0.5) * _WIRE for wire in wires]
        yield f"<g><title>{_clean(_described(operation, moment))}</title>"
        if len(wires) > 1 and is_joined(operation):
            yield (
                f'<line x1="{x:g}" y1="{min(heights):g}" x2="{x:g}" y2="{max(heights):g}" '
                f'stroke="{colour}" stroke-width="2"/>'
            )
        for symbol, y in zip(symbols_of(operation), heights, strict=True):
            yield from _drawn(symbol, x, y, colour)
        yield "</g>"


def _described(operation: cirq.Operation, moment: int) -> str:
    part = describe_part(operation)
    text = f"moment {moment}: {operation.untagged}"
    return f"{text} ({part})" if part else text


def _column_width(column: Column, duration: float | None) -> float:
    labels = [
        max(len(symbol.label) * _LETTER, len(symbol.detail) * _LETTER * 0.75)
        for operation, _ in column.operations
        for symbol in symbols_of(operation)
        if symbol.kind in (Kind.BOX, Kind.METER)
    ]
    head = len(f"{duration:g}" if duration is not None else "") * _LETTER * 0.85
    return max(_BOX, *labels, head) + 8 if labels else max(_BOX, head + 4)


def _drawn(symbol: Symbol, x: float, y: float, colour: str) -> Iterator[str]:
    if symbol.kind is Kind.CONTROL:
        yield f'<circle cx="{x:g}" cy="{y:g}" r="4.5" fill="{colour}"/>'
        return
    if symbol.kind is Kind.TARGET:
        yield f'<circle cx="{x:g}" cy="{y:g}" r="8" fill="white" stroke="{colour}"/>'
        yield _path(f"M {x - 8:g} {y:g} H {x + 8:g} M {x:g} {y - 8:g} V {y + 8:g}", colour)
        return
    if symbol.kind is Kind.CROSS:
        yield _path(f"M {x - 6:g} {y - 6:g} l 12 12 m -12 0 l 12 -12", colour)
        return
    width = max(_BOX, len(symbol.label) * _LETTER + 4, len(symbol.detail) * _LETTER * 0.75 + 4)
    yield _rectangle(x - width / 2, y - _BOX / 2, width, _BOX, colour)
    if symbol.kind is Kind.METER:
        low = y if symbol.detail else y + 4
        yield _path(f"M {x - 7:g} {low:g} A 7 7 0 0 1 {x + 7:g} {low:g}", "#222")
        yield _path(f"M {x:g} {low:g} L {x + 5:g} {low - 10:g}", "#222")
        if symbol.label != "M":
            yield _text(x - 9, y - 3, symbol.label[:-1], css="detail")
        if symbol.detail:
            yield _text(x, y + 8, symbol.detail, css="detail")
    elif symbol.detail:
        yield _text(x, y - 0.5, symbol.label)
        yield _text(x, y + 8, symbol.detail, css="detail")
    else:
        yield _text(x, y + 4, symbol.label)


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2" '
        f'fill="{tint(colour)}" stroke="{colour}"/>'
    )


def _path(steps: str, colour: str) -> str:
    return f'<path d="{steps}" fill="none" stroke="{colour}" stroke-width="1.6"/>'


def _text(x: float, y: float, content: str, anchor: str = "middle", css: str = "") -> str:
    style = f' class="{css}"' if css else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{style}>{_clean(content)}</text>'


def _clean(text: str) -> str:
    """Text without what XML does not allow."""
    return escape("".join(each if each.isprintable() else " " for each in text))
