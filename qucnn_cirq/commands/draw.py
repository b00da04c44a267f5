"""`qucnn draw`: draws a circuit, or where it sits on a device."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qucnn_cirq.commands.inputs import patch_and_angles, read_specification
from qucnn_cirq.commands.output import print_json
from qucnn_cirq.errors import InputError

if TYPE_CHECKING:
    import cirq

HELP = "draw a circuit as SVG or text, or where it sits on a device"
DESCRIPTION = (
    "Draw a circuit (Cirq's JSON or OpenQASM), or what a configuration's table [convolution] "
    "compiles to. Operations are coloured by the part of the layer that they belong to. Without "
    "--out the drawing is text."
)
_TERMINAL = 100
"""Width of text that goes to no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument(
        "source", type=Path, metavar="CIRCUIT|CONFIG.toml", help="a circuit, or what to compile"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.svg", help="where the drawing goes")
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="whose durations are shown; what a configuration is compiled for (willow_pink)",
    )
    parser.add_argument(
        "--patch",
        type=Path,
        metavar="FILE.npy",
        help="draw a configuration's circuit for this patch; its angles are left open without",
    )
    parser.add_argument("--width", type=int, help="pixels, or characters of text")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--map",
        action="store_true",
        help="draw where the circuit sits on --device (.svg, .png or .pdf, or text)",
    )
    what.add_argument(
        "--quirk", action="store_true", help="print a link that opens a small circuit in Quirk"
    )


def run(options: argparse.Namespace) -> int:
    """Draws."""
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.guard import guarded

    if options.width is not None and options.width < 1:
        raise InputError(f"--width {options.width} is not allowed: give a positive number.")
    if options.width is not None and (options.map or options.quirk):
        raise InputError("--width is for drawings of circuits: leave it out with --map or --quirk.")
    compiled = options.source.suffix == ".toml"
    if options.patch is not None and not compiled:
        raise InputError("--patch is for a configuration: a circuit has its angles.")
    if options.device is not None and options.quirk and not compiled:
        raise InputError("--device is for drawings with durations: leave it out with --quirk.")
    name = options.device or ("willow_pink" if compiled else None)
    device = load_device(name) if name else None
    if options.map:
        if device is None:
            raise InputError("--map needs --device NAME: the device that the circuit sits on.")
        return _draw_map(options, device, compiled)
    draw = _quirk if options.quirk else _text if options.out is None else _svg
    if options.out is not None and (options.quirk or options.out.suffix.lower() != ".svg"):
        raise InputError(
            f"--out {options.out}: circuits are drawn to files that end in .svg; links are printed."
        )
    arguments = (draw, name, _width(options))
    if compiled:
        drawing = _drawn(_compiled(options, name), *arguments)
    else:
        drawing = guarded(options.source, _read, _drawn, *arguments)
    return _put(options, drawing)


_Draw = Callable[["cirq.AbstractCircuit", str | None, int], str]


def _read(path: Path, function: Callable[..., Any], *others: Any) -> Any:
    """What a function makes of the circuit of a file."""
    from qucnn_cirq.exchange.reading import parsed_circuit

    return function(parsed_circuit(path), *others)


def _drawn(
    circuit: cirq.AbstractCircuit, draw: _Draw, device: str | None, width: int
) -> dict[str, Any]:
    return {
        "moments": len(circuit),
        "qubits": len(circuit.all_qubits()),
        "operations": sum(map(len, circuit)),
        "drawing": draw(circuit, device, width),
    }


def _svg(circuit: cirq.AbstractCircuit, device: str | None, width: int) -> str:
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.drawing.circuit_svg import circuit_svg

    return circuit_svg(circuit, load_device(device) if device else None, width=width)


def _text(circuit: cirq.AbstractCircuit, device: str | None, width: int) -> str:
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.drawing.circuit_text import circuit_text

    return circuit_text(circuit, load_device(device) if device else None, width=width)


def _quirk(circuit: cirq.AbstractCircuit, device: str | None, width: int) -> str:
    from qucnn_cirq.drawing.quirk import quirk_link

    return quirk_link(circuit)


def _width(options: argparse.Namespace) -> int:
    if options.width is not None:
        return int(options.width)
    if options.out is not None:
        return 1400
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _TERMINAL


def _compiled(options: argparse.Namespace, device: str | None) -> cirq.AbstractCircuit:
    """The circuit of a configuration: of one patch, or with its angles open."""
    from qucnn_cirq.compiler.compilation import compile_convolution

    spec = read_specification(options.source)
    program = compile_convolution(spec, device or "willow_pink")
    if options.patch is None and not options.quirk:
        return program.filters[0].template.circuit
    return program.circuit(*patch_and_angles(spec, options))


def _draw_map(options: argparse.Namespace, device: Any, compiled: bool) -> int:
    from qucnn_cirq.drawing.device_text import device_text, roles_text
    from qucnn_cirq.drawing.placement import placement_of
    from qucnn_cirq.guard import guarded

    if compiled:
        placement = placement_of(_compiled(options, options.device))
    else:
        placement = guarded(options.source, _read, placement_of)
    outside = [qubit for qubit in placement.roles if qubit not in device.graph]
    if outside:
        raise InputError(
            f"{options.source} is not placed on {device.name}, which has no qubit {outside[0]}: "
            "see qucnn validate."
        )
    content = {
        "qubits": {str(qubit): role for qubit, role in sorted(placement.roles.items())},
        "walks": [[str(qubit) for qubit in walk] for walk in placement.walks],
    }
    if options.out is None:
        drawing = f"{device_text(device, placement)}\n\n{roles_text(placement)}"
        return _put(options, content | {"drawing": drawing})
    from qucnn_cirq.drawing.device_figure import device_figure
    from qucnn_cirq.drawing.theme import save_figure_as, theme

    with theme():
        save_figure_as(device_figure(device, placement), options.out)
    return _put(options, content | {"drawing": None})


def _put(options: argparse.Namespace, drawing: dict[str, Any]) -> int:
    """Writes a drawing to the file or the terminal."""
    from noise_models.writing import write_text

    if options.out is not None:
        if drawing["drawing"] is not None:
            write_text(options.out, drawing["drawing"])
        drawing["drawing"] = str(options.out)
    if options.json:
        print_json(drawing)
    elif options.out is None:
        print(drawing["drawing"])
    elif not options.quiet:
        print(f"wrote {options.out}")
    return 0
