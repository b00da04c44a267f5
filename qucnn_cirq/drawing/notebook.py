"""What notebooks show of specifications, programs, devices and layers.

Drawings are images of their own, so that their styles stay within them.
"""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from noise_models.markup import html_table
from qucnn_cirq.drawing.circuit_svg import circuit_svg
from qucnn_cirq.drawing.device_figure import device_figure
from qucnn_cirq.drawing.placement import CircuitPlacement, placement_of
from qucnn_cirq.drawing.theme import keep_words, theme
from qucnn_cirq.errors import InputError

if TYPE_CHECKING:
    from qucnn_cirq.compiler.program import Program
    from qucnn_cirq.devices import Device
    from qucnn_cirq.layer import QuantumConvolution
    from qucnn_cirq.specification import ConvolutionSpec

_WIDTH = 900.0
"""Pixels at which a drawing's wires are wrapped."""
_MOST_MOMENTS = 60
"""Moments of a circuit that is drawn."""
_DPI = 110


def spec_html(spec: ConvolutionSpec) -> str:
    """A specification's settings.

    Args:
        spec: The specification.
    """
    return html_table("convolution", _spec_rows(spec))


def program_html(program: Program) -> str:
    """What a program costs, its first filter's circuit and where that sits.

    Args:
        program: The program.
    """
    report, circuit = program.report, program.filters[0].template.circuit
    rows = [
        *_spec_rows(program.spec),
        ("device", f"{program.device.name}, {report.gateset}"),
        ("layout, loader", f"{report.layout}, {report.loader}"),
        ("qubits", report.qubits),
        ("two-qubit gates, depth", f"{report.two_qubit_gates}, {report.two_qubit_depth}"),
        ("predicted error", f"{report.predicted_error:.3f}"),
    ]
    parts = [html_table("compiled convolution", rows)]
    if len(circuit) <= _MOST_MOMENTS:
        # One that is too large is not drawn.
        with contextlib.suppress(InputError):
            parts.append(_image("svg+xml", circuit_svg(circuit, width=_WIDTH).encode()))
    parts.append(_map(program.device, placement_of(circuit)))
    return "".join(parts)


def device_html(device: Device) -> str:
    """A device's size and gates, and its map.

    Args:
        device: The device.
    """
    rows = [
        ("qubits", device.n_qubits),
        ("couplers", device.graph.number_of_edges()),
        ("two-qubit gates", ", ".join(device.two_qubit_gates)),
        ("calibrated", "yes" if device.is_calibrated else "no"),
    ]
    return html_table(f"device {device.name}", rows) + _map(device)


def layer_html(layer: QuantumConvolution) -> str:
    """How a layer is run, and what its circuits cost.

    Args:
        layer: The layer.
    """
    report, mitigation = layer.program.report, layer.mitigation
    rows = [
        *_spec_rows(layer.program.spec),
        ("parameters", layer.parameters.size or None),
        ("device", layer.program.device.name),
        ("two-qubit gates, depth", f"{report.two_qubit_gates}, {report.two_qubit_depth}"),
        ("engine", layer.engine.name),
        ("noise", repr(layer.noise)),
        ("shots", "exact means" if layer.shots is None else f"{layer.shots:,}"),
        ("mitigation", None if mitigation is None else mitigation.reason),
        ("seed", layer.seed),
    ]
    return html_table("quantum convolution", rows)


def _spec_rows(spec: ConvolutionSpec) -> Iterator[tuple[str, object]]:
    yield "kernel", "x".join(map(str, spec.kernel_pair))
    yield "stride", "x".join(map(str, spec.stride_pair))
    yield "padding", "x".join(map(str, spec.padding_pair)) if any(spec.padding_pair) else None
    yield "channels", spec.channels
    kinds = dict.fromkeys(type(each).__name__ for each in spec.filter_list)
    yield "filters", f"{spec.n_filters} {', '.join(kinds)}"
    yield "encoding", spec.encoding.kind
    if spec.measurement is None:
        yield "overlap test", spec.overlap
    else:
        yield "measurement", spec.measurement.kind


def _map(device: Device, placement: CircuitPlacement | None = None) -> str:
    buffer = io.BytesIO()
    with theme():
        figure = device_figure(device, placement)
        keep_words(figure)
        figure.savefig(buffer, format="png", dpi=_DPI)
    return _image("png", buffer.getvalue())


def _image(kind: str, content: bytes) -> str:
    data = base64.b64encode(content).decode()
    return f'<img style="max-width:100%" src="data:image/{kind};base64,{data}"/>'
