"""The last steps of compiling one circuit: its filter's vector, its template, its report."""

from __future__ import annotations

import time

from qucnn_cirq.compiler.assembly import Assembly
from qucnn_cirq.compiler.placement import Placement
from qucnn_cirq.compiler.program import Report, Variant
from qucnn_cirq.compiler.request import Request
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.validation import check


def placed(assembly: Assembly, placement: Placement, request: Request, started: float) -> Variant:
    """The template and the report of an assembly that has been given its place.

    Args:
        assembly: The circuit in coordinates of its own.
        placement: Where it goes.
        request: What was asked for.
        started: When compiling began, by ``time.perf_counter``.

    Raises:
        InputError: If the device cannot run the circuit.
    """
    positions, device = placement.positions, request.device
    template = Template(
        circuit=assembly.circuit.transform_qubits(positions).freeze(),
        observable=assembly.observable.on(positions),
        data_qubits=tuple(positions[qubit] for qubit in assembly.data),
        filter_qubits=tuple(positions[qubit] for qubit in assembly.filter),
        ancillas=tuple(positions[qubit] for qubit in assembly.ancillas),
    )
    check(template.marked_circuit, device)
    last = assembly.passes[-1]
    report = Report(
        two_qubit_gates=last.two_qubit_gates,
        two_qubit_depth=last.two_qubit_depth,
        moments=last.moments,
        one_qubit_gates=last.one_qubit_gates,
        qubits=len(template.qubits),
        device=device.name,
        gateset=request.options.gate_set,
        layout=assembly.layout,
        loader=assembly.loader.name,
        predicted_error=placement.predicted_error,
        compile_seconds=time.perf_counter() - started,
    )
    return Variant(assembly.loader, template, assembly.passes, report)
